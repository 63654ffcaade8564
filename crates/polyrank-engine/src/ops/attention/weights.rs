//! Attention's weights: p_ts = softmax_s(c·⟨q_t, k_s⟩) of queries t and keys s, in the form that the [folder](super)
//! describes.

use super::{BLOCK, Block, Side, To, Weights, padded};
use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct AttentionWeights {
    pub(crate) over: Space,
    pub(crate) heads: usize,
    /// Whether scores are divided by √d.
    pub(crate) scaled: bool,
}

impl AttentionWeights {
    /// c.
    #[inline(always)]
    fn scale<T: Real>(&self, d: usize) -> T {
        if self.scaled { T::ONE / T::of(d as f64).sqrt() } else { T::ONE }
    }
}

/// Weights of 16 queries from their scores, a line a key.
#[inline(always)]
fn softmax<T: Real>(lines: &mut [Block<T>], scale: T) {
    let mut largest = [T::ZERO; BLOCK];
    for (s, line) in lines.iter_mut().enumerate() {
        for i in 0..BLOCK {
            line[i] *= scale;
            largest[i] = if s == 0 { line[i] } else { largest[i].max(line[i]) };
        }
    }
    let mut share = [T::ZERO; BLOCK];
    for line in lines.iter_mut() {
        for i in 0..BLOCK {
            line[i] = (line[i] - largest[i]).exp();
            share[i] += line[i];
        }
    }
    for share in &mut share {
        *share = T::ONE / *share;
    }
    for line in lines {
        for i in 0..BLOCK {
            line[i] *= share[i];
        }
    }
}

impl Kernel for AttentionWeights {
    const NAME: &'static str = "attention weights";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [q, k] if q == k && self.heads > 0 && q % self.heads == 0 => Ok(self.heads * padded(self.over.most())),
            _ => Err(format!(
                "takes queries and keys of one width that {} heads share evenly, got {inputs:?}",
                self.heads
            )),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [Space::Rows, ..] => Err("attends within each row's fields or list, got one value a row".to_owned()),
            [first, rest @ ..] if rest.iter().all(|space| space == first) => Ok(*first),
            _ => Err(format!("takes queries and keys of one kind of rows, got {inputs:?}")),
        }
    }

    fn flops(&self, inputs: &[usize], _: usize) -> u64 {
        (2 * self.over.most() * (inputs[0] + 2 * self.heads)) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (d, columns) = (cx.x[0].width() / self.heads, padded(self.over.most()));
        let scale = self.scale(d);
        let (mut down, mut lines) = (Vec::new(), Vec::new());
        let [mut room, mut keys_room] = [const { Vec::new() }; 2];
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for h in (0..self.heads).filter(|_| !all.is_empty()) {
                let head = h * d..(h + 1) * d;
                Side::of(cx.x[0], &all, &head, &mut room).turn(&mut down);
                Side::of(cx.x[1], &all, &head, &mut keys_room).products(&down, &mut lines);
                for (b, lines) in lines.chunks_exact_mut(all.len()).enumerate() {
                    softmax(lines, scale);
                    for (line, s) in lines.iter().zip(all.clone()) {
                        cx.y.row_mut(s)[h * columns..].as_chunks_mut().0[b] = *line;
                    }
                }
            }
        }
    }

    // With e_ts the gradient of p_ts, the scores' is g_ts = c·p_ts·(e_ts − Σ_s p_ts·e_ts); dq_t = Σ_s g_ts·k_s and
    // dk_s = Σ_t g_ts·q_t.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (d, columns) = (cx.x[0].width() / self.heads, padded(self.over.most()));
        let scale = self.scale::<T>(d);
        let [dq, dk] = &mut cx.dx[..] else { return };
        let mut room = Vec::new();
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for h in (0..self.heads).filter(|_| !all.is_empty()) {
                let (head, column) = (h * d..(h + 1) * d, h * columns);
                for column in (column..column + all.len()).step_by(BLOCK) {
                    let mut mean = [T::ZERO; BLOCK];
                    for s in all.clone() {
                        let [p, e] = [&cx.y.row(s)[column..][..BLOCK], &cx.dy.row(s)[column..][..BLOCK]];
                        for i in 0..BLOCK {
                            mean[i] = e[i].mul_add(p[i], mean[i]);
                        }
                    }
                    for s in all.clone() {
                        let (p, e) = (&cx.y.row(s)[column..][..BLOCK], &mut cx.dy.row_mut(s)[column..][..BLOCK]);
                        for i in 0..BLOCK {
                            e[i] = scale * p[i] * (e[i] - mean[i]);
                        }
                    }
                }
                let weights = Weights { x: cx.dy.as_mat(), all: &all, column };
                if let Some((y, accumulate)) = dq {
                    let to = To { y, accumulate: *accumulate, residual: None };
                    Side::of(cx.x[1], &all, &head, &mut room).mix_keys(&weights, to);
                }
                if let Some((y, accumulate)) = dk {
                    let to = To { y, accumulate: *accumulate, residual: None };
                    Side::of(cx.x[0], &all, &head, &mut room).mix_queries(&weights, to);
                }
            }
        }
    }
}
