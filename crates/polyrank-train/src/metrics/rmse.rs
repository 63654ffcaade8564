//! Root mean squared error.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "rmse",
    applies_to: AppliesTo::Regression,
    better: Better::Lower,
    doc: "root of the mean squared error, in the label's unit",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean(|score, label| (score - label).powi(2)).map(f64::sqrt)
}
