//! Mean absolute error.

use super::{AppliesTo, Better, Evaluation, Metric, sum};

pub(super) const METRIC: Metric = Metric {
    name: "mae",
    applies_to: AppliesTo::Regression,
    better: Better::Lower,
    doc: "mean absolute error, in the label's unit",
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    sum::mean(rows.pairs().map(|(score, label)| (score - label).abs()))
}
