//! From raw signals to the tasks' signals: mean 0, variance 1, and any two of them correlated as asked for.
//!
//! # Equations
//! `w = L⁻¹·(x − mean)` with L·Lᵀ the covariance of x over a sample: w has uncorrelated parts of variance 1.
//! `z_t = √ρ·d_t·w_0 + √(1 − ρ)·w_t`, t from 1: part 0 is what all tasks share.
//!
//! d_t is 1, but for a task with a signal for each of its C classes: there it rises evenly from class to class, with mean 0
//! and mean square 1, so what other tasks like makes the higher classes likelier.

/// Signals of T tasks (or classes) out of S = T + 1 raw ones.
#[derive(Debug)]
pub(super) struct Mixing {
    means: Vec<f64>,
    /// `[T, S]`
    weights: Vec<f64>,
}

impl Mixing {
    /// From a sample `[rows, S]`; `directions` are d, of each of the S − 1 signals that are to be made.
    pub(super) fn new(sample: &[f64], correlation: f64, directions: &[f64]) -> Mixing {
        let s = directions.len() + 1;
        let rows = || sample.chunks_exact(s);
        let share = 1.0 / rows().len().max(1) as f64;
        let mut means = vec![0.0; s];
        for row in rows() {
            means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x * share);
        }
        let mut covariance = vec![0.0; s * s];
        for row in rows() {
            for i in 0..s {
                for j in 0..=i {
                    covariance[i * s + j] += (row[i] - means[i]) * (row[j] - means[j]) * share;
                }
            }
        }
        let inverse = inverse_factor(covariance, s);
        let (shared, own) = (correlation.sqrt(), (1.0 - correlation).sqrt());
        let weights = (1..s)
            .zip(directions)
            .flat_map(|(t, &direction)| (0..s).map(move |j| (t, direction, j)))
            .map(|(t, direction, j)| shared * direction * inverse[j] + own * inverse[t * s + j]);
        Mixing { means, weights: weights.collect() }
    }

    /// Signals `[rows, T]` of raw ones `[rows, S]`.
    pub(super) fn apply(&self, raw: &[f64]) -> Vec<f64> {
        let s = self.means.len();
        let mut centred = vec![0.0; s];
        let mut signals = Vec::with_capacity(raw.len() / s * (s - 1));
        for row in raw.chunks_exact(s) {
            centred.iter_mut().zip(row).zip(&self.means).for_each(|((c, x), mean)| *c = x - mean);
            let tasks = self.weights.chunks_exact(s);
            signals.extend(tasks.map(|weights| weights.iter().zip(&centred).map(|(w, x)| w * x).sum::<f64>()));
        }
        signals
    }
}

/// By class, its part in what all tasks share (d); of a task with one signal, 1.
pub(super) fn directions(classes: usize) -> impl Iterator<Item = f64> {
    let c = classes as f64;
    let scale = if classes > 1 { (12.0 / (c * c - 1.0)).sqrt() } else { 0.0 };
    (0..classes).map(move |k| if classes > 1 { scale * (k as f64 - (c - 1.0) / 2.0) } else { 1.0 })
}

/// L⁻¹ of a covariance L·Lᵀ `[s, s]`, of which the lower half is given. A signal without variance of its own, as where a
/// column has one value only, gets zeros: it says nothing.
fn inverse_factor(covariance: Vec<f64>, s: usize) -> Vec<f64> {
    let (mut factor, mut inverse) = (vec![0.0; s * s], vec![0.0; s * s]);
    for i in 0..s {
        for j in 0..i {
            if factor[j * s + j] > 0.0 {
                let done: f64 = (0..j).map(|k| factor[i * s + k] * factor[j * s + k]).sum();
                factor[i * s + j] = (covariance[i * s + j] - done) / factor[j * s + j];
            }
        }
        let left = covariance[i * s + i] - (0..i).map(|k| factor[i * s + k].powi(2)).sum::<f64>();
        if left <= 1e-12 {
            continue;
        }
        factor[i * s + i] = left.sqrt();
        for j in 0..=i {
            let unit = if i == j { 1.0 } else { 0.0 };
            let done: f64 = (j..i).map(|k| factor[i * s + k] * inverse[k * s + j]).sum();
            inverse[i * s + j] = (unit - done) / factor[i * s + i];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::super::random::Stream;
    use super::*;

    #[test]
    fn signals_have_variance_1_and_the_correlation_asked_for() {
        let stream = Stream::new(1, 0);
        let raw: Vec<f64> = (0..2000u64)
            .flat_map(|row| {
                let [a, b, c] = [0, 1, 2].map(|k| stream.normal(row * 3 + k));
                [a + 5.0, 0.3 * a + 2.0 * b, 0.7 * b - c]
            })
            .collect();
        for correlation in [0.0, 0.4, 1.0] {
            let signals = Mixing::new(&raw, correlation, &[1.0, 1.0]).apply(&raw);
            let mean = |f: &dyn Fn(&[f64]) -> f64| signals.chunks_exact(2).map(f).sum::<f64>() / 2000.0;
            assert!(mean(&|z| z[0]).abs() < 1e-9 && mean(&|z| z[1]).abs() < 1e-9);
            assert!((mean(&|z| z[0] * z[0]) - 1.0).abs() < 1e-9 && (mean(&|z| z[1] * z[1]) - 1.0).abs() < 1e-9);
            assert!((mean(&|z| z[0] * z[1]) - correlation).abs() < 1e-9);
        }
    }

    #[test]
    fn a_signal_without_variance_says_nothing() {
        let raw: Vec<f64> = (0..100).flat_map(|i| [f64::from(i), 3.0, f64::from(i)]).collect();
        let signals = Mixing::new(&raw, 0.5, &[1.0, 1.0]).apply(&raw);
        assert!(signals.iter().all(|z| z.is_finite()));
    }
}
