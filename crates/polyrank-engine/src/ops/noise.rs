//! y = x ⊙ ε in training with ε from N(0, 1), 0 when scoring: noise of a learned size, as of a gate's logits. ε is a
//! function of (seed, name, step, row of the batch, column).

use crate::exec::context::{Backward, Forward, Training};
use crate::ops::{Kernel, same_width};
use crate::real::Real;
use crate::rng::Purpose;

#[derive(Debug, Clone)]
pub(crate) struct Noise {
    /// Whose noise it is.
    pub(crate) thing: u64,
}

impl Noise {
    /// Hands each number and its noise of row `row` of the batch to `f`.
    #[inline(always)]
    fn each<T: Real>(&self, training: Training, row: usize, from: &[T], mut f: impl FnMut(usize, T)) {
        let stream = training.stream(Purpose::Noise, self.thing);
        let first = (row as u64).wrapping_mul(from.len() as u64);
        for (c, &x) in from.iter().enumerate() {
            f(c, x * T::of(f64::from(stream.normal(first.wrapping_add(c as u64)))));
        }
    }
}

impl Kernel for Noise {
    const NAME: &'static str = "noise";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.rows.clone().enumerate() {
            let (x, y) = (cx.x[0].row(r), cx.y.row_mut(r));
            match cx.training {
                Some(training) => self.each(training, row, x, |c, v| y[c] = v),
                None => y.fill(T::ZERO),
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for (r, row) in cx.rows.clone().enumerate() {
            let dx = dx.row_mut(r);
            self.each(cx.training, row, cx.dy.row(r), |c, v| dx[c] = if *accumulate { dx[c] + v } else { v });
        }
    }
}
