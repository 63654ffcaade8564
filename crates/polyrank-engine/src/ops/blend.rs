//! y = Σ_i w_i·x_i with one trained weight an input, the same for all rows.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::kernels::elementwise::{axpy, dot, scale_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Blend {
    /// One an input.
    pub(crate) weights: Param,
}

impl Kernel for Blend {
    const NAME: &'static str = "blend";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [first, rest @ ..] if rest.iter().all(|w| w == first) => Ok(*first),
            _ => Err(format!("takes inputs of one width, got {inputs:?}")),
        }
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        2 * (inputs.len() * width) as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.weights]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let weights = cx.state.params.vector(self.weights);
        for r in 0..cx.rows.len() {
            let y = cx.y.row_mut(r);
            scale_to(y, weights[0], cx.x[0].row(r));
            for (x, &w) in cx.x.iter().zip(weights).skip(1) {
                axpy(y, w, x.row(r));
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let weights = cx.state.params.vector(self.weights);
        let span = cx.state.params.span(self.weights);
        let grad = &mut cx.grads[span][..weights.len()];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        for (i, x) in cx.x.iter().enumerate() {
            for r in 0..cx.rows.len() {
                grad[i] += dot(x.row(r), cx.dy.row(r));
            }
        }
        for (to, &w) in cx.dx.iter_mut().zip(weights) {
            let Some((dx, accumulate)) = to else { continue };
            for r in 0..cx.rows.len() {
                if *accumulate {
                    axpy(dx.row_mut(r), w, cx.dy.row(r));
                } else {
                    scale_to(dx.row_mut(r), w, cx.dy.row(r));
                }
            }
        }
    }
}
