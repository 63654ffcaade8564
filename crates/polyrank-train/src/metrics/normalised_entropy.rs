//! Normalised entropy: logloss relative to that of always predicting the base rate (He et al., 2014).

use super::{AppliesTo, Better, Evaluation, Metric, logloss};

pub(super) const METRIC: Metric = Metric {
    name: "normalised_entropy",
    applies_to: AppliesTo::Binary,
    better: Better::Lower,
    doc: "logloss divided by that of predicting the mean label; 1 is no better than a constant",
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    let (positives, negatives) = rows.classes();
    if positives == 0 || negatives == 0 {
        return None;
    }
    let rate = positives as f64 / (positives + negatives) as f64;
    let base = -(rate * rate.ln() + (1.0 - rate) * (1.0 - rate).ln());
    Some(logloss::compute(rows)? / base)
}
