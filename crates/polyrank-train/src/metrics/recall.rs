//! Recall at the threshold 0.5.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "recall",
    applies_to: AppliesTo::Binary,
    better: Better::Higher,
    doc: "part of the positive rows that are scored 0.5 or more; undefined without any",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean_where(|_, label| label == 1.0, |score, _| f64::from(u8::from(score >= 0.5)))
}
