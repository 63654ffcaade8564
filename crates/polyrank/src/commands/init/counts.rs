//! How many different values there are.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Values by their hash, in bounded memory.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    counts: HashMap<u64, u64>,
    most: usize,
    /// Values observed.
    pub(super) total: u64,
    /// Whether there were more different values than could be told apart.
    pub(super) full: bool,
}

impl Counts {
    /// Tells up to `most` values apart.
    pub(super) fn new(most: usize) -> Counts {
        Counts { counts: HashMap::new(), most, total: 0, full: false }
    }

    /// Whether the value is new.
    pub(super) fn observe(&mut self, value: impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let hash = hasher.finish();
        self.total += 1;
        if let Some(count) = self.counts.get_mut(&hash) {
            *count += 1;
            return false;
        }
        if self.counts.len() >= self.most {
            self.full = true;
            return false;
        }
        self.counts.insert(hash, 1);
        true
    }

    /// Different values seen, as far as they were told apart.
    pub(super) fn distinct(&self) -> u64 {
        self.counts.len() as u64
    }

    /// Values seen once.
    pub(super) fn single(&self) -> u64 {
        self.counts.values().filter(|count| **count == 1).count() as u64
    }

    /// Different values to expect in `grown` times as many rows: those seen once grow with the root (the GEE estimator of
    /// Charikar et al., 2000).
    pub(super) fn expected(&self, grown: f64) -> u64 {
        let (distinct, single) = (self.distinct() as f64, self.single() as f64);
        // Beyond the bound the values told apart stand for all that came.
        let part = if self.full { self.total as f64 / self.counts.values().sum::<u64>().max(1) as f64 } else { 1.0 };
        ((distinct - single) + single * (grown.max(1.0) * part).sqrt()).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_up_to_the_bound() {
        let mut counts = Counts::new(3);
        assert_eq!(["a", "b", "a", "c", "d"].map(|v| counts.observe(v)), [true, true, false, true, false]);
        assert_eq!((counts.distinct(), counts.single(), counts.total, counts.full), (3, 2, 5, true));
    }

    #[test]
    fn only_values_seen_once_promise_more() {
        let mut counts = Counts::new(100);
        for value in 0..10 {
            counts.observe(value);
            counts.observe(value);
        }
        assert_eq!(counts.expected(100.0), 10);
        (10..20).for_each(|value| _ = counts.observe(value));
        assert_eq!(counts.expected(100.0), 110);
        assert_eq!(counts.expected(1.0), 20);
    }
}
