//! Attention's weights: p_ts = softmax_s(c·⟨q_t, k_s⟩) of queries t and keys s, in the form that the [folder](super)
//! describes.

use super::{Side, To, Weights, WeightsMut, padded, scale, weigh};
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
        super::space(inputs)
    }

    fn flops(&self, inputs: &[usize], _: usize) -> u64 {
        (2 * self.over.most() * (inputs[0] + 2 * self.heads)) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (d, columns) = (cx.x[0].width() / self.heads, padded(self.over.most()));
        let scale = scale(self.scaled, d);
        let (mut down, mut lines) = (Vec::new(), Vec::new());
        let [mut room, mut keys_room] = [const { Vec::new() }; 2];
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for h in (0..self.heads).filter(|_| !all.is_empty()) {
                let head = h * d..(h + 1) * d;
                let queries = Side::of(cx.x[0], &all, &head, &mut room);
                let keys = Side::of(cx.x[1], &all, &head, &mut keys_room);
                let to = WeightsMut { x: &mut cx.y, all: &all, column: h * columns };
                weigh(&queries, &keys, scale, &mut down, &mut lines, to);
            }
        }
    }

    // dq_t = Σ_s g_ts·k_s and dk_s = Σ_t g_ts·q_t with g the scores' gradient, which takes the place of the weights'.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (d, columns) = (cx.x[0].width() / self.heads, padded(self.over.most()));
        let scale = scale(self.scaled, d);
        let [dq, dk] = &mut cx.dx[..] else { return };
        let mut room = Vec::new();
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for h in (0..self.heads).filter(|_| !all.is_empty()) {
                let (head, column) = (h * d..(h + 1) * d, h * columns);
                let weights = Weights { x: cx.y, all: &all, column };
                WeightsMut { x: &mut cx.dy, all: &all, column }.score_gradients(&weights, scale);
                let scores = Weights { x: cx.dy.as_mat(), all: &all, column };
                if let Some(dq) = dq {
                    Side::of(cx.x[1], &all, &head, &mut room).mix_keys(&scores, To::gradient(dq));
                }
                if let Some(dk) = dk {
                    Side::of(cx.x[0], &all, &head, &mut room).mix_queries(&scores, To::gradient(dk));
                }
            }
        }
    }
}
