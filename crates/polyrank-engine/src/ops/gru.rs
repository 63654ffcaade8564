//! Gated recurrent unit over each row's list (Cho et al. 2014; Zhou et al. 2019, DIEN, Eq. 2 to 5), with an attention
//! score in its update gate or in place of it (DIEN, Eq. 10 to 12); backward through time.
//!
//! Inputs: p `[.., 3D]`, the projections W·i + b of the reset gate, the candidate and the update gate side by side (no
//! update gate, `[.., 2D]`, where the score replaces it), and the score `[.., 1]` if there is one. With s = h_{t−1}·U:
//! `r = σ(p_r + s_r)`, `c = tanh(p_c + r ∘ s_c)`, `u = σ(p_u + s_u)`, `h_t = (1 − z) ∘ h_{t−1} + z ∘ c` with z being u, the
//! score times u, or the score; h_0 = 0.

use std::ops::Range;

use crate::exec::context::{Backward, Forward, local};
use crate::graph::{Param, Space};
use crate::kernels::elementwise::{axpy, dot};
use crate::kernels::gemm::panels;
use crate::ops::Kernel;
use crate::real::Real;

/// What decides how much of a state is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The update gate: a GRU.
    Gate,
    /// The update gate, scaled by an attention score: AUGRU.
    Scaled,
    /// An attention score alone: AGRU.
    Score,
}

impl Update {
    /// Blocks of D columns that the projections have.
    pub(crate) fn blocks(self) -> usize {
        if self == Update::Score { 2 } else { 3 }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Gru {
    pub(crate) over: Space,
    pub(crate) update: Update,
    /// U, `[D, blocks·D]`.
    pub(crate) recurrent: Param,
}

/// One step's numbers, D each (s: one D a block).
struct Step<T> {
    s: Vec<T>,
    r: Vec<T>,
    c: Vec<T>,
    /// The update gate; empty without one.
    u: Vec<T>,
    /// How much is renewed.
    z: Vec<T>,
}

impl<T: Real> Step<T> {
    fn new(dim: usize, blocks: usize) -> Step<T> {
        let zeros = |n: usize| vec![T::ZERO; n];
        let u = zeros(if blocks == 3 { dim } else { 0 });
        Step { s: zeros(dim * blocks), r: zeros(dim), c: zeros(dim), u, z: zeros(dim) }
    }

    /// The gates of a step from its projections, the state before it and its score.
    #[inline(always)]
    fn gates(&mut self, p: &[T], before: &[T], recurrent: &[T], update: Update, score: T) {
        let dim = self.r.len();
        self.s.fill(T::ZERO);
        for panel in panels(dim, p.len()) {
            for (k, &h) in before.iter().enumerate() {
                let row = &recurrent[panel.offset + k * panel.padded..][..panel.width];
                axpy(&mut self.s[panel.column..][..panel.width], h, row);
            }
        }
        for d in 0..dim {
            self.r[d] = (p[d] + self.s[d]).sigmoid();
            self.c[d] = (p[dim + d] + self.r[d] * self.s[dim + d]).tanh();
            self.z[d] = match update {
                Update::Score => score,
                Update::Gate | Update::Scaled => {
                    self.u[d] = (p[2 * dim + d] + self.s[2 * dim + d]).sigmoid();
                    if update == Update::Scaled { score * self.u[d] } else { self.u[d] }
                }
            };
        }
    }
}

impl Gru {
    #[inline(always)]
    fn score<T: Real>(&self, cx: &[crate::kernels::arena::Mat<'_, T>], t: usize) -> T {
        if self.update == Update::Gate { T::ZERO } else { cx[1].row(t)[0] }
    }
}

impl Kernel for Gru {
    const NAME: &'static str = "gru";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        let blocks = self.update.blocks();
        match (inputs, self.update) {
            ([p], Update::Gate) | ([p, 1], Update::Scaled | Update::Score) if p % blocks == 0 => Ok(p / blocks),
            _ => Err(format!("takes projections of {blocks} gates, and a score if it attends, got {inputs:?}")),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match self.over {
            Space::List { .. } if inputs.iter().all(|space| *space == self.over) => Ok(self.over),
            _ => Err(format!("runs along one list, got {inputs:?}")),
        }
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        (2 * inputs[0] * width + 12 * width) as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.recurrent]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let recurrent = cx.state.params.get(self.recurrent);
        let dim = cx.y.width();
        let mut step = Step::new(dim, self.update.blocks());
        let mut before = vec![T::ZERO; dim];
        for row in cx.samples.clone() {
            before.fill(T::ZERO);
            for t in local(cx.input, &cx.samples, self.over, row) {
                step.gates(cx.x[0].row(t), &before, recurrent, self.update, self.score(cx.x, t));
                for d in 0..dim {
                    before[d] = (T::ONE - step.z[d]) * before[d] + step.z[d] * step.c[d];
                }
                cx.y.row_mut(t).copy_from_slice(&before);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (dim, blocks) = (cx.y.width(), self.update.blocks());
        let span = cx.state.params.span(self.recurrent);
        if !cx.accumulate[0] {
            cx.grads[span.clone()].fill(T::ZERO);
        }
        let recurrent = cx.state.params.get(self.recurrent);
        let mut step = Step::new(dim, blocks);
        let mut scratch = Scratch { dp: vec![T::ZERO; dim * blocks], ds: vec![T::ZERO; dim * blocks] };
        let nothing = vec![T::ZERO; dim];
        let mut carry = vec![T::ZERO; dim];
        for row in cx.samples.clone() {
            let all: Range<usize> = local(cx.input, &cx.samples, self.over, row);
            carry.fill(T::ZERO);
            for t in all.clone().rev() {
                let before = if t == all.start { &nothing[..] } else { cx.y.row(t - 1) };
                let score = self.score(cx.x, t);
                step.gates(cx.x[0].row(t), before, recurrent, self.update, score);
                let mut d_score = T::ZERO;
                for d in 0..dim {
                    let dh = cx.dy.row(t)[d] + carry[d];
                    let dz = dh * (step.c[d] - before[d]);
                    let dc = dh * step.z[d] * (T::ONE - step.c[d] * step.c[d]);
                    carry[d] = dh * (T::ONE - step.z[d]);
                    let (r, s) = (step.r[d], step.s[dim + d]);
                    let dr = dc * s * r * (T::ONE - r);
                    (scratch.dp[d], scratch.ds[d]) = (dr, dr);
                    (scratch.dp[dim + d], scratch.ds[dim + d]) = (dc, dc * r);
                    let through = match self.update {
                        Update::Gate => dz,
                        Update::Scaled => {
                            d_score += dz * step.u[d];
                            dz * score
                        }
                        Update::Score => {
                            d_score += dz;
                            continue;
                        }
                    };
                    let du = through * step.u[d] * (T::ONE - step.u[d]);
                    (scratch.dp[2 * dim + d], scratch.ds[2 * dim + d]) = (du, du);
                }
                let grad = &mut cx.grads[span.clone()];
                for panel in panels(dim, dim * blocks) {
                    let ds = &scratch.ds[panel.column..][..panel.width];
                    for k in 0..dim {
                        let at = panel.offset + k * panel.padded;
                        axpy(&mut grad[at..][..panel.width], before[k], ds);
                        carry[k] += dot(&recurrent[at..][..panel.width], ds);
                    }
                }
                if let Some((dx, accumulate)) = &mut cx.dx[0] {
                    crate::ops::activation::give(dx.row_mut(t), &scratch.dp, *accumulate);
                }
                if let Some(Some((dx, accumulate))) = cx.dx.get_mut(1) {
                    let dx = &mut dx.row_mut(t)[0];
                    *dx = if *accumulate { *dx + d_score } else { d_score };
                }
            }
        }
    }
}

/// Gradients of a step's projections, and of what its state adds to them.
struct Scratch<T> {
    dp: Vec<T>,
    ds: Vec<T>,
}
