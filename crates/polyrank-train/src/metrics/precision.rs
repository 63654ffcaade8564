//! Precision at the threshold 0.5.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "precision",
    applies_to: AppliesTo::Binary,
    better: Better::Higher,
    doc: "part of the rows scored 0.5 or more that are positive; undefined without any",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean_where(|score, _| score >= 0.5, |_, label| label)
}
