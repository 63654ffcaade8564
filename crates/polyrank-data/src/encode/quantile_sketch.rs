//! Numbers of which only ranks matter, in bounded memory: a mergeable sketch of weighted numbers.
//!
//! Level h holds numbers that stand for 2^h each. A full level is sorted, and every other number of it moves up a
//! level. That changes the rank of any number by at most 2^h, and because it takes [`CAPACITY`] numbers, level h does it at
//! most n / (`CAPACITY` · 2^h) times for n numbers, however they were cut into parts and merged. So a rank is off by at
//! most n · log2(n / `CAPACITY`) / `CAPACITY`: below 0.1 % for all n that there are (Munro and Paterson 1980; the levels of
//! Karnin, Lang and Liberty 2016, without their coin: the half that moves up alternates).

/// Numbers that a level holds before it is halved: 64 levels of them are off by 64 / 2^16 < 0.1 %.
const CAPACITY: usize = 1 << 16;

/// A sketch of the numbers seen so far. Which of them it holds depends on their order, within the bound.
#[derive(Debug, Default)]
pub(crate) struct QuantileSketch {
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    numbers: Vec<f64>,
    /// Whether the numbers at odd places move up next.
    odd: bool,
}

impl QuantileSketch {
    /// Takes in a number that was seen so often.
    pub(crate) fn observe(&mut self, x: f64, count: u64) {
        for h in 0..u64::BITS as usize {
            if count >> h & 1 == 1 {
                self.level(h).numbers.push(x);
                self.compact(h);
            }
        }
    }

    /// Takes in what another sketch has seen.
    pub(crate) fn merge(&mut self, other: QuantileSketch) {
        for (h, level) in other.levels.into_iter().enumerate() {
            self.level(h).numbers.extend(level.numbers);
            self.compact(h);
        }
    }

    /// (Number, how many it stands for), by size; equal numbers together.
    pub(crate) fn finish(self) -> Vec<(f64, u64)> {
        let levels = self.levels.into_iter().enumerate();
        let mut sorted: Vec<(f64, u64)> =
            levels.flat_map(|(h, level)| level.numbers.into_iter().map(move |x| (x, 1 << h))).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        sorted.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        sorted
    }

    fn level(&mut self, h: usize) -> &mut Level {
        if self.levels.len() <= h {
            self.levels.resize_with(h + 1, Level::default);
        }
        &mut self.levels[h]
    }

    /// Halves level h and those above it as far as they are full.
    fn compact(&mut self, mut h: usize) {
        // The last level is never reached: it would take 2^63 numbers and more.
        while h + 1 < u64::BITS as usize && self.level(h).numbers.len() >= CAPACITY {
            let level = self.level(h);
            level.numbers.sort_unstable_by(f64::total_cmp);
            // Of an odd number of them, the largest stays: what moves up stands for as many as it did.
            let rest = if level.numbers.len() % 2 == 1 { level.numbers.pop() } else { None };
            let half: Vec<f64> = level.numbers.iter().skip(usize::from(level.odd)).step_by(2).copied().collect();
            level.odd = !level.odd;
            level.numbers.clear();
            level.numbers.extend(rest);
            h += 1;
            self.level(h).numbers.extend(half);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How far off the rank of any number is, as a part of all.
    fn rank_error(mut numbers: Vec<f64>, sketch: QuantileSketch) -> f64 {
        numbers.sort_unstable_by(f64::total_cmp);
        let sketched = sketch.finish();
        assert_eq!(sketched.iter().map(|(_, n)| n).sum::<u64>(), numbers.len() as u64);
        let (mut below, mut worst) = (0u64, 0u64);
        for (x, n) in sketched {
            // The ranks just below and just above x.
            worst = worst.max(below.abs_diff(numbers.partition_point(|y| *y < x) as u64));
            below += n;
            worst = worst.max(below.abs_diff(numbers.partition_point(|y| *y <= x) as u64));
        }
        worst as f64 / numbers.len() as f64
    }

    /// Numbers in an order that a shape decides: rising, falling, scattered, or few different ones.
    fn numbers(shape: u8, n: u64) -> Vec<f64> {
        let scattered = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let number = |i| match shape {
            0 => i as f64,
            1 => -(i as f64),
            2 => (scattered(i) as f64).powi(3),
            _ => (scattered(i) % 1000) as f64,
        };
        (0..n).map(number).collect()
    }

    #[test]
    fn few_numbers_are_kept_as_they_are() {
        let mut sketch = QuantileSketch::default();
        sketch.observe(2.0, 5);
        sketch.observe(-1.0, 1);
        sketch.observe(2.0, 3);
        sketch.observe(7.0, 0);
        assert_eq!(sketch.finish(), [(-1.0, 1), (2.0, 8)]);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut sketch = QuantileSketch::default();
        (0..3_000_000u32).for_each(|i| sketch.observe(f64::from(i), 1));
        assert!(sketch.levels.len() <= 7 && sketch.levels.iter().all(|level| level.numbers.len() < CAPACITY));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn ranks_are_right_to_a_tenth_of_a_percent(shape in 0u8..4, n in 1u64..600_000, at in 0.0..1.0f64) {
            let numbers = numbers(shape, n);
            let mut whole = QuantileSketch::default();
            numbers.iter().for_each(|x| whole.observe(*x, 1));
            prop_assert!(rank_error(numbers.clone(), whole) <= 0.001);
            let (mut first, mut second) = (QuantileSketch::default(), QuantileSketch::default());
            let (a, b) = numbers.split_at((at * n as f64) as usize);
            a.iter().for_each(|x| first.observe(*x, 1));
            b.iter().for_each(|x| second.observe(*x, 1));
            first.merge(second);
            prop_assert!(rank_error(numbers, first) <= 0.001);
        }
    }
}
