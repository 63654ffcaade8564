//! y = Σ_i factor_i·x_i over inputs of one width.

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{axpy, scale_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Sum {
    /// One an input.
    pub(crate) factors: Vec<f64>,
}

impl Kernel for Sum {
    const NAME: &'static str = "sum";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [first, rest @ ..] if rest.iter().all(|w| w == first) => Ok(*first),
            _ => Err(format!("takes inputs of one width, got {inputs:?}")),
        }
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        2 * (inputs.len() * width) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            let y = cx.y.row_mut(r);
            scale_to(y, T::of(self.factors[0]), cx.x[0].row(r));
            for (x, factor) in cx.x.iter().zip(&self.factors).skip(1) {
                axpy(y, T::of(*factor), x.row(r));
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        for (to, factor) in cx.dx.iter_mut().zip(&self.factors) {
            let (Some((dx, accumulate)), factor) = (to, T::of(*factor)) else { continue };
            for r in 0..cx.rows.len() {
                if *accumulate {
                    axpy(dx.row_mut(r), factor, cx.dy.row(r));
                } else {
                    scale_to(dx.row_mut(r), factor, cx.dy.row(r));
                }
            }
        }
    }
}
