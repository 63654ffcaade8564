//! y = Σ_{i<j} ⟨x_i, x_j⟩ over inputs of one width: a factorisation machine's second order (Rendle 2010, Eq. 1), in
//! time linear in the inputs (his Lemma 3.1).

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{add_assign, dot};
use crate::ops::{Kernel, several_of_one_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Fm;

impl Kernel for Fm {
    const NAME: &'static str = "fm";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        several_of_one_width(inputs).map(|_| 1)
    }

    fn flops(&self, inputs: &[usize], _: usize) -> u64 {
        3 * inputs.iter().sum::<usize>() as u64
    }

    // Each input meets the sum of those before it: the usual ½((Σx)² − Σx²) would cancel digits.
    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let mut before = vec![T::ZERO; cx.x[0].width()];
        for r in 0..cx.rows.len() {
            before.copy_from_slice(cx.x[0].row(r));
            let mut sum = T::ZERO;
            for x in &cx.x[1..] {
                sum += dot(&before, x.row(r));
                add_assign(&mut before, x.row(r));
            }
            cx.y.row_mut(r)[0] = sum;
        }
    }

    // dx_i = dy·Σ_{j≠i} x_j.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let mut all = vec![T::ZERO; cx.x[0].width()];
        for r in 0..cx.rows.len() {
            let dy = cx.dy.row(r)[0];
            all.fill(T::ZERO);
            cx.x.iter().for_each(|x| add_assign(&mut all, x.row(r)));
            for (x, to) in cx.x.iter().zip(&mut cx.dx) {
                let Some((dx, accumulate)) = to else { continue };
                for ((dx, &x), &all) in dx.row_mut(r).iter_mut().zip(x.row(r)).zip(&all) {
                    let d = dy * (all - x);
                    *dx = if *accumulate { *dx + d } else { d };
                }
            }
        }
    }
}
