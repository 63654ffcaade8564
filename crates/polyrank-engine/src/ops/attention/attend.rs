//! Attention's mixture: y_t = Σ_s p_ts·v_s with the weights of [`super::weights`]; with a residual r,
//! y_t = relu(Σ_s p_ts·v_s + r_t) (AutoInt, Song et al. 2019, Eq. 8).

use super::{Side, To, Weights, WeightsMut, padded};
use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::elementwise::give;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Attend {
    pub(crate) over: Space,
    pub(crate) heads: usize,
}

impl Kernel for Attend {
    const NAME: &'static str = "attention";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        let weights = self.heads * padded(self.over.most());
        match inputs {
            [p, v, rest @ ..]
                if *p == weights && v % self.heads == 0 && rest.len() < 2 && rest.iter().all(|r| r == v) =>
            {
                Ok(*v)
            }
            _ => Err(format!(
                "takes weights {weights} wide, values that {} heads share evenly, and at most a residual as wide, got {inputs:?}",
                self.heads
            )),
        }
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        (2 * self.over.most() * width + 2 * inputs[2..].iter().sum::<usize>()) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (d, columns) = (cx.y.width() / self.heads, padded(self.over.most()));
        let mut room = Vec::new();
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for h in 0..self.heads {
                let (head, residual) = (h * d..(h + 1) * d, cx.x.get(2).copied());
                let weights = Weights { x: cx.x[0], all: &all, column: h * columns };
                let to = To { y: &mut cx.y, accumulate: false, residual };
                Side::of(cx.x[1], &all, &head, &mut room).mix_keys(&weights, to);
            }
        }
    }

    // dp_ts = ⟨dy_t, v_s⟩ and dv_s = Σ_t p_ts·dy_t, after relu's gradient if there is a residual, which it is too.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (d, columns) = (cx.y.width() / self.heads, padded(self.over.most()));
        let [dp, dv, residual @ ..] = &mut cx.dx[..] else { return };
        let relu = !residual.is_empty();
        let (mut down, mut lines) = (Vec::new(), Vec::new());
        let [mut room, mut values_room] = [const { Vec::new() }; 2];
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone().filter(|_| relu) {
                let (dy, y) = (cx.dy.row_mut(t), cx.y.row(t));
                for (dy, &y) in dy.iter_mut().zip(y) {
                    *dy = if y > T::ZERO { *dy } else { T::ZERO };
                }
                if let [Some((dr, accumulate))] = residual {
                    give(dr.row_mut(t), dy, *accumulate);
                }
            }
            for h in (0..self.heads).filter(|_| !all.is_empty()) {
                let (head, column) = (h * d..(h + 1) * d, h * columns);
                let slopes = Side::of(cx.dy.as_mat(), &all, &head, &mut room);
                if let Some((dp, accumulate)) = dp {
                    slopes.turn(&mut down);
                    Side::of(cx.x[1], &all, &head, &mut values_room).products(&down, &mut lines);
                    WeightsMut { x: dp, all: &all, column }.put(&lines, *accumulate);
                }
                if let Some(dv) = dv {
                    let weights = Weights { x: cx.x[0], all: &all, column };
                    slopes.mix_queries(&weights, To::gradient(dv));
                }
            }
        }
    }
}
