//! What a head minimises.

use crate::real::Real;

/// The loss of one row, of a head's output z and a label y. z is one number, but C of them for [`Loss::CrossEntropy`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// −y·ln σ(z) − (1 − y)·ln(1 − σ(z)), from the logit.
    BinaryCrossEntropy,
    /// −ln softmax(z)_y, from C logits and the index y of the class, 0 to C − 1.
    CrossEntropy,
    /// (z − y)².
    Mse,
    /// |z − y|.
    Mae,
    /// (z − y)²/2 up to |z − y| = delta, a line beyond.
    Huber {
        /// Where the line begins.
        delta: f64,
    },
}

impl Loss {
    /// The loss; writes its derivative by z, as many numbers as z has.
    #[inline(always)]
    pub(crate) fn row<T: Real>(self, z: &[T], y: T, slope: &mut [T]) -> T {
        if self == Loss::CrossEntropy {
            return cross_entropy(z, y.f64() as usize, slope);
        }
        let (loss, by_z) = self.at(z[0], y);
        slope[0] = by_z;
        loss
    }

    /// The loss of one number and its derivative.
    // Inlined wherever it is called, so that it is of the caller's instruction set: a call of `fma` each else.
    #[inline(always)]
    pub(crate) fn at<T: Real>(self, z: T, y: T) -> (T, T) {
        let d = z - y;
        match self {
            // The only class of one is certain.
            Loss::CrossEntropy => (T::ZERO, T::ZERO),
            // max(z, 0) − z·y + ln(1 + e^−|z|): no overflow, no cancellation.
            Loss::BinaryCrossEntropy => (z.relu() - z * y + (T::ONE + (-z.abs()).exp()).ln(), z.sigmoid() - y),
            Loss::Mse => (d * d, d + d),
            Loss::Mae => (d.abs(), sign(d)),
            Loss::Huber { delta } => {
                let delta = T::of(delta);
                if d.abs() <= delta {
                    (T::of(0.5) * d * d, d)
                } else {
                    (delta * (d.abs() - T::of(0.5) * delta), delta * sign(d))
                }
            }
        }
    }
}

/// ln Σ e^z − z_y, by the largest z so that nothing overflows; its derivative is softmax(z) − onehot(y).
#[inline(always)]
fn cross_entropy<T: Real>(z: &[T], y: usize, slope: &mut [T]) -> T {
    let most = z.iter().fold(z[0], |most, &z| if z > most { z } else { most });
    let mut sum = T::ZERO;
    for (s, &z) in slope.iter_mut().zip(z) {
        *s = (z - most).exp();
        sum += *s;
    }
    slope.iter_mut().for_each(|s| *s = *s / sum);
    slope[y] -= T::ONE;
    sum.ln() + most - z[y]
}

#[inline(always)]
fn sign<T: Real>(d: T) -> T {
    if d > T::ZERO {
        T::ONE
    } else if d < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}

/// What a head's loss, summed over the rows that have the label times their weights, is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normaliser {
    /// The summed weights of the rows of the batch that have the label: a weighted mean.
    WeightSum,
    /// The rows of the batch that have the label.
    Count,
    /// The rows of the batch.
    Batch,
    /// Nothing.
    Sum,
}
