//! Sums that do not depend on the order of their terms, as far as doubles of double precision go.

/// A sum in two doubles: 106 bits. Whole numbers, and floats of 32 bits over any span of magnitudes that data has, add up
/// exactly in whatever order; other sums may differ in the last bit of the double that they are read as, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, x: f64) {
        self.merge(Sum { high: x, low: 0.0 });
    }

    /// Adds another sum (Dekker 1971; Knuth's two-sum).
    pub(crate) fn merge(&mut self, other: Sum) {
        let (high, rest) = two_sum(self.high, other.high);
        let (low, least) = two_sum(self.low, other.low);
        let (high, rest) = two_sum(high, rest + low);
        (self.high, self.low) = two_sum(high, rest + least);
    }

    /// The nearest double.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    fn negated(self) -> Sum {
        Sum { high: -self.high, low: -self.low }
    }

    fn squared(self) -> Sum {
        let square = self.high * self.high;
        let error = self.high.mul_add(self.high, -square);
        let (high, low) = two_sum(square, error + 2.0 * self.high * self.low);
        Sum { high, low }
    }

    fn divided(self, by: f64) -> Sum {
        let high = self.high / by;
        let rest = (-high).mul_add(by, self.high) + self.low;
        let (high, low) = two_sum(high, rest / by);
        Sum { high, low }
    }
}

/// a + b and its rounding error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// What is known of the numbers of a group. Parts of it merge into the whole, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Stats {
    pub(crate) count: u64,
    sum: Sum,
    squares: Sum,
    min: f64,
    max: f64,
}

impl Stats {
    pub(crate) fn observe(&mut self, x: f64) {
        // −0 and 0 are one number.
        let x = x + 0.0;
        let sum = Sum { high: x, low: 0.0 };
        self.merge(&Stats { count: 1, sum, squares: sum.squared(), min: x, max: x });
    }

    pub(crate) fn merge(&mut self, other: &Stats) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count += other.count;
        self.sum.merge(other.sum);
        self.squares.merge(other.squares);
        (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
    }

    /// 0 for no numbers.
    pub(crate) fn sum(&self) -> f64 {
        self.sum.value()
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum.divided(self.count as f64).value())
    }

    /// The sample's variance, Σ (x − mean)² / (n − 1); none of fewer than two numbers.
    pub(crate) fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| {
            let mut spread = self.squares;
            spread.merge(self.sum.squared().divided(self.count as f64).negated());
            (spread.value() / (self.count - 1) as f64).max(0.0)
        })
    }

    pub(crate) fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(numbers: &[f64]) -> Stats {
        let mut stats = Stats::default();
        numbers.iter().for_each(|x| stats.observe(*x));
        stats
    }

    #[test]
    fn what_doubles_would_lose_is_kept() {
        let stats = of(&[1e16, 1.0, -1e16]);
        assert_eq!((stats.sum(), stats.min(), stats.max()), (1.0, Some(-1e16), Some(1e16)));
        let stats = of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((stats.mean(), stats.variance()), (Some(1e9 + 10.0), Some(30.0)));
        assert_eq!(of(&[0.1; 10]).mean(), Some(0.1));
        assert_eq!(of(&[0.1; 10]).variance(), Some(0.0));
    }

    #[test]
    fn few_numbers() {
        let none = of(&[]);
        assert_eq!((none.sum(), none.mean(), none.variance(), none.min(), none.max()), (0.0, None, None, None, None));
        assert_eq!((of(&[3.0]).mean(), of(&[3.0]).variance()), (Some(3.0), None));
    }

    proptest! {
        #[test]
        fn order_and_parts_do_not_matter(mut numbers in prop::collection::vec(any::<f32>(), 0..60), at in 0.0..1.0f64) {
            numbers.retain(|x| x.is_finite());
            let numbers: Vec<f64> = numbers.into_iter().map(|x| f64::from(x) % 1e12).collect();
            let whole = of(&numbers);
            let mut turned = numbers.clone();
            turned.reverse();
            let (a, b) = numbers.split_at((at * numbers.len() as f64) as usize);
            let mut merged = of(b);
            merged.merge(&of(a));
            for other in [of(&turned), merged] {
                prop_assert_eq!(other.sum(), whole.sum());
                prop_assert_eq!((other.count, other.min(), other.max()), (whole.count, whole.min(), whole.max()));
                let (a, b) = (other.variance().unwrap_or(0.0), whole.variance().unwrap_or(0.0));
                prop_assert!((a - b).abs() <= 1e-13 * b, "{} {}", a, b);
            }
        }
    }
}
