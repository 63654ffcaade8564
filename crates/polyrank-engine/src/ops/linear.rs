//! y = x·W + b, and relu if it is part of the layer.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::kernels::gemm::Start;
use crate::kernels::gradient::Gradient;
use crate::kernels::half::{self, Buffers};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub(crate) weight: Param,
    pub(crate) bias: Option<Param>,
    /// Weights and biases that lie beside those (`Graph::beside`), for the columns after theirs.
    pub(crate) beside: Vec<Param>,
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
        std::iter::once(self.weight).chain(self.bias).chain(self.beside.iter().copied()).collect()
    }

    fn multiplies_rounded(&self) -> bool {
        self.half
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let params = cx.state.params;
        let start = self.bias.map_or(Start::Zero, |bias| Start::Bias(params.get(bias)));
        match cx.left {
            Some(x) => T::product_half(x, params.pairs(self.weight), start, self.relu, &mut cx.y, cx.next.take()),
            None => T::product(cx.x[0], params.get(self.weight), start, self.relu, &mut cx.y),
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let params = cx.state.params;
        let (dw, mut sums) = params.parts(cx.grads, self.weight, self.bias);
        if let (Some(sums), Some(false)) = (&mut sums, cx.accumulate.get(1)) {
            sums.fill(T::ZERO);
        }
        let mut dy = Gradient { dy: cx.dy.again(), relu: self.relu.then_some(cx.y), sums };
        let dx = cx.dx[0].as_mut().map(|(dx, accumulate)| (dx, if *accumulate { Start::Output } else { Start::Zero }));
        match cx.left {
            Some(x) => half::with(|buffers: &mut Buffers| {
                let Buffers { left, right: turned } = buffers;
                T::gradient(&mut dy, dx.is_some().then_some(&mut *left), turned);
                half::outer(x, turned, self.units, dw, cx.accumulate[0]);
                if let Some((dx, start)) = dx {
                    T::product_half(left, params.transposed_pairs(self.weight), start, false, dx, None);
                }
            }),
            None => {
                T::outer(cx.x[0], &mut dy, dw, cx.accumulate[0]);
                if let Some((dx, start)) = dx {
                    // The gradient may end before the input does (`PlanNode::dx_width`).
                    let weights = params.transposed(self.weight, dx.width(), &mut cx.scratch.turned);
                    T::product(dy.dy.as_mat(), weights, start, false, dx);
                }
            }
        }
    }
}
