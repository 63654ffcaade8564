//! y = concat[sin(2π·c·x), cos(2π·c·x)] of a number x with trained frequencies c (Gorishniy et al. 2022, Eq. 3):
//! `[.., 1]` becomes `[.., 2k]`.

use crate::exec::context::{Backward, Forward};
use crate::graph::Param;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Periodic {
    /// c, k of them.
    pub(crate) frequencies: Param,
    pub(crate) count: usize,
}

/// A quarter turn: cos(2πv) = sin(2π(v + ¼)).
const QUARTER: f64 = 0.25;

impl Kernel for Periodic {
    const NAME: &'static str = "periodic";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        if inputs == [1] { Ok(2 * self.count) } else { Err(format!("takes one number, got {inputs:?} columns")) }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        16 * width as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.frequencies]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let frequencies = cx.state.params.vector(self.frequencies);
        for r in 0..cx.rows.len() {
            let x = cx.x[0].row(r)[0];
            let (sin, cos) = cx.y.row_mut(r).split_at_mut(self.count);
            for ((sin, cos), &c) in sin.iter_mut().zip(cos).zip(frequencies) {
                let turns = (c * x).fraction();
                (*sin, *cos) = (turns.sin_turns(), (turns + T::of(QUARTER)).sin_turns());
            }
        }
    }

    // d sin = 2π·cos, d cos = −2π·sin, both times x for c and times c for x.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let frequencies = cx.state.params.vector(self.frequencies);
        let span = cx.state.params.span(self.frequencies);
        let grad = &mut cx.grads[span][..self.count];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        let whole = T::of(std::f64::consts::TAU);
        for r in 0..cx.rows.len() {
            let x = cx.x[0].row(r)[0];
            let ((sin, cos), (d_sin, d_cos)) = (cx.y.row(r).split_at(self.count), cx.dy.row(r).split_at(self.count));
            let mut dx = T::ZERO;
            for i in 0..self.count {
                let slope = whole * (d_sin[i] * cos[i] - d_cos[i] * sin[i]);
                grad[i] += slope * x;
                dx += slope * frequencies[i];
            }
            if let Some((to, accumulate)) = &mut cx.dx[0] {
                let to = &mut to.row_mut(r)[0];
                *to = if *accumulate { *to + dx } else { dx };
            }
        }
    }
}
