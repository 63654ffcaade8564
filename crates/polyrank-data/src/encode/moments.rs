//! What scaling needs to know about a column of numbers: count, range, mean and spread, gathered in one mergeable pass.

use serde::{Deserialize, Serialize};

/// Running figures over the numbers seen; all 0 before the first.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moments {
    /// Numbers seen, missing ones left out.
    pub(crate) count: u64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
    /// Σ (x − mean)².
    pub(crate) m2: f64,
}

impl Moments {
    /// Welford's update: stable where Σx² − (Σx)²/n is not.
    pub(crate) fn observe(&mut self, x: f64) {
        // −0 and 0 are one number.
        let x = x + 0.0;
        if self.count == 0 {
            *self = Moments { count: 1, min: x, max: x, mean: x, m2: 0.0 };
            return;
        }
        self.count += 1;
        (self.min, self.max) = (self.min.min(x), self.max.max(x));
        let delta = x - self.mean;
        self.mean += delta / self.count as f64;
        self.m2 += delta * (x - self.mean);
        self.keep_mean_in_range();
    }

    /// The figures of both (Chan, Golub and LeVeque).
    pub(crate) fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        self.mean += delta * (m / (n + m));
        self.m2 += other.m2 + delta * delta * (n * m / (n + m));
        self.count += other.count;
        (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
        self.keep_mean_in_range();
    }

    /// Rounding must not carry the mean out of the range, on which the encoding of missing numbers relies.
    fn keep_mean_in_range(&mut self) {
        self.mean = self.mean.max(self.min).min(self.max);
    }

    /// The population's standard deviation.
    pub(crate) fn std(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.m2 / self.count as f64).sqrt() }
    }

    /// What a file may hold.
    pub(crate) fn check(&self) -> Result<(), String> {
        let finite = [self.min, self.max, self.mean, self.m2].iter().all(|x| x.is_finite());
        let within = [self.min, self.max].iter().all(|x| x.abs() <= f64::from(f32::MAX));
        let ordered = self.min <= self.mean && self.mean <= self.max && self.m2 >= 0.0;
        let empty = self.count > 0 || *self == Moments::default();
        if finite && within && ordered && empty {
            return Ok(());
        }
        Err("min, mean, max and m2 must be finite, in order, and 0 where count is 0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(numbers: &[f64]) -> Moments {
        let mut moments = Moments::default();
        numbers.iter().for_each(|x| moments.observe(*x));
        moments
    }

    #[test]
    fn a_small_spread_around_a_large_mean_survives() {
        let moments = of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((moments.mean, moments.std()), (1e9 + 10.0, 22.5f64.sqrt()));
    }

    proptest! {
        #[test]
        fn merged_parts_equal_the_whole(numbers in prop::collection::vec(-1e6..1e6f64, 0..50), at in 0.0..1.0f64) {
            let (a, b) = numbers.split_at((at * numbers.len() as f64) as usize);
            let (mut merged, whole) = (of(a), of(&numbers));
            merged.merge(&of(b));
            prop_assert_eq!((merged.count, merged.min, merged.max), (whole.count, whole.min, whole.max));
            prop_assert!((merged.mean - whole.mean).abs() <= 1e-9 * (1.0 + whole.mean.abs()));
            prop_assert!((merged.std() - whole.std()).abs() <= 1e-9 * (1.0 + whole.std()));
            prop_assert!(whole.check().is_ok() && merged.check().is_ok());
        }
    }
}
