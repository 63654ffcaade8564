//! What a head minimises.

use crate::real::Real;

/// The loss of one row, of a head's output z and a label y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// −y·ln σ(z) − (1 − y)·ln(1 − σ(z)), from the logit.
    BinaryCrossEntropy,
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
    /// The loss and its derivative by z.
    #[inline]
    pub(crate) fn at<T: Real>(self, z: T, y: T) -> (T, T) {
        let d = z - y;
        match self {
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
