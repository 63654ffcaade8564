//! y = softmax(x / temperature) over the columns, the largest subtracted first.

use crate::exec::context::{Backward, Forward};
use crate::kernels::by_row::softmaxes;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Softmax {
    pub(crate) temperature: f64,
}

/// dx = y·(dy − Σ dy·y) / temperature, from the weights y alone.
#[inline(always)]
pub(crate) fn back<T: Real>(temperature: f64, cx: &mut Backward<'_, T>) {
    let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
    let cold = T::of(1.0 / temperature);
    for r in 0..cx.rows.len() {
        let (y, dy, dx) = (cx.y.row(r), cx.dy.row(r), dx.row_mut(r));
        let sum = y.iter().zip(dy).fold(T::ZERO, |s, (&y, &d)| s + y * d);
        for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
            let d = y * (dy - sum) * cold;
            *dx = if *accumulate { *dx + d } else { d };
        }
    }
}

impl Kernel for Softmax {
    const NAME: &'static str = "softmax";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        if self.temperature > 0.0 && self.temperature.is_finite() {
            same_width(inputs)
        } else {
            Err(format!("the temperature must be above 0, got {}", self.temperature))
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        4 * width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        softmaxes(&mut cx.y, cx.x[0], T::of(1.0 / self.temperature));
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        back(self.temperature, cx);
    }
}
