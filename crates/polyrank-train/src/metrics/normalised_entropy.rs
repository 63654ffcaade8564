//! Normalised entropy: logloss relative to that of always predicting the base rate (He et al., 2014).

use super::{AppliesTo, Better, Evaluation, Metric, logloss};

pub(super) const METRIC: Metric = Metric {
    name: "normalised_entropy",
    applies_to: AppliesTo::Binary,
    better: Better::Lower,
    doc: "logloss divided by that of predicting the mean label; 1 is no better than a constant",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    let rate = rows.mean(|_, label| label)?;
    if rate <= 0.0 || rate >= 1.0 {
        return None;
    }
    let base = -(rate * rate.ln() + (1.0 - rate) * (1.0 - rate).ln());
    Some(logloss::compute(rows)? / base)
}
