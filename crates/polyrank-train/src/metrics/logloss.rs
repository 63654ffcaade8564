//! Logloss: the mean of −ln(probability given to what happened).

use polyrank_schema::config::TaskKind;

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "logloss",
    applies_to: AppliesTo::Classes,
    better: Better::Lower,
    doc: "mean cross-entropy in nats, probabilities clipped at 1e-7 only to stay finite",
    weighted: true,
    compute,
};

const CLIP: f64 = 1e-7;

pub(super) fn compute(rows: &Evaluation) -> Option<f64> {
    let binary = matches!(rows.kind(), TaskKind::Binary { .. });
    rows.mean(|score, label| {
        let happened = if binary && label != 1.0 { 1.0 - score } else { score };
        -happened.clamp(CLIP, 1.0 - CLIP).ln()
    })
}
