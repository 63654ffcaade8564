//! Mean label: a binary task's base rate.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "label_mean",
    applies_to: AppliesTo::Numbers,
    better: Better::Neither,
    doc: "mean label; a binary task's base rate",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean(|_, label| label)
}
