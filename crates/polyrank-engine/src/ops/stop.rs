//! y = x, through which no gradient passes.

use crate::exec::context::{Backward, Forward};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Stop;

impl Kernel for Stop {
    const NAME: &'static str = "stop_gradient";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn stops(&self) -> bool {
        true
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            cx.y.row_mut(r).copy_from_slice(cx.x[0].row(r));
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, _: &mut Backward<'_, T>) {}
}
