//! AUC: the probability that a positive row scores above a negative one.

use super::evaluation::Ordered;
use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "auc",
    applies_to: AppliesTo::Binary,
    better: Better::Higher,
    doc: "area under the ROC curve, ties counted half; undefined unless both classes are present",
    weighted: true,
    compute,
};

/// Without weights pairs are counted in integers, so the only rounding is that of the last division.
fn compute(rows: &Evaluation) -> Option<f64> {
    if rows.is_weighted() {
        return area(&rows.in_order()).map(|area| area.auc);
    }
    let (positives, negatives) = rows.classes();
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut half_wins: u128 = 0;
    let mut negatives_below: u64 = 0;
    for tie in rows.ties() {
        let tied_negatives = tie.rows - tie.positives;
        half_wins += u128::from(tie.positives) * u128::from(2 * negatives_below + tied_negatives);
        negatives_below += tied_negatives;
    }
    Some(half_wins as f64 / (2.0 * positives as f64 * negatives as f64))
}

/// The AUC of some rows, and what they weigh.
pub(super) struct Area {
    pub(super) auc: f64,
    pub(super) weight: f64,
    pub(super) positive_weight: f64,
}

/// The part of the weight of all pairs of a positive and a negative row in which the positive one scores higher, ties
/// counted half; a pair weighs the product of its rows' weights. `None` unless both classes weigh something.
pub(super) fn area(rows: &[Ordered]) -> Option<Area> {
    let (mut wins, mut positive_weight, mut negatives_below) = (0.0, 0.0, 0.0);
    for tie in rows.chunk_by(|a, b| a.score() == b.score()) {
        let (mut positives, mut negatives) = (0.0, 0.0);
        for row in tie {
            *(if row.is_positive() { &mut positives } else { &mut negatives }) += f64::from(row.weight);
        }
        wins += positives * (negatives_below + negatives / 2.0);
        negatives_below += negatives;
        positive_weight += positives;
    }
    let pairs: f64 = positive_weight * negatives_below;
    (pairs > 0.0).then(|| Area { auc: wins / pairs, weight: positive_weight + negatives_below, positive_weight })
}
