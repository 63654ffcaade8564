//! y = a with b added to the columns from `at` on.

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::add_assign;
use crate::ops::Kernel;
use crate::ops::activation::give;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Overlay {
    pub(crate) at: usize,
}

impl Kernel for Overlay {
    const NAME: &'static str = "overlay";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] if a.checked_sub(*b).is_some_and(|room| self.at <= room) => Ok(*a),
            _ => Err(format!("takes columns that fit from column {} of the others on, got {inputs:?}", self.at)),
        }
    }

    fn flops(&self, inputs: &[usize], _: usize) -> u64 {
        inputs[1] as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            let y = cx.y.row_mut(r);
            y.copy_from_slice(cx.x[0].row(r));
            add_assign(&mut y[self.at..], cx.x[1].row(r));
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        for (dx, from) in cx.dx.iter_mut().zip([0, self.at]) {
            let Some((dx, accumulate)) = dx else { continue };
            for r in 0..cx.rows.len() {
                let to = dx.row_mut(r);
                let part = &cx.dy.row(r)[from..][..to.len()];
                give(to, part, *accumulate);
            }
        }
    }
}
