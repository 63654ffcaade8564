//! A row of the batch at the end of its list: x `[list, D]` and e `[B, D]` become lists of one more.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::ops::Kernel;
use crate::ops::activation::give;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Append {
    /// The list's.
    pub(crate) from: Space,
}

impl Append {
    /// The space of lists of one more.
    fn to(&self) -> Space {
        match self.from {
            Space::List { slot, most, extra } => Space::List { slot, most, extra: extra + 1 },
            other => other,
        }
    }
}

impl Kernel for Append {
    const NAME: &'static str = "append";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [list, one] if list == one => Ok(*list),
            _ => Err(format!("takes a list and what to append, of one width, got {inputs:?}")),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [list @ Space::List { .. }, Space::Rows] if *list == self.from => Ok(self.to()),
            _ => Err(format!("takes a list and rows of the batch, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.samples.clone().enumerate() {
            let from = local(cx.input, &cx.samples, self.from, row);
            let to = local(cx.input, &cx.samples, self.to(), row);
            for (t, at) in from.zip(to.clone()) {
                cx.y.row_mut(at).copy_from_slice(cx.x[0].row(t));
            }
            cx.y.row_mut(to.end - 1).copy_from_slice(cx.x[1].row(r));
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        for (r, row) in cx.samples.clone().enumerate() {
            let from = local(cx.input, &cx.samples, self.from, row);
            let to = local(cx.input, &cx.samples, self.to(), row);
            if let Some((dx, accumulate)) = &mut cx.dx[0] {
                for (t, at) in from.zip(to.clone()) {
                    give(dx.row_mut(t), cx.dy.row(at), *accumulate);
                }
            }
            if let Some((dx, accumulate)) = &mut cx.dx[1] {
                give(dx.row_mut(r), cx.dy.row(to.end - 1), *accumulate);
            }
        }
    }
}
