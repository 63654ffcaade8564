//! y = x + b, one trained b a column.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::kernels::elementwise::add_assign;
use crate::ops::activation::give;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Shift {
    pub(crate) bias: Param,
}

impl Kernel for Shift {
    const NAME: &'static str = "shift";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.bias]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let bias = cx.state.params.vector(self.bias);
        for r in 0..cx.rows.len() {
            cx.y.row_mut(r).copy_from_slice(cx.x[0].row(r));
            add_assign(cx.y.row_mut(r), bias);
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let span = cx.state.params.span(self.bias);
        let grad = &mut cx.grads[span][..cx.y.width()];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        for r in 0..cx.rows.len() {
            add_assign(grad, cx.dy.row(r));
        }
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for r in 0..cx.rows.len() {
            give(dx.row_mut(r), cx.dy.row(r), *accumulate);
        }
    }
}
