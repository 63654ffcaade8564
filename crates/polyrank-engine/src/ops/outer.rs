//! The outer product of two rows: y[i·M + j] = a[i]·b[j].

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{axpy, dot, scale_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Outer;

impl Kernel for Outer {
    const NAME: &'static str = "outer";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] => a.checked_mul(*b).ok_or_else(|| format!("a product of {a} and {b} columns is too wide")),
            _ => Err(format!("takes two inputs, got {}", inputs.len())),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let width = cx.x[1].width();
        for r in 0..cx.rows.len() {
            let b = cx.x[1].row(r);
            for (y, &a) in cx.y.row_mut(r).chunks_exact_mut(width).zip(cx.x[0].row(r)) {
                scale_to(y, a, b);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let width = cx.x[1].width();
        let (first, second) = cx.dx.split_at_mut(1);
        for r in 0..cx.rows.len() {
            let (a, b, dy) = (cx.x[0].row(r), cx.x[1].row(r), cx.dy.row(r));
            if let Some((da, accumulate)) = &mut first[0] {
                for (da, dy) in da.row_mut(r).iter_mut().zip(dy.chunks_exact(width)) {
                    let d = dot(b, dy);
                    *da = if *accumulate { *da + d } else { d };
                }
            }
            if let Some((db, accumulate)) = &mut second[0] {
                let db = db.row_mut(r);
                if !*accumulate {
                    db.fill(T::ZERO);
                }
                for (&a, dy) in a.iter().zip(dy.chunks_exact(width)) {
                    axpy(db, a, dy);
                }
            }
        }
    }
}
