//! What quantiles are found from: numbers and how often each was seen, exactly up to a million distinct ones.

use hashbrown::HashMap;

use super::quantile_sketch::QuantileSketch;

/// Distinct numbers that quantiles are found exactly for; beyond, from a sketch of 0.1 % rank error.
const MAX_DISTINCT: usize = 1_000_000;

/// Numbers and how often each was seen.
#[derive(Debug)]
pub(crate) enum Ranks {
    /// By their bits.
    Counted(HashMap<u64, u64>),
    Sketched(QuantileSketch),
}

impl Ranks {
    pub(crate) fn new() -> Ranks {
        Ranks::Counted(HashMap::new())
    }

    /// Takes in a number that was seen so often.
    pub(crate) fn observe(&mut self, x: f64, count: u64) {
        // −0 and 0 are one number.
        let x = x + 0.0;
        match self {
            Ranks::Counted(counts) => {
                *counts.entry(x.to_bits()).or_insert(0) += count;
                if counts.len() > MAX_DISTINCT {
                    let mut sketch = QuantileSketch::default();
                    sorted(std::mem::take(counts)).into_iter().for_each(|(x, n)| sketch.observe(x, n));
                    *self = Ranks::Sketched(sketch);
                }
            }
            Ranks::Sketched(sketch) => sketch.observe(x, count),
        }
    }

    pub(crate) fn merge(&mut self, other: Ranks) {
        match (&mut *self, other) {
            (_, Ranks::Counted(counts)) => sorted(counts).into_iter().for_each(|(x, n)| self.observe(x, n)),
            (Ranks::Sketched(sketch), Ranks::Sketched(other)) => sketch.merge(other),
            (Ranks::Counted(counts), Ranks::Sketched(mut sketch)) => {
                sorted(std::mem::take(counts)).into_iter().for_each(|(x, n)| sketch.observe(x, n));
                *self = Ranks::Sketched(sketch);
            }
        }
    }

    /// (Number, how often), by size.
    pub(crate) fn finish(self) -> Vec<(f64, u64)> {
        match self {
            Ranks::Counted(counts) => sorted(counts),
            Ranks::Sketched(sketch) => sketch.finish(),
        }
    }
}

fn sorted(counts: HashMap<u64, u64>) -> Vec<(f64, u64)> {
    let mut sorted: Vec<_> = counts.into_iter().map(|(bits, n)| (f64::from_bits(bits), n)).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    sorted
}
