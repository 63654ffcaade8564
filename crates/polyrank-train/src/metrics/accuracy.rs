//! Accuracy at the threshold 0.5.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "accuracy",
    applies_to: AppliesTo::Binary,
    better: Better::Higher,
    doc: "part of the rows on the right side of 0.5 (a score of exactly 0.5 predicts the positive class)",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean(|score, label| f64::from(u8::from((score >= 0.5) == (label == 1.0))))
}
