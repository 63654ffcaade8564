//! Each row of the batch repeated for everything that it has in another space.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::elementwise::add_assign;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Spread {
    pub(crate) to: Space,
}

impl Kernel for Spread {
    const NAME: &'static str = "spread";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [Space::Rows] => Ok(self.to),
            _ => Err(format!("repeats rows of the batch, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.samples.clone().enumerate() {
            for t in local(cx.input, &cx.samples, self.to, row) {
                cx.y.row_mut(t).copy_from_slice(cx.x[0].row(r));
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for (r, row) in cx.samples.clone().enumerate() {
            let dx = dx.row_mut(r);
            if !*accumulate {
                dx.fill(T::ZERO);
            }
            for t in local(cx.input, &cx.samples, self.to, row) {
                add_assign(dx, cx.dy.row(t));
            }
        }
    }
}
