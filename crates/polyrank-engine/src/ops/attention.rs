//! Multi-head attention among all that a row of the batch has in another space (Vaswani et al. 2017, Eq. 1): for head h
//! y_t = Σ_s softmax_s(c·⟨q_t, k_s⟩)·v_s, with c = 1/√d or 1. Heads lie side by side, d columns each.

use std::ops::Range;

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::arena::Mat;
use crate::kernels::elementwise::{axpy, dot, exp_below};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub(crate) over: Space,
    pub(crate) heads: usize,
    /// Whether scores are divided by √d.
    pub(crate) scaled: bool,
}

impl Attention {
    /// c.
    #[inline(always)]
    fn scale<T: Real>(&self, d: usize) -> T {
        if self.scaled { T::ONE / T::of(d as f64).sqrt() } else { T::ONE }
    }
}

/// The weights with which a query reads the keys of the rows `all`, into `weights`.
#[inline(always)]
fn attend<T: Real>(weights: &mut Vec<T>, q: &[T], k: Mat<'_, T>, all: Range<usize>, head: &Range<usize>, scale: T) {
    // A loop: the vector's own would be compiled for the least processor.
    weights.clear();
    weights.resize(all.len(), T::ZERO);
    for (weight, s) in weights.iter_mut().zip(all) {
        *weight = scale * dot(q, &k.row(s)[head.clone()]);
    }
    let Some(&first) = weights.first() else { return };
    let largest = weights.iter().fold(first, |a, &b| a.max(b));
    exp_below(weights, largest);
    let share = T::ONE / weights.iter().fold(T::ZERO, |sum, &w| sum + w);
    weights.iter_mut().for_each(|w| *w *= share);
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
        match inputs {
            [Space::Rows, ..] => Err("attends within each row's fields or list, got one value a row".to_owned()),
            [first, rest @ ..] if rest.iter().all(|space| space == first) => Ok(*first),
            _ => Err(format!("takes queries, keys and values of one kind of rows, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        (4 * self.over.most() * (width + self.heads)) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let d = cx.y.width() / self.heads;
        let scale = self.scale(d);
        let (q, k, v) = (cx.x[0], cx.x[1], cx.x[2]);
        let mut weights = Vec::new();
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone() {
                let y = cx.y.row_mut(t);
                y.fill(T::ZERO);
                for h in 0..self.heads {
                    let head = h * d..(h + 1) * d;
                    attend(&mut weights, &q.row(t)[head.clone()], k, all.clone(), &head, scale);
                    for (s, &w) in all.clone().zip(&weights) {
                        axpy(&mut y[head.clone()], w, &v.row(s)[head.clone()]);
                    }
                }
            }
        }
    }

    // With p the weights of a query and e_s = ⟨dy_t, v_s⟩: dv_s += p_s·dy_t, and for the scores
    // g_s = c·p_s·(e_s − Σ p·e): dq_t += g_s·k_s, dk_s += g_s·q_t. The weights are cheaper to make again than to keep.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let d = cx.y.width() / self.heads;
        let scale = self.scale(d);
        let (q, k, v) = (cx.x[0], cx.x[1], cx.x[2]);
        for (dx, accumulate) in cx.dx.iter_mut().flatten() {
            for t in (0..dx.rows()).filter(|_| !*accumulate) {
                dx.row_mut(t).fill(T::ZERO);
            }
        }
        let [dq, dk, dv] = &mut cx.dx[..] else { return };
        let (mut weights, mut scores) = (Vec::new(), Vec::new());
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone() {
                for h in 0..self.heads {
                    let head = h * d..(h + 1) * d;
                    let (q, dy) = (&q.row(t)[head.clone()], &cx.dy.row(t)[head.clone()]);
                    attend(&mut weights, q, k, all.clone(), &head, scale);
                    if let Some((dv, _)) = dv {
                        for (s, &w) in all.clone().zip(&weights) {
                            axpy(&mut dv.row_mut(s)[head.clone()], w, dy);
                        }
                    }
                    scores.clear();
                    scores.resize(all.len(), T::ZERO);
                    for (score, s) in scores.iter_mut().zip(all.clone()) {
                        *score = dot(dy, &v.row(s)[head.clone()]);
                    }
                    let mean = dot(&weights, &scores);
                    for ((s, &w), &e) in all.clone().zip(&weights).zip(&scores) {
                        let g = scale * w * (e - mean);
                        if let Some((dq, _)) = dq {
                            axpy(&mut dq.row_mut(t)[head.clone()], g, &k.row(s)[head.clone()]);
                        }
                        if let Some((dk, _)) = dk {
                            axpy(&mut dk.row_mut(s)[head.clone()], g, q);
                        }
                    }
                }
            }
        }
    }
}
