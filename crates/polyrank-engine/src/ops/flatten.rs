//! Each row's list side by side, the last first, padded with zeros to the longest there can be: `[B, most·D]`. So a place
//! is counted from the end, where lists of different lengths agree.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::ops::activation::give;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Flatten {
    pub(crate) from: Space,
}

impl Kernel for Flatten {
    const NAME: &'static str = "flatten";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        let width = same_width(inputs)?;
        width.checked_mul(self.from.most()).ok_or_else(|| "would be too wide".to_owned())
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [space @ Space::List { .. }] if *space == self.from => Ok(Space::Rows),
            _ => Err(format!("takes a list, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let width = cx.x[0].width();
        for (r, row) in cx.samples.clone().enumerate() {
            let all = local(cx.input, &cx.samples, self.from, row);
            let y = cx.y.row_mut(r);
            y[all.len() * width..].fill(T::ZERO);
            for t in all.clone() {
                y[(all.end - 1 - t) * width..][..width].copy_from_slice(cx.x[0].row(t));
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let width = cx.x[0].width();
        for (r, row) in cx.samples.clone().enumerate() {
            let all = local(cx.input, &cx.samples, self.from, row);
            for t in all.clone() {
                give(dx.row_mut(t), &cx.dy.row(r)[(all.end - 1 - t) * width..][..width], *accumulate);
            }
        }
    }
}
