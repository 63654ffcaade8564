//! Number of rows that the other figures are over.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "rows",
    applies_to: AppliesTo::Any,
    better: Better::Neither,
    doc: "rows that have the label",
    weighted: false,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    Some(rows.rows() as f64)
}
