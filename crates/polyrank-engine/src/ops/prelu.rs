//! y = max(x, 0) + alpha·min(x, 0), one alpha a column (He et al. 2015, Eq. 1).

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Prelu {
    pub(crate) alpha: Param,
}

impl Kernel for Prelu {
    const NAME: &'static str = "prelu";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.alpha]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let alpha = cx.state.params.vector(self.alpha);
        for r in 0..cx.rows.len() {
            for ((y, &x), &alpha) in cx.y.row_mut(r).iter_mut().zip(cx.x[0].row(r)).zip(alpha) {
                *y = if x > T::ZERO { x } else { alpha * x };
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (x, rows) = (cx.x[0], cx.rows.len());
        let span = cx.state.params.span(self.alpha);
        let grad = &mut cx.grads[span][..x.width()];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        for r in 0..rows {
            for ((grad, &x), &dy) in grad.iter_mut().zip(x.row(r)).zip(cx.dy.row(r)) {
                *grad += if x > T::ZERO { T::ZERO } else { dy * x };
            }
        }
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let alpha = cx.state.params.vector(self.alpha);
        for r in 0..rows {
            for (((dx, &x), &dy), &alpha) in dx.row_mut(r).iter_mut().zip(x.row(r)).zip(cx.dy.row(r)).zip(alpha) {
                let d = if x > T::ZERO { dy } else { alpha * dy };
                *dx = if *accumulate { *dx + d } else { d };
            }
        }
    }
}
