//! Attention in one op: softmax and mixture as the [folder](super) says, with weights that only one head of one row of the
//! batch has at a time, made again for the backward pass.

use super::{Side, To, Weights, WeightsMut, padded, scale, weigh};
use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::arena::MatMut;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub(crate) over: Space,
    pub(crate) heads: usize,
    /// Whether scores are divided by √d.
    pub(crate) scaled: bool,
}

impl Kernel for Attention {
    const NAME: &'static str = "attention";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [q, k, v] if q == k && k == v && self.heads > 0 && q % self.heads == 0 => Ok(*q),
            _ => Err(format!(
                "takes queries, keys and values of one width that {} heads share evenly, got {inputs:?}",
                self.heads
            )),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        super::space(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        (4 * self.over.most() * (width + self.heads)) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let d = cx.y.width() / self.heads;
        let (mut down, mut lines, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let [mut room, mut keys_room] = [const { Vec::new() }; 2];
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            let (keys, columns) = (0..all.len(), padded(all.len()));
            weights.resize(keys.len() * columns, T::ZERO);
            for head in (0..self.heads).map(|h| h * d..(h + 1) * d).filter(|_| !all.is_empty()) {
                let q = Side::of(cx.x[0], &all, &head, &mut room);
                let k = Side::of(cx.x[1], &all, &head, &mut keys_room);
                let mut p = MatMut::of(&mut weights, keys.len(), columns);
                let to = WeightsMut { x: &mut p, all: &keys, column: 0 };
                weigh(&q, &k, scale(self.scaled, d), &mut down, &mut lines, to);
                let p = Weights { x: p.as_mat(), all: &keys, column: 0 };
                let to = To { y: &mut cx.y, accumulate: false, residual: None };
                Side::of(cx.x[2], &all, &head, &mut room).mix_keys(&p, to);
            }
        }
    }

    // With p the weights and g the scores' gradient: dv_s = Σ_t p_ts·dy_t, dq_t = Σ_s g_ts·k_s, dk_s = Σ_t g_ts·q_t.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let d = cx.y.width() / self.heads;
        let scale = scale(self.scaled, d);
        let [dq, dk, dv] = &mut cx.dx[..] else { return };
        let (mut down, mut lines) = (Vec::new(), Vec::new());
        let [mut weights, mut slopes] = [const { Vec::new() }; 2];
        let [mut q_room, mut k_room, mut v_room, mut dy_room] = [const { Vec::new() }; 4];
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            let (keys, columns) = (0..all.len(), padded(all.len()));
            weights.resize(keys.len() * columns, T::ZERO);
            slopes.resize(weights.len(), T::ZERO);
            for head in (0..self.heads).map(|h| h * d..(h + 1) * d).filter(|_| !all.is_empty()) {
                let q = Side::of(cx.x[0], &all, &head, &mut q_room);
                let k = Side::of(cx.x[1], &all, &head, &mut k_room);
                let v = Side::of(cx.x[2], &all, &head, &mut v_room);
                let dy = Side::of(cx.dy.as_mat(), &all, &head, &mut dy_room);
                let mut p = MatMut::of(&mut weights, keys.len(), columns);
                let to = WeightsMut { x: &mut p, all: &keys, column: 0 };
                weigh(&q, &k, scale, &mut down, &mut lines, to);
                let p = Weights { x: p.as_mat(), all: &keys, column: 0 };
                dy.turn(&mut down);
                v.products(&down, &mut lines);
                let mut g = MatMut::of(&mut slopes, keys.len(), columns);
                let mut e = WeightsMut { x: &mut g, all: &keys, column: 0 };
                e.put(&lines, false);
                e.score_gradients(&p, scale);
                let g = Weights { x: g.as_mat(), all: &keys, column: 0 };
                if let Some(dq) = dq {
                    k.mix_keys(&g, To::gradient(dq));
                }
                if let Some(dk) = dk {
                    q.mix_queries(&g, To::gradient(dk));
                }
                if let Some(dv) = dv {
                    dy.mix_queries(&p, To::gradient(dv));
                }
            }
        }
    }
}
