//! y = w: trained numbers that belong to no row, one a column: `[1, width]`.

use crate::exec::context::{Backward, Forward};
use crate::graph::{Param, Space};
use crate::kernels::elementwise::add_assign;
use crate::kernels::rows::copy_row;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Trained {
    pub(crate) values: Param,
    pub(crate) width: usize,
}

impl Kernel for Trained {
    const NAME: &'static str = "trained";

    fn width(&self, _: &[usize]) -> Result<usize, String> {
        Ok(self.width)
    }

    fn space(&self, _: &[Space]) -> Result<Space, String> {
        Ok(Space::Once)
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    fn params(&self) -> Vec<Param> {
        vec![self.values]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let values = cx.state.params.vector(self.values);
        copy_row(cx.y.row_mut(0), values);
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let span = cx.state.params.span(self.values);
        let grad = &mut cx.grads[span][..self.width];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        add_assign(grad, cx.dy.row(0));
    }
}
