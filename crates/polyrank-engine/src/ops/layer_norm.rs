//! y = scale ⊙ (x − mean) / √(variance + epsilon) + shift with mean and (biased) variance over the row's columns (Ba et
//! al. 2016, Eq. 4).

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::kernels::by_row::add_rows;
use crate::kernels::elementwise::{deviations, dot};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

pub(crate) const EPSILON: f64 = 1e-5;

#[derive(Debug, Clone)]
pub(crate) struct LayerNorm {
    pub(crate) scale: Param,
    pub(crate) shift: Param,
}

/// A row's mean and 1/√(variance + epsilon).
#[inline(always)]
fn moments<T: Real>(x: &[T]) -> (T, T) {
    let share = T::ONE / T::of(x.len() as f64);
    let mean = deviations(x, T::ZERO).0 * share;
    let variance = deviations(x, mean).1 * share;
    (mean, T::ONE / (variance + T::of(EPSILON)).sqrt())
}

impl Kernel for LayerNorm {
    const NAME: &'static str = "layer_norm";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        8 * width as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.scale, self.shift]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (scale, shift) = (cx.state.params.vector(self.scale), cx.state.params.vector(self.shift));
        for r in 0..cx.rows.len() {
            let x = cx.x[0].row(r);
            let (mean, inverse) = moments(x);
            for (c, y) in cx.y.row_mut(r).iter_mut().enumerate() {
                *y = scale[c] * ((x[c] - mean) * inverse) + shift[c];
            }
        }
    }

    // With n the normalised row and g = scale ⊙ dy: dx = (g − mean(g) − n·mean(g ⊙ n)) / σ.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (width, params) = (cx.y.width(), cx.state.params);
        let (x, scale) = (cx.x[0], params.vector(self.scale));
        for (param, accumulate) in [self.scale, self.shift].into_iter().zip(cx.accumulate) {
            if !accumulate {
                cx.grads[params.span(param)][..width].fill(T::ZERO);
            }
        }
        add_rows(&mut cx.grads[params.span(self.shift)][..width], cx.dy.as_mat());
        let grad = &mut cx.grads[params.span(self.scale)][..width];
        let share = T::ONE / T::of(width as f64);
        let mut normal = vec![T::ZERO; width];
        for r in 0..cx.rows.len() {
            let (x, dy) = (x.row(r), cx.dy.row_mut(r));
            let (mean, inverse) = moments(x);
            for c in 0..width {
                normal[c] = (x[c] - mean) * inverse;
                grad[c] += dy[c] * normal[c];
                dy[c] *= scale[c];
            }
            let Some((dx, accumulate)) = &mut cx.dx[0] else { continue };
            let (plain, along) = (deviations(dy, T::ZERO).0 * share, dot(dy, &normal) * share);
            let dx = dx.row_mut(r);
            for c in 0..width {
                let d = inverse * (dy[c] - plain - normal[c] * along);
                dx[c] = if *accumulate { dx[c] + d } else { d };
            }
        }
    }
}
