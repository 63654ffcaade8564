//! A loss as a value, for objectives that are composed: y = loss(z, label). Inputs: z `[.., 1]`, label `[.., 1]`.

use crate::exec::context::{Backward, Forward};
use crate::loss::Loss;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct PointwiseLoss {
    pub(crate) loss: Loss,
}

impl Kernel for PointwiseLoss {
    const NAME: &'static str = "loss";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] if a == b => Ok(*a),
            _ => Err(format!("takes two inputs of the same width, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        8 * width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            let inputs = cx.x[0].row(r).iter().zip(cx.x[1].row(r));
            for (y, (&z, &label)) in cx.y.row_mut(r).iter_mut().zip(inputs) {
                *y = self.loss.at(z, label).0;
            }
        }
    }

    // Labels are data, or values that the caller has stopped: no gradient goes to them.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (z, label) = (cx.x[0], cx.x[1]);
        let (first, second) = cx.dx.split_at_mut(1);
        if let Some((dx, false)) = &mut second[0] {
            (0..cx.rows.len()).for_each(|r| dx.row_mut(r).fill(T::ZERO));
        }
        let Some((dx, accumulate)) = &mut first[0] else { return };
        for r in 0..cx.rows.len() {
            let inputs = z.row(r).iter().zip(label.row(r)).zip(cx.dy.row(r));
            for (dx, ((&z, &label), &dy)) in dx.row_mut(r).iter_mut().zip(inputs) {
                let d = self.loss.at(z, label).1 * dy;
                *dx = if *accumulate { *dx + d } else { d };
            }
        }
    }
}
