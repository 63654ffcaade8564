//! y = Σ_v z_v·(x_v·W_v): V values, each through a linear map of its own that a gate opens or closes for all rows (Ma et al.
//! 2019, SNR-Trans). Inputs: the values side by side, x `[B, V·D]`, and the gates, z `[1, V]`.
//!
//! The gates belong to no row, so they are multiplied into the weights: what is left is one product of V·D steps,
//! y = x·(z ⊗ W). Its gradient with respect to z ⊗ W, G, gives both: of W_v it is z_v·G_v, of z_v it is Σ W_v ⊙ G_v.

use crate::exec::context::{Backward, Forward};
use crate::graph::{Param, Space};
use crate::kernels::buffer::Buffer;
use crate::kernels::elementwise::{axpy, dot, scale_to};
use crate::kernels::gemm::{Panel, Start, padded_columns, panels};
use crate::kernels::gradient::Gradient;
use crate::kernels::half::{self, Buffers};
use crate::ops::Kernel;
use crate::params::Params;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Routes {
    /// One a value, `[D, units]`.
    pub(crate) weights: Vec<Param>,
    /// Columns of a value (D).
    pub(crate) dim: usize,
    pub(crate) units: usize,
    /// Whether products are of numbers rounded to bf16.
    pub(crate) half: bool,
}

impl Routes {
    /// Steps of the product (V·D).
    fn steps(&self) -> usize {
        self.weights.len() * self.dim
    }

    /// By panel and by value: where the value's part of the panel lies in a packed matrix of all steps, the value, and
    /// where in its own packed matrix.
    fn parts(&self) -> impl Iterator<Item = (std::ops::Range<usize>, usize, std::ops::Range<usize>)> {
        let (dim, values) = (self.dim, self.weights.len());
        panels(self.steps(), self.units).flat_map(move |Panel { column, padded, offset, .. }| {
            let size = dim * padded;
            (0..values).map(move |v| (offset + v * size..offset + (v + 1) * size, v, column * dim..column * dim + size))
        })
    }

    /// The weights times their gates, packed.
    #[inline(always)]
    fn switched<T: Real>(&self, params: &Params<T>, gates: &[T], out: &mut Buffer<T>) {
        out.reuse(self.steps() * padded_columns(self.units));
        for (all, v, own) in self.parts() {
            scale_to(&mut out[all], gates[v], &params.get(self.weights[v])[own]);
        }
    }
}

impl Kernel for Routes {
    const NAME: &'static str = "routes";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [x, gates] if *gates == self.weights.len() && *x == self.steps() => Ok(self.units),
            _ => Err(format!("takes {} columns and {} gates, got {inputs:?}", self.steps(), self.weights.len())),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [x, Space::Once] if *x != Space::Once => Ok(*x),
            _ => Err(format!("takes rows, and gates that belong to none, got {inputs:?}")),
        }
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        2 * (inputs[0] * width) as u64
    }

    fn params(&self) -> Vec<Param> {
        self.weights.clone()
    }

    fn multiplies_rounded(&self) -> bool {
        self.half
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let weights = &mut cx.scratch.scaled;
        self.switched(cx.state.params, cx.x[1].row(0), weights);
        match cx.left {
            Some(x) => half::with(|Buffers { right, .. }| {
                T::right_packed(weights, self.steps(), self.units, right);
                T::product_half(x, right, Start::Zero, false, &mut cx.y, cx.next.take());
            }),
            None => T::product(cx.x[0], weights, Start::Zero, false, &mut cx.y),
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (params, gates, steps) = (cx.state.params, cx.x[1].row(0), self.steps());
        let (to_values, to_gates) = cx.dx.split_at_mut(1);
        let (scratch, mut dy) = (&mut *cx.scratch, Gradient { dy: cx.dy.again(), relu: None, sums: None });
        let dx = to_values[0].as_mut().map(|(dx, add)| (dx, if *add { Start::Output } else { Start::Zero }));
        if dx.is_some() {
            self.switched(params, gates, &mut scratch.scaled);
        }
        scratch.outer.reuse(steps * padded_columns(self.units));
        match cx.left {
            Some(x) => half::with(|Buffers { left, right }| {
                T::gradient(&mut dy, dx.is_some().then_some(&mut *left), right);
                half::outer(x, right, self.units, &mut scratch.outer, false);
                if let Some((dx, start)) = dx {
                    T::right_packed_turned(&scratch.scaled, steps, self.units, steps, right);
                    T::product_half(left, right, start, false, dx, None);
                }
            }),
            None => {
                T::outer(cx.x[0], &mut dy, &mut scratch.outer, false);
                if let Some((dx, start)) = dx {
                    // What pads the columns must be zeros, and the buffer has seen other matrices.
                    scratch.turned.clear();
                    scratch.turned.resize(self.units * padded_columns(steps));
                    T::pack_transpose(&scratch.scaled, steps, self.units, steps, &mut scratch.turned);
                    T::product(dy.dy.as_mat(), &scratch.turned, start, false, dx);
                }
            }
        }
        let mut to_gates = to_gates[0].as_mut().map(|(to, accumulate)| {
            let to = to.row_mut(0);
            if !*accumulate {
                to.fill(T::ZERO);
            }
            to
        });
        for (all, v, own) in self.parts() {
            let outer = &scratch.outer[all];
            if let Some(to_gates) = &mut to_gates {
                to_gates[v] += dot(&params.get(self.weights[v])[own.clone()], outer);
            }
            let gradient = &mut cx.grads[params.span(self.weights[v])][own];
            if cx.accumulate[v] {
                axpy(gradient, gates[v], outer);
            } else {
                scale_to(gradient, gates[v], outer);
            }
        }
    }
}
