//! Mean absolute error.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "mae",
    applies_to: AppliesTo::Regression,
    better: Better::Lower,
    doc: "mean absolute error, in the label's unit",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean(|score, label| (score - label).abs())
}
