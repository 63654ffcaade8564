//! AUC: the probability that a positive row scores above a negative one.

use super::{AppliesTo, Better, Evaluation, Metric};

pub(super) const METRIC: Metric = Metric {
    name: "auc",
    applies_to: AppliesTo::Binary,
    better: Better::Higher,
    doc: "area under the ROC curve, ties counted half; undefined unless both classes are present",
    compute,
};

/// Counts pairs in integers, so the only rounding is that of the last division.
fn compute(rows: &Evaluation) -> Option<f64> {
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
