//! What a batch is trained on: labels and weights, borrowed.

use crate::exec::feed::FeedError;
use crate::real::Real;

/// Labels and weights of B rows for T heads. Labels alone turn into it: then every weight is 1.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a, T> {
    /// `[B, T]` row by row, NaN where a label is missing.
    pub labels: &'a [T],
    /// `[B, T]` row by row, finite and not negative; empty where all are 1.
    pub weights: &'a [T],
}

impl<'a, T> From<&'a [T]> for Targets<'a, T> {
    fn from(labels: &'a [T]) -> Targets<'a, T> {
        Targets { labels, weights: &[] }
    }
}

impl<'a, T> From<&'a Vec<T>> for Targets<'a, T> {
    fn from(labels: &'a Vec<T>) -> Targets<'a, T> {
        Targets { labels, weights: &[] }
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for Targets<'a, T> {
    fn from(labels: &'a [T; N]) -> Targets<'a, T> {
        Targets { labels, weights: &[] }
    }
}

impl<T: Real> Targets<'_, T> {
    /// Checks that there is a label for each of `rows` rows and `heads` heads, and a weight that can be one.
    pub(crate) fn check(&self, rows: usize, heads: usize) -> Result<(), FeedError> {
        let all = rows.checked_mul(heads);
        if rows == 0 || all != Some(self.labels.len()) {
            return Err(FeedError(format!("{} labels for {rows} rows of {heads} tasks", self.labels.len())));
        }
        if !self.weights.is_empty() && all != Some(self.weights.len()) {
            return Err(FeedError(format!("{} weights for {rows} rows of {heads} tasks", self.weights.len())));
        }
        let odd = self.weights.iter().find(|weight| !(0.0..f64::INFINITY).contains(&weight.f64()));
        match odd {
            Some(weight) => Err(FeedError(format!("the weight {}; weights are finite and not negative", weight.f64()))),
            None => Ok(()),
        }
    }

    /// The weight of a row for a head.
    pub(crate) fn weight(&self, at: usize) -> T {
        if self.weights.is_empty() { T::ONE } else { self.weights[at] }
    }

    /// Of head `h` of `heads`: the rows that have the label, and their summed weights.
    pub(crate) fn space(&self, h: usize, heads: usize) -> (usize, f64) {
        let (mut count, mut sum) = (0, 0.0);
        for at in (h..self.labels.len()).step_by(heads) {
            if !self.labels[at].f64().is_nan() {
                count += 1;
                sum += self.weight(at).f64();
            }
        }
        (count, sum)
    }
}
