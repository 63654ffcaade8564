//! Expected calibration error over bins of equal mass.

use super::{AppliesTo, Better, Evaluation, Metric, sum};

pub(super) const METRIC: Metric = Metric {
    name: "ece",
    applies_to: AppliesTo::Binary,
    better: Better::Lower,
    doc: "expected calibration error: mean over 15 bins of equal mass of |mean score - mean label|",
    weighted: false,
    compute,
};

const BINS: u64 = 15;

#[derive(Default, Clone, Copy)]
struct Bin {
    rows: f64,
    score: f64,
    label: f64,
}

/// Bin b of N rows takes ranks b·N/15 .. (b+1)·N/15. A tie that crosses a border brings its mean label to both sides:
/// the order of tied rows is arbitrary, and the figure must not depend on it.
fn compute(rows: &Evaluation) -> Option<f64> {
    let total = rows.rows() as u64;
    if total == 0 {
        return None;
    }
    let end_of = |bin: u64| (u128::from(bin + 1) * u128::from(total) / u128::from(BINS)) as u64;
    let mut bins = [Bin::default(); BINS as usize];
    let mut rank = 0;
    let mut bin = 0;
    for tie in rows.ties() {
        let label = tie.positives as f64 / tie.rows as f64;
        let end = rank + tie.rows;
        while rank < end {
            while end_of(bin) <= rank {
                bin += 1;
            }
            let here = (end.min(end_of(bin)) - rank) as f64;
            let filled = &mut bins[bin as usize];
            filled.rows += here;
            filled.score += here * tie.score;
            filled.label += here * label;
            rank = end.min(end_of(bin));
        }
    }
    let gaps = bins.iter().map(|bin| (bin.score - bin.label).abs());
    Some(sum::sum(gaps) / total as f64)
}
