//! The inner products ⟨x_i, x_j⟩ of all pairs of inputs of one width: i < j, or i ≤ j with each one's own, in the order
//! (0, 1), (0, 2), …, (1, 2), ….

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{axpy, dot};
use crate::ops::{Kernel, several_of_one_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    /// Whether an input also meets itself.
    pub(crate) own: bool,
}

impl Pairs {
    fn pairs(&self, inputs: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let skip = usize::from(!self.own);
        (0..inputs).flat_map(move |i| (i + skip..inputs).map(move |j| (i, j)))
    }
}

impl Kernel for Pairs {
    const NAME: &'static str = "pairs";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        several_of_one_width(inputs)?;
        let n = inputs.len();
        Ok(if self.own { n * (n + 1) / 2 } else { n * (n - 1) / 2 })
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        2 * (inputs[0] * width) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            for (y, (i, j)) in cx.y.row_mut(r).iter_mut().zip(self.pairs(cx.x.len())) {
                *y = dot(cx.x[i].row(r), cx.x[j].row(r));
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        for r in 0..cx.rows.len() {
            for (dx, accumulate) in cx.dx.iter_mut().flatten() {
                if !*accumulate {
                    dx.row_mut(r).fill(T::ZERO);
                }
            }
            for (&dy, (i, j)) in cx.dy.row(r).iter().zip(self.pairs(cx.x.len())) {
                for (to, from) in [(i, j), (j, i)] {
                    if let Some((dx, _)) = &mut cx.dx[to] {
                        axpy(dx.row_mut(r), dy, cx.x[from].row(r));
                    }
                }
            }
        }
    }
}
