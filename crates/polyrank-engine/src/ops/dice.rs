//! y = p·x + (1 − p)·alpha·x with p = sigmoid(n), n being x normalised over the batch (Zhou et al. 2018, Eq. 3).
//! Inputs: x, n.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Dice {
    pub(crate) alpha: Param,
}

impl Kernel for Dice {
    const NAME: &'static str = "dice";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [x, n] if x == n => Ok(*x),
            _ => Err(format!("takes two inputs of the same width, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        8 * width as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.alpha]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let alpha = cx.state.params.vector(self.alpha);
        for r in 0..cx.rows.len() {
            let inputs = cx.x[0].row(r).iter().zip(cx.x[1].row(r)).zip(alpha);
            for (y, ((&x, &n), &alpha)) in cx.y.row_mut(r).iter_mut().zip(inputs) {
                let p = n.sigmoid();
                *y = p * x + (T::ONE - p) * alpha * x;
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (x, n, rows) = (cx.x[0], cx.x[1], cx.rows.len());
        let alpha = cx.state.params.vector(self.alpha);
        let span = cx.state.params.span(self.alpha);
        let grad = &mut cx.grads[span][..x.width()];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        let (first, second) = cx.dx.split_at_mut(1);
        for r in 0..rows {
            let (x, n, dy) = (x.row(r), n.row(r), cx.dy.row(r));
            for c in 0..x.len() {
                let p = n[c].sigmoid();
                grad[c] += dy[c] * (T::ONE - p) * x[c];
                let (through_x, through_p) = (p + (T::ONE - p) * alpha[c], x[c] * (T::ONE - alpha[c]));
                if let Some((dx, accumulate)) = &mut first[0] {
                    let dx = &mut dx.row_mut(r)[c];
                    let d = dy[c] * through_x;
                    *dx = if *accumulate { *dx + d } else { d };
                }
                if let Some((dn, accumulate)) = &mut second[0] {
                    let dn = &mut dn.row_mut(r)[c];
                    let d = dy[c] * through_p * p * (T::ONE - p);
                    *dn = if *accumulate { *dn + d } else { d };
                }
            }
        }
    }
}
