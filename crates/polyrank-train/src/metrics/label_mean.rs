//! Mean label: a binary task's base rate.

use super::{AppliesTo, Better, Evaluation, Metric, sum};

pub(super) const METRIC: Metric = Metric {
    name: "label_mean",
    applies_to: AppliesTo::Numbers,
    better: Better::Neither,
    doc: "mean label; a binary task's base rate",
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    sum::mean(rows.labels().iter().map(|&label| f64::from(label)))
}
