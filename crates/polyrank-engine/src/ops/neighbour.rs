//! y[t] = x[t − 1] or x[t + 1] along each row's list; zeros where there is none.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::ops::activation::give;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

/// Which neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    /// The one before.
    Previous,
    /// The one after.
    Next,
}

#[derive(Debug, Clone)]
pub(crate) struct Neighbours {
    pub(crate) over: Space,
    pub(crate) which: Neighbour,
}

/// Where the neighbour lies in a row's list, if there is one.
fn neighbour(which: Neighbour, all: &std::ops::Range<usize>, t: usize) -> Option<usize> {
    match which {
        Neighbour::Previous => t.checked_sub(1).filter(|at| all.contains(at)),
        Neighbour::Next => Some(t + 1).filter(|at| all.contains(at)),
    }
}

impl Neighbours {
    fn opposite(&self) -> Neighbour {
        if self.which == Neighbour::Next { Neighbour::Previous } else { Neighbour::Next }
    }
}

impl Kernel for Neighbours {
    const NAME: &'static str = "neighbour";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [space @ Space::List { .. }] if *space == self.over => Ok(*space),
            _ => Err(format!("looks along a list, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone() {
                match neighbour(self.which, &all, t) {
                    Some(at) => cx.y.row_mut(t).copy_from_slice(cx.x[0].row(at)),
                    None => cx.y.row_mut(t).fill(T::ZERO),
                }
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone() {
                match neighbour(self.opposite(), &all, t) {
                    Some(at) => give(dx.row_mut(t), cx.dy.row(at), *accumulate),
                    None if *accumulate => {}
                    None => dx.row_mut(t).fill(T::ZERO),
                }
            }
        }
    }
}
