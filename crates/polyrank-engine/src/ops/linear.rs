//! y = x·W + b, and relu if it is part of the layer.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::kernels::by_row::{add_rows, relu_gradients};
use crate::kernels::gemm::Start;
use crate::kernels::half;
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

    fn multiplies_rounded(&self) -> bool {
        self.half
    }

    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let params = cx.state.params;
        let start = self.bias.map_or(Start::Zero, |bias| Start::Bias(params.get(bias)));
        match cx.left {
            Some(x) => T::product_half(x, params.pairs(self.weight), start, self.relu, &mut cx.y),
            None => T::product(cx.x[0], params.get(self.weight), start, self.relu, &mut cx.y),
        }
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        if self.relu {
            relu_gradients(&mut cx.dy, cx.y);
        }
        let (params, dy) = (cx.state.params, cx.dy.as_mat());
        let dw = &mut cx.grads[params.span(self.weight)];
        match cx.left {
            Some(x) => half::with(|buffers| {
                T::right(dy, &mut buffers.right);
                half::outer(x, &buffers.right, self.units, dw, cx.accumulate[0]);
            }),
            None => T::outer(cx.x[0], dy, dw, cx.accumulate[0]),
        }
        if let Some(bias) = self.bias {
            let sums = &mut cx.grads[params.span(bias)][..self.units];
            if !cx.accumulate[1] {
                sums.fill(T::ZERO);
            }
            add_rows(sums, dy);
        }
        if let Some((dx, accumulate)) = &mut cx.dx[0] {
            let start = if *accumulate { Start::Output } else { Start::Zero };
            if self.half {
                half::with(|buffers| {
                    T::left(dy, &mut buffers.left);
                    T::product_half(&buffers.left, params.transposed_pairs(self.weight), start, false, dx);
                });
            } else {
                T::product(dy, params.transposed(self.weight), start, false, dx);
            }
        }
    }
}
