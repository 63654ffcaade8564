//! Mean prediction, to hold against the mean label.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "prediction_mean",
    applies_to: AppliesTo::Numbers,
    better: Better::Neither,
    doc: "mean prediction over the labelled rows; far from the mean label, the model is biased",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    rows.mean(|score, _| score)
}
