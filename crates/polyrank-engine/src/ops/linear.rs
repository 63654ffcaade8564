//! y = x·W + b, and relu if it is part of the layer.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::kernels::elementwise::{add_assign, relu_gradient};
use crate::kernels::gemm::Start;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub(crate) weight: Param,
    pub(crate) bias: Option<Param>,
    pub(crate) units: usize,
    pub(crate) relu: bool,
    /// Whether products are of numbers rounded to bf16.
    pub(crate) half: bool,
}

impl Kernel for Linear {
    const NAME: &'static str = "linear";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs).map(|_| self.units)
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        2 * (inputs[0] * width) as u64
    }

    fn params(&self) -> Vec<Param> {
        std::iter::once(self.weight).chain(self.bias).collect()
    }

    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let params = cx.state.params;
        let start = self.bias.map_or(Start::Zero, |bias| Start::Bias(params.get(bias)));
        if self.half {
            T::product_half(cx.x[0], params.pairs(self.weight), start, self.relu, &mut cx.y);
        } else {
            T::product(cx.x[0], params.get(self.weight), start, self.relu, &mut cx.y);
        }
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        if self.relu {
            for r in 0..cx.rows.len() {
                relu_gradient(cx.dy.row_mut(r), cx.y.row(r));
            }
        }
        let x = cx.x[0];
        let span = cx.state.params.span(self.weight);
        let outer = if self.half { T::outer_half } else { T::outer };
        outer(x, cx.dy.as_mat(), &mut cx.grads[span], cx.accumulate[0]);
        if let Some(bias) = self.bias {
            let span = cx.state.params.span(bias);
            let sums = &mut cx.grads[span][..self.units];
            if !cx.accumulate[1] {
                sums.fill(T::ZERO);
            }
            for r in 0..cx.rows.len() {
                add_assign(sums, cx.dy.row(r));
            }
        }
        if let Some((dx, accumulate)) = &mut cx.dx[0] {
            let start = if *accumulate { Start::Output } else { Start::Zero };
            let params = cx.state.params;
            if self.half {
                T::product_half(cx.dy.as_mat(), params.transposed_pairs(self.weight), start, false, dx);
            } else {
                T::product(cx.dy.as_mat(), params.transposed(self.weight), start, false, dx);
            }
        }
    }
}
