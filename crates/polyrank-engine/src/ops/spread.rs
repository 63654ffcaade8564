//! Each row of the batch repeated for everything that it has in another space, or numbers of no row for every row.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::elementwise::add_assign;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Spread {
    pub(crate) from: Space,
    pub(crate) to: Space,
}

impl Spread {
    /// Which of the input's rows is that of the micro-batch's row `r`.
    fn source(&self, r: usize) -> usize {
        if self.from == Space::Once { 0 } else { r }
    }
}

impl Kernel for Spread {
    const NAME: &'static str = "spread";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [Space::Rows | Space::Once] if self.to != Space::Once => Ok(self.to),
            _ => Err(format!("repeats rows of the batch, or numbers of none, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.samples.clone().enumerate() {
            for t in local(cx.input, &cx.samples, self.to, row) {
                cx.y.row_mut(t).copy_from_slice(cx.x[0].row(self.source(r)));
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for (r, row) in cx.samples.clone().enumerate() {
            let first = r == 0 || self.from != Space::Once;
            let dx = dx.row_mut(self.source(r));
            if first && !*accumulate {
                dx.fill(T::ZERO);
            }
            for t in local(cx.input, &cx.samples, self.to, row) {
                add_assign(dx, cx.dy.row(t));
            }
        }
    }
}
