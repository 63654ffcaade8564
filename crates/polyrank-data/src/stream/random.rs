//! Random numbers as a function of a seed, a purpose and a counter.
//!
//! Which rows train and in which order follows from these numbers, so they never change within a format version: a
//! library's generator could. The function is SplitMix64's (Steele, Lea and Flood 2014).

/// What numbers are drawn for: numbers for different purposes are unrelated, though the seed is the same.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The order of rows; the epoch.
    Shuffle(u64),
    /// Which rows are for validation.
    SplitRows,
    /// Which groups of rows are for validation.
    SplitGroups,
    /// Which fold of the training rows a row is in.
    Folds,
}

/// 2^64 / golden ratio, odd: SplitMix64's step.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Numbers that follow from a seed and a purpose.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    key: u64,
    counter: u64,
}

impl Random {
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Random {
        let (code, part) = match purpose {
            Purpose::Shuffle(epoch) => (1, epoch),
            Purpose::SplitRows => (2, 0),
            Purpose::SplitGroups => (3, 0),
            Purpose::Folds => (4, 0),
        };
        let key = [code, part].iter().fold(mix(seed.wrapping_add(STEP)), |key, word: &u64| {
            mix(key.wrapping_add(STEP) ^ mix(word.wrapping_add(STEP)))
        });
        Random { key, counter: 0 }
    }

    /// The number at place `counter`, whatever was drawn before.
    pub(crate) fn at(&self, counter: u64) -> u64 {
        mix(self.key.wrapping_add(STEP.wrapping_mul(counter.wrapping_add(1))))
    }

    fn next(&mut self) -> u64 {
        let number = self.at(self.counter);
        self.counter += 1;
        number
    }

    /// A number from 0 up to `bound` (not included, at least 1), each equally likely (Lemire 2019).
    fn below(&mut self, bound: u64) -> u64 {
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next()) * u128::from(bound);
            if wide as u64 >= unfair {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Puts a uniformly random choice of `count` items, in random order, first (Fisher and Yates).
    pub(super) fn draw<T>(&mut self, items: &mut [T], count: usize) {
        for at in 0..count.min(items.len().saturating_sub(1)) {
            let other = at + self.below((items.len() - at) as u64) as usize;
            items.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_for_ever() {
        let random = Random::new(42, Purpose::SplitRows);
        assert_eq!([random.at(0), random.at(1)], [17_308_588_425_947_522_923, 18_403_553_578_460_076_197]);
        let mut items: Vec<u32> = (0..8).collect();
        Random::new(7, Purpose::Shuffle(3)).draw(&mut items, 8);
        assert_eq!(items, [3, 2, 0, 5, 1, 7, 4, 6]);
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut random = Random::new(1, Purpose::Shuffle(0));
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            random.draw(&mut items, 4);
            *counts.entry(items).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // 1000 expected, standard deviation 31.
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
