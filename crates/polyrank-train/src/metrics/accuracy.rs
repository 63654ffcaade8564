//! Accuracy at the threshold 0.5; of several classes that of the likeliest (top-1).

use polyrank_schema::config::TaskKind;

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "accuracy",
    applies_to: AppliesTo::Classes,
    better: Better::Higher,
    doc: "part of the rows on the right side of 0.5 (a score of exactly 0.5 predicts the positive class), or whose \
          likeliest class (the first of several) is the label's",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    match rows.kind() {
        TaskKind::MultiClass { .. } => rows.mean_of(|row| f64::from(u8::from(rows.hits()[row]))),
        _ => rows.mean(|score, label| f64::from(u8::from((score >= 0.5) == (label == 1.0)))),
    }
}
