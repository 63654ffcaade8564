//! n = (x − mean) / √(variance + epsilon), y = scale·n + shift (Ioffe and Szegedy 2015, Algorithm 1). In training mean and
//! (biased) variance are those of the whole batch, exactly; scoring uses the running ones (momentum 0.1, unbiased
//! variance, as PyTorch).

use crate::exec::context::{Backward, Combine, Forward};
use crate::graph::{Param, Running};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

const MOMENTUM: f64 = 0.1;

#[derive(Debug, Clone)]
pub(crate) struct BatchNorm {
    pub(crate) affine: Option<(Param, Param)>,
    pub(crate) running: Running,
    pub(crate) epsilon: f64,
}

impl Kernel for BatchNorm {
    const NAME: &'static str = "batch_norm";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        4 * width as u64
    }

    fn params(&self) -> Vec<Param> {
        self.affine.iter().flat_map(|(scale, shift)| [*scale, *shift]).collect()
    }

    fn batch_wide(&self) -> bool {
        true
    }

    fn reduced(&self, width: usize) -> usize {
        2 * width
    }

    // Σx and Σx², in f64: the cancellation in Σx² − B·mean² costs far less than f32's own rounding.
    #[inline(always)]
    fn reduce_forward<T: Real>(&self, cx: &Forward<'_, T>, sums: &mut [f64]) {
        let (sum, square) = sums.split_at_mut(cx.x[0].width());
        for r in 0..cx.rows.len() {
            for ((sum, square), x) in sum.iter_mut().zip(square.iter_mut()).zip(cx.x[0].row(r)) {
                *sum += x.f64();
                *square += x.f64() * x.f64();
            }
        }
    }

    fn combine_forward<T: Real>(&self, cx: &mut Combine<'_, T>) {
        let (sum, square) = cx.sums.split_at(cx.sums.len() / 2);
        let rows = cx.batch_rows.max(1) as f64; // all lists of a batch can be empty
        let mean: Vec<f64> = sum.iter().map(|s| s / rows).collect();
        let variance: Vec<f64> = square.iter().zip(&mean).map(|(s, m)| (s / rows - m * m).max(0.0)).collect();
        cx.combined.clear();
        cx.combined.extend(mean.iter().map(|m| T::of(*m)));
        cx.combined.extend(variance.iter().map(|v| T::of(1.0 / (v + self.epsilon).sqrt())));
        if cx.batch_rows == 0 {
            return;
        }
        let running = &mut cx.running[self.running.0];
        let unbiased = if cx.batch_rows > 1 { rows / (rows - 1.0) } else { 1.0 };
        for c in 0..mean.len() {
            let blend = |old: T, new: f64| T::of(old.f64() * (1.0 - MOMENTUM) + new * MOMENTUM);
            running.mean[c] = blend(running.mean[c], mean[c]);
            running.variance[c] = blend(running.variance[c], variance[c] * unbiased);
        }
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let width = cx.x[0].width();
        let scoring: Vec<T>;
        let (mean, inverse) = match cx.training {
            Some(_) => cx.combined.split_at(width),
            None => {
                let running = cx.state.running(self.running);
                let inverse = running.variance.iter().map(|v| T::ONE / (*v + T::of(self.epsilon)).sqrt());
                scoring = inverse.collect();
                (&running.mean[..], &scoring[..])
            }
        };
        let affine = self.affine.map(|(a, b)| (cx.state.params.vector(a), cx.state.params.vector(b)));
        for r in 0..cx.rows.len() {
            let normal =
                cx.x[0].row(r).iter().zip(mean).zip(inverse).map(|((&x, &mean), &inverse)| (x - mean) * inverse);
            let y = cx.y.row_mut(r).iter_mut();
            match affine {
                Some((scale, shift)) => {
                    y.zip(normal).zip(scale).zip(shift).for_each(|(((y, n), &scale), &shift)| *y = scale * n + shift);
                }
                None => y.zip(normal).for_each(|(y, n)| *y = n),
            }
        }
    }

    // Σdy and Σdy·n.
    #[inline(always)]
    fn reduce_backward<T: Real>(&self, cx: &Backward<'_, T>, sums: &mut [f64]) {
        let width = cx.x[0].width();
        let (mean, inverse) = cx.combined.split_at(width);
        let (plain, along) = sums.split_at_mut(width);
        for r in 0..cx.rows.len() {
            let normal =
                cx.x[0].row(r).iter().zip(mean).zip(inverse).map(|((&x, &mean), &inverse)| (x - mean) * inverse);
            let sums = plain.iter_mut().zip(along.iter_mut());
            for (((plain, along), n), dy) in sums.zip(normal).zip(cx.dy.row(r)) {
                *plain += dy.f64();
                *along += dy.f64() * n.f64();
            }
        }
    }

    // dx = scale/σ · (dy − mean(dy) − n·mean(dy·n)).
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let width = cx.x[0].width();
        let (mean, inverse) = cx.combined.split_at(width);
        let (plain, along) = cx.sums.split_at(width);
        let params = self.affine.map_or([None; 2], |(scale, shift)| [Some((scale, along)), Some((shift, plain))]);
        for (i, (param, sums)) in params.into_iter().flatten().enumerate() {
            let grad = &mut cx.grads[cx.state.params.span(param)][..width];
            if !cx.accumulate[i] {
                grad.fill(T::ZERO);
            }
            // The sums are the whole batch's: one micro-batch hands them on.
            if cx.samples.start == 0 {
                grad.iter_mut().zip(sums).for_each(|(to, sum)| *to += T::of(*sum));
            }
        }
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let share = 1.0 / cx.batch_rows.max(1) as f64;
        let plain: Vec<T> = plain.iter().map(|s| T::of(s * share)).collect();
        let along: Vec<T> = along.iter().map(|s| T::of(s * share)).collect();
        let slope: Vec<T> = match self.affine {
            Some((scale, _)) => cx.state.params.vector(scale).iter().zip(inverse).map(|(s, i)| *s * *i).collect(),
            None => inverse.to_vec(),
        };
        let (mean, inverse, plain, along) = (&mean[..width], &inverse[..width], &plain[..width], &along[..width]);
        for r in 0..cx.rows.len() {
            let (x, dy, dx) = (&cx.x[0].row(r)[..width], &cx.dy.row(r)[..width], &mut dx.row_mut(r)[..width]);
            for c in 0..width {
                let n = (x[c] - mean[c]) * inverse[c];
                let d = slope[c] * (dy[c] - plain[c] - n * along[c]);
                dx[c] = if *accumulate { dx[c] + d } else { d };
            }
        }
    }
}
