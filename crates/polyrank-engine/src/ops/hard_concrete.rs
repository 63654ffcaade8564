//! Hard concrete gates (Louizos et al. 2018, Eq. 10 to 13): s = σ((ln u − ln(1 − u) + x)/β), y = min(1, max(0, s·(ζ − γ) + γ))
//! with x = ln α and u uniform in training; y = min(1, max(0, σ(x)·(ζ − γ) + γ)) when scoring. The noise is a function of
//! (seed, gate, step, column), the same for all rows: a connection is on or off for the whole batch.

use crate::exec::context::{Backward, Forward, Training};
use crate::graph::Stretch;
use crate::kernels::elementwise::give_product;
use crate::ops::{Kernel, same_width};
use crate::real::Real;
use crate::rng::Purpose;

#[derive(Debug, Clone)]
pub(crate) struct HardConcrete {
    pub(crate) stretch: Stretch,
    /// Tells this op's noise from another's.
    pub(crate) thing: u64,
}

impl HardConcrete {
    /// ln u − ln(1 − u), a column. u is the middle of one of 2^23 equal parts of (0, 1): neither end is hit, and both
    /// number types hold it exactly.
    #[inline(always)]
    fn noise<T: Real>(&self, training: Training, width: usize) -> Vec<T> {
        let stream = training.stream(Purpose::Noise, self.thing);
        let draw = |c: usize| {
            let u = T::of(((stream.bits(c as u64) >> 41) as f64 + 0.5) / 8_388_608.0);
            u.ln() - (T::ONE - u).ln()
        };
        (0..width).map(draw).collect()
    }

    /// s of a column; without noise β does not matter.
    #[inline(always)]
    fn soft<T: Real>(&self, x: T, noise: Option<T>) -> T {
        match noise {
            Some(noise) => ((x + noise) / T::of(self.stretch.beta)).sigmoid(),
            None => x.sigmoid(),
        }
    }
}

impl Kernel for HardConcrete {
    const NAME: &'static str = "hard_concrete";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        let Stretch { beta, gamma, zeta } = self.stretch;
        if beta > 0.0 && beta.is_finite() && gamma < 0.0 && gamma.is_finite() && zeta > 1.0 && zeta.is_finite() {
            same_width(inputs)
        } else {
            Err(format!("needs β > 0, γ < 0 and ζ > 1, got {beta}, {gamma} and {zeta}"))
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        4 * width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let noise = cx.training.map(|training| self.noise::<T>(training, cx.x[0].width()));
        let (gamma, span) = (T::of(self.stretch.gamma), T::of(self.stretch.zeta - self.stretch.gamma));
        for r in 0..cx.rows.len() {
            for (c, (gate, &x)) in cx.y.row_mut(r).iter_mut().zip(cx.x[0].row(r)).enumerate() {
                let stretched = self.soft(x, noise.as_ref().map(|noise| noise[c])) * span + gamma;
                let floored = stretched.max(T::ZERO);
                *gate = if floored > T::ONE { T::ONE } else { floored };
            }
        }
    }

    // dy/dx = s·(1 − s)·(ζ − γ)/β where the gate is neither 0 nor 1.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let noise = self.noise::<T>(cx.training, cx.x[0].width());
        let slope = T::of((self.stretch.zeta - self.stretch.gamma) / self.stretch.beta);
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let mut slopes = vec![T::ZERO; cx.x[0].width()];
        for r in 0..cx.rows.len() {
            let (x, y) = (cx.x[0].row(r), cx.y.row(r));
            for (c, to) in slopes.iter_mut().enumerate() {
                let s = self.soft(x[c], Some(noise[c]));
                let inside = y[c] > T::ZERO && y[c] < T::ONE;
                *to = if inside { s * (T::ONE - s) * slope } else { T::ZERO };
            }
            give_product(dx.row_mut(r), &slopes, cx.dy.row(r), *accumulate);
        }
    }
}
