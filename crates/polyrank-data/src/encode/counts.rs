//! How often natural numbers were seen, in 4 bytes each: counting a column waits for memory, and half as much of it stays
//! closer to the processor.

use hashbrown::HashMap;

use super::naturals::Naturals;

/// Counts of numbers, some of which may be known and not seen. `MOST` is the largest mark, lower in tests.
#[derive(Debug, Default)]
pub(crate) struct Counts<const MOST: u32 = { u32::MAX }> {
    /// One more than the count, less what was carried over.
    marks: Naturals<u32>,
    /// What did not fit in a mark.
    carried: HashMap<u64, u64>,
}

impl<const MOST: u32> Counts<MOST> {
    /// A number was seen, known or not.
    #[inline]
    pub(crate) fn count(&mut self, n: u64) {
        if self.marks.add_one(n) == MOST {
            self.carry(n);
        }
    }

    /// A number was seen; nothing happens if it is not known.
    pub(crate) fn count_known(&mut self, n: u64) {
        if self.marks.get(n).is_some() {
            self.count(n);
        }
    }

    /// Makes a number known, with no count if it was not.
    pub(crate) fn know(&mut self, n: u64) {
        if self.marks.get(n).is_none() {
            self.marks.insert(n, 1);
        }
    }

    /// The count of a known number.
    pub(crate) fn get(&self, n: u64) -> Option<u64> {
        self.marks.get(n).map(|mark| self.total(n, mark))
    }

    /// Adds the counts of another.
    pub(crate) fn merge(&mut self, other: &Counts<MOST>) {
        for (n, mark) in other.marks.iter() {
            let sum = self.marks.get(n).unwrap_or(1).checked_add(mark - 1).filter(|sum| *sum < MOST);
            if sum.is_none() {
                *self.carried.entry(n).or_insert(0) += u64::from(mark - 1);
            }
            self.marks.insert(n, sum.or(self.marks.get(n)).unwrap_or(1));
        }
        // Sums, in whatever order.
        #[allow(clippy::iter_over_hash_type, reason = "the order of additions to different numbers changes nothing")]
        for (n, more) in &other.carried {
            *self.carried.entry(*n).or_insert(0) += more;
        }
    }

    /// Numbers and counts, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.marks.iter().map(|(n, mark)| (n, self.total(n, mark)))
    }

    fn total(&self, n: u64, mark: u32) -> u64 {
        let carried = if self.carried.is_empty() { 0 } else { self.carried.get(&n).copied().unwrap_or(0) };
        u64::from(mark - 1) + carried
    }

    #[cold]
    fn carry(&mut self, n: u64) {
        *self.carried.entry(n).or_insert(0) += u64::from(MOST - 1);
        self.marks.insert(n, 1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Few = Counts<3>;

    fn counted(numbers: &[u64]) -> Few {
        let mut counts = Few::default();
        numbers.iter().for_each(|n| counts.count(*n));
        counts
    }

    fn sorted(counts: &Few) -> Vec<(u64, u64)> {
        let mut all: Vec<_> = counts.iter().collect();
        all.sort_unstable();
        all
    }

    proptest! {
        #[test]
        fn it_counts_in_parts_as_in_one(
            first in prop::collection::vec(prop_oneof![0u64..40, 0u64..5000, any::<u64>()], 0..300),
            second in prop::collection::vec(prop_oneof![0u64..40, 0u64..5000], 0..300),
            known in 0u64..50,
        ) {
            let mut expected = BTreeMap::from([(known, 0)]);
            first.iter().chain(&second).for_each(|n| *expected.entry(*n).or_insert(0) += 1);
            let mut counts = counted(&first);
            counts.know(known);
            counts.merge(&counted(&second));
            prop_assert_eq!(sorted(&counts), expected.iter().map(|(n, count)| (*n, *count)).collect::<Vec<_>>());
            for n in first.iter().chain([&known, &77_777]) {
                prop_assert_eq!(counts.get(*n), expected.get(n).copied());
            }
        }
    }

    #[test]
    fn what_is_not_known_is_not_counted() {
        let mut counts = Few::default();
        counts.know(7);
        [7, 8, 7, 7, 7].into_iter().for_each(|n| counts.count_known(n));
        assert_eq!(sorted(&counts), [(7, 4)]);
    }
}
