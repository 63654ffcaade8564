//! y = scale ⊙ (x − mean) / √(variance + epsilon) + shift with mean and (biased) variance over the row's columns (Ba et
//! al. 2016, Eq. 4).

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
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
    let mean = x.iter().fold(T::ZERO, |s, &x| s + x) * share;
    let variance = x.iter().fold(T::ZERO, |s, &x| s + (x - mean) * (x - mean)) * share;
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
        let width = cx.y.width();
        let (x, scale) = (cx.x[0], cx.state.params.vector(self.scale));
        for (i, param) in [self.scale, self.shift].into_iter().enumerate() {
            let span = cx.state.params.span(param);
            let grad = &mut cx.grads[span][..width];
            if !cx.accumulate[i] {
                grad.fill(T::ZERO);
            }
            for r in 0..cx.rows.len() {
                let (x, dy) = (x.row(r), cx.dy.row(r));
                let (mean, inverse) = moments(x);
                for c in 0..width {
                    grad[c] += if i == 0 { dy[c] * ((x[c] - mean) * inverse) } else { dy[c] };
                }
            }
        }
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let share = T::ONE / T::of(width as f64);
        for r in 0..cx.rows.len() {
            let (x, dy, dx) = (x.row(r), cx.dy.row(r), dx.row_mut(r));
            let (mean, inverse) = moments(x);
            let (mut plain, mut along) = (T::ZERO, T::ZERO);
            for c in 0..width {
                plain += scale[c] * dy[c];
                along += scale[c] * dy[c] * ((x[c] - mean) * inverse);
            }
            let (plain, along) = (plain * share, along * share);
            for c in 0..width {
                let d = inverse * (scale[c] * dy[c] - plain - (x[c] - mean) * inverse * along);
                dx[c] = if *accumulate { dx[c] + d } else { d };
            }
        }
    }
}
