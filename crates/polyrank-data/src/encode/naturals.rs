//! A map of natural numbers that is an array where they lie close together, as ids of a catalogue do: one place in memory
//! is looked at instead of two, and nothing is hashed.

use hashbrown::HashMap;

/// Places of the array for each number that is in the map, at most.
const SPARSITY: usize = 8;

/// Marks by number; the default mark (0) means that the number is not there.
#[derive(Debug, Default)]
pub(crate) struct Naturals<T> {
    /// The marks of 0, 1, …
    dense: Vec<T>,
    /// Numbers in `dense`.
    filled: usize,
    /// The marks of numbers beyond `dense`, and the largest of them.
    sparse: HashMap<u64, T>,
    largest: u64,
}

impl<T: Copy + Default + PartialEq> Naturals<T> {
    /// An empty map with room for so many numbers, none above `largest`.
    pub(crate) fn with_room(count: usize, largest: u64) -> Naturals<T> {
        let mut map = Naturals::default();
        if largest < count.saturating_mul(SPARSITY) as u64 {
            map.dense = vec![T::default(); largest as usize + 1];
        } else {
            map.sparse.reserve(count);
        }
        map
    }

    pub(crate) fn get(&self, n: u64) -> Option<T> {
        match usize::try_from(n).ok().and_then(|n| self.dense.get(n)) {
            Some(mark) => (*mark != T::default()).then_some(*mark),
            None if self.sparse.is_empty() => None,
            None => self.sparse.get(&n).copied(),
        }
    }

    /// The number's mark, or `other` if the number is not there: without a branch where numbers lie close, so that the
    /// processor fetches the next ones while it waits for this one.
    #[inline]
    pub(crate) fn get_or(&self, n: u64, other: T) -> T {
        if n < self.dense.len() as u64 {
            let mark = self.dense[n as usize];
            if mark == T::default() { other } else { mark }
        } else {
            self.get(n).unwrap_or(other)
        }
    }

    /// Adds a number or replaces its mark, which is not the default.
    pub(crate) fn insert(&mut self, n: u64, mark: T) {
        if let Some(place) = usize::try_from(n).ok().and_then(|n| self.dense.get_mut(n)) {
            self.filled += usize::from(*place == T::default());
            *place = mark;
            return;
        }
        self.largest = self.largest.max(n);
        self.sparse.insert(n, mark);
        // Seldom enough that looking costs nothing.
        if self.sparse.len().is_power_of_two() {
            self.settle();
        }
    }

    /// Moves all numbers to the array, if it would not be too empty.
    fn settle(&mut self) {
        let most = self.len().saturating_mul(SPARSITY);
        let Some(length) = usize::try_from(self.largest).ok().and_then(|n| n.checked_add(1)) else { return };
        if length > most {
            return;
        }
        // Room to grow, but no more than the rule allows.
        self.dense.resize(length.next_power_of_two().min(most), T::default());
        // The table goes too: emptied again and again, a large one would cost its whole size each time.
        for (n, mark) in std::mem::take(&mut self.sparse) {
            self.dense[n as usize] = mark;
            self.filled += 1;
        }
        self.largest = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.filled + self.sparse.len()
    }

    /// Numbers and marks, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, T)> + '_ {
        let dense = self.dense.iter().enumerate().filter(|(_, mark)| **mark != T::default());
        dense.map(|(n, mark)| (n as u64, *mark)).chain(self.sparse.iter().map(|(n, mark)| (*n, *mark)))
    }
}

impl Naturals<u32> {
    /// Adds one to the number's mark and gives it; that of a number that was not there becomes 2. A mark is below the
    /// largest. Without a branch on whether the number is there, as in [`Naturals::get_or`].
    #[inline]
    pub(crate) fn add_one(&mut self, n: u64) -> u32 {
        if n < self.dense.len() as u64 {
            let mark = &mut self.dense[n as usize];
            let new = *mark == 0;
            self.filled += usize::from(new);
            *mark += 1 + u32::from(new);
            return *mark;
        }
        match self.sparse.get_mut(&n) {
            Some(mark) => {
                *mark += 1;
                *mark
            }
            None => {
                self.insert(n, 2);
                2
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(operations in prop::collection::vec((prop_oneof![0u64..40, 0u64..5000, any::<u64>()], 1u32..9), 0..600)) {
            let (mut map, mut expected) = (Naturals::<u32>::default(), BTreeMap::new());
            for (n, mark) in operations {
                prop_assert_eq!(map.get(n), expected.get(&n).copied());
                prop_assert_eq!(map.get_or(n, 77), expected.get(&n).copied().unwrap_or(77));
                map.insert(n, mark);
                expected.insert(n, mark);
                prop_assert_eq!(map.len(), expected.len());
            }
            let mut all: Vec<_> = map.iter().collect();
            all.sort_unstable();
            prop_assert_eq!(&all, &expected.into_iter().collect::<Vec<_>>());
            prop_assert!(map.dense.len() <= SPARSITY * map.len());
            let mut again = Naturals::with_room(all.len(), all.last().map_or(0, |(n, _)| *n));
            all.iter().for_each(|(n, mark)| again.insert(*n, *mark));
            prop_assert_eq!(again.len(), all.len());
            prop_assert!(all.iter().all(|(n, mark)| again.get(*n) == Some(*mark)));
        }
    }

    proptest! {
        #[test]
        fn it_counts(numbers in prop::collection::vec(prop_oneof![0u64..40, 0u64..5000, any::<u64>()], 0..600)) {
            let (mut map, mut expected) = (Naturals::<u32>::default(), BTreeMap::new());
            for n in numbers {
                let mark = expected.entry(n).or_insert(1);
                *mark += 1;
                prop_assert_eq!(map.add_one(n), *mark);
                prop_assert_eq!(map.len(), expected.len());
            }
            let mut all: Vec<_> = map.iter().collect();
            all.sort_unstable();
            prop_assert_eq!(all, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn numbers_that_lie_close_become_an_array() {
        let mut map = Naturals::<u32>::default();
        (0..10_000u64).rev().for_each(|n| map.insert(3 * n, 1));
        assert!(map.sparse.len() < 5000 && map.dense.len() >= 20_000, "{} {}", map.sparse.len(), map.dense.len());
        let mut map = Naturals::<u32>::default();
        (0..10_000u64).for_each(|n| map.insert(n << 30, 1));
        assert!(map.dense.len() < 10, "{}", map.dense.len());
    }
}
