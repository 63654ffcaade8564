//! y = Σ_c a[c]·b[c], one number a row.

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{axpy, dot, scale_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Dot;

impl Kernel for Dot {
    const NAME: &'static str = "dot";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] if a == b => Ok(1),
            _ => Err(format!("takes two inputs of the same width, got {inputs:?}")),
        }
    }

    fn flops(&self, inputs: &[usize], _: usize) -> u64 {
        2 * inputs[0] as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            cx.y.row_mut(r)[0] = dot(cx.x[0].row(r), cx.x[1].row(r));
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        for (i, to) in cx.dx.iter_mut().enumerate() {
            let Some((dx, accumulate)) = to else { continue };
            for r in 0..cx.rows.len() {
                let (other, dy) = (cx.x[1 - i].row(r), cx.dy.row(r)[0]);
                if *accumulate {
                    axpy(dx.row_mut(r), dy, other);
                } else {
                    scale_to(dx.row_mut(r), dy, other);
                }
            }
        }
    }
}
