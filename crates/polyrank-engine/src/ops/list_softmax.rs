//! Softmax over what a row of the batch has in another space, column by column.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct ListSoftmax {
    pub(crate) over: Space,
}

impl Kernel for ListSoftmax {
    const NAME: &'static str = "list_softmax";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        4 * width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for c in 0..cx.y.width() {
                let Some(first) = all.clone().next() else { continue };
                let largest = all.clone().fold(cx.x[0].row(first)[c], |a, t| a.max(cx.x[0].row(t)[c]));
                let mut sum = T::ZERO;
                for t in all.clone() {
                    let e = (cx.x[0].row(t)[c] - largest).exp();
                    cx.y.row_mut(t)[c] = e;
                    sum += e;
                }
                let share = T::ONE / sum;
                for t in all.clone() {
                    cx.y.row_mut(t)[c] *= share;
                }
            }
        }
    }

    // dx = y·(dy − Σ dy·y).
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for c in 0..cx.y.width() {
                let sum = all.clone().fold(T::ZERO, |s, t| s + cx.y.row(t)[c] * cx.dy.row(t)[c]);
                for t in all.clone() {
                    let d = cx.y.row(t)[c] * (cx.dy.row(t)[c] - sum);
                    let dx = &mut dx.row_mut(t)[c];
                    *dx = if *accumulate { *dx + d } else { d };
                }
            }
        }
    }
}
