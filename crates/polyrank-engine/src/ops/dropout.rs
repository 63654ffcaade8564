//! Dropout (Srivastava et al. 2014, inverted form): y = x·mask / (1 − p) in training, y = x when scoring. The mask is a
//! function of (seed, node, step, row of the batch, column).

use crate::exec::context::{Backward, Forward, Training};
use crate::ops::{Kernel, same_width};
use crate::real::Real;
use crate::rng::{Purpose, Stream};

#[derive(Debug, Clone)]
pub(crate) struct Dropout {
    pub(crate) probability: f64,
    pub(crate) thing: u64,
}

/// Drops or scales the numbers of one row; `first` is the counter of its first column.
#[inline(always)]
fn drop_row<T: Real>(stream: Stream, first: u64, threshold: u64, kept: T, from: &[T], to: &mut [T], accumulate: bool) {
    for (c, (to, &from)) in to.iter_mut().zip(from).enumerate() {
        let dropped = stream.bits(first.wrapping_add(c as u64)) < threshold;
        let v = from * if dropped { T::ZERO } else { kept };
        *to = if accumulate { *to + v } else { v };
    }
}

impl Dropout {
    /// Drops the numbers of row `row` of the batch.
    #[inline(always)]
    fn row<T: Real>(&self, training: Training, row: usize, from: &[T], to: &mut [T], accumulate: bool) {
        let stream = training.stream(Purpose::Dropout, self.thing);
        // A number is dropped if its 64 random bits lie below the threshold.
        let threshold = (self.probability * 2f64.powi(64)) as u64;
        let kept = T::of(1.0 / (1.0 - self.probability));
        let first = (row as u64).wrapping_mul(from.len() as u64);
        drop_row(stream, first, threshold, kept, from, to, accumulate);
    }
}

impl Kernel for Dropout {
    const NAME: &'static str = "dropout";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        if (0.0..1.0).contains(&self.probability) {
            same_width(inputs)
        } else {
            Err(format!("the probability must lie within [0, 1), got {}", self.probability))
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.rows.clone().enumerate() {
            let (x, y) = (cx.x[0].row(r), cx.y.row_mut(r));
            match cx.training {
                Some(training) => self.row(training, row, x, y, false),
                None => y.copy_from_slice(x),
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for (r, row) in cx.rows.clone().enumerate() {
            self.row(cx.training, row, cx.dy.row(r), dx.row_mut(r), *accumulate);
        }
    }
}
