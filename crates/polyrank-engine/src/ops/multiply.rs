//! y = a ⊙ b, number by number; a factor of fewer columns is shared by as many columns of the other as make up for it:
//! a `[.., G]`, b `[.., G·D]`, y[g·D + d] = a[g]·b[g·D + d].

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{axpy, dot, give_product, multiply_to, scale_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Multiply;

impl Kernel for Multiply {
    const NAME: &'static str = "multiply";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] if *a > 0 && b % a == 0 => Ok(*b),
            _ => Err(format!("takes two inputs, the second as wide as the first or a multiple, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let group = cx.x[1].width() / cx.x[0].width();
        for r in 0..cx.rows.len() {
            let (a, b, y) = (cx.x[0].row(r), cx.x[1].row(r), cx.y.row_mut(r));
            if group == 1 {
                multiply_to(y, a, b);
                continue;
            }
            for ((y, &a), b) in y.chunks_exact_mut(group).zip(a).zip(b.chunks_exact(group)) {
                scale_to(y, a, b);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let group = cx.x[1].width() / cx.x[0].width();
        let (first, second) = cx.dx.split_at_mut(1);
        for r in 0..cx.rows.len() {
            let (a, b, dy) = (cx.x[0].row(r), cx.x[1].row(r), cx.dy.row(r));
            if let Some((da, accumulate)) = &mut first[0] {
                let da = da.row_mut(r);
                if group == 1 {
                    give_product(da, b, dy, *accumulate);
                } else {
                    let groups = b.chunks_exact(group).zip(dy.chunks_exact(group));
                    for (da, (b, dy)) in da.iter_mut().zip(groups) {
                        *da = if *accumulate { *da + dot(b, dy) } else { dot(b, dy) };
                    }
                }
            }
            if let Some((db, accumulate)) = &mut second[0] {
                let db = db.row_mut(r);
                if group == 1 {
                    give_product(db, a, dy, *accumulate);
                } else {
                    let groups = db.chunks_exact_mut(group).zip(dy.chunks_exact(group));
                    for (&a, (db, dy)) in a.iter().zip(groups) {
                        if *accumulate { axpy(db, a, dy) } else { scale_to(db, a, dy) }
                    }
                }
            }
        }
    }
}
