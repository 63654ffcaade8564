//! What a row of the batch has in another space, summed, averaged or its last: zeros where it has nothing.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::elementwise::{add_assign, axpy, scale_to};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

/// How a row's things become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collecting {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The last of them.
    Last,
}

#[derive(Debug, Clone)]
pub(crate) struct Collect {
    pub(crate) from: Space,
    pub(crate) how: Collecting,
}

impl Collect {
    /// The rows that count, and each one's factor.
    #[inline(always)]
    fn parts<T: Real>(&self, all: std::ops::Range<usize>) -> (std::ops::Range<usize>, T) {
        match self.how {
            Collecting::Sum => (all, T::ONE),
            Collecting::Mean => (all.clone(), T::ONE / T::of(all.len().max(1) as f64)),
            Collecting::Last => (all.end.saturating_sub(1).max(all.start)..all.end, T::ONE),
        }
    }
}

impl Kernel for Collect {
    const NAME: &'static str = "collect";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        if inputs == [self.from] { Ok(Space::Rows) } else { Err(format!("takes one value, got {inputs:?}")) }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        (self.from.most() * width) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.samples.clone().enumerate() {
            let (parts, factor) = self.parts::<T>(local(cx.input, &cx.samples, self.from, row));
            let y = cx.y.row_mut(r);
            y.fill(T::ZERO);
            for t in parts {
                add_assign(y, cx.x[0].row(t));
            }
            if self.how == Collecting::Mean {
                y.iter_mut().for_each(|y| *y *= factor);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for (r, row) in cx.samples.clone().enumerate() {
            let all = local(cx.input, &cx.samples, self.from, row);
            let (parts, factor) = self.parts::<T>(all.clone());
            for t in all {
                let dx = dx.row_mut(t);
                match (parts.contains(&t), *accumulate) {
                    (true, true) => axpy(dx, factor, cx.dy.row(r)),
                    (true, false) => scale_to(dx, factor, cx.dy.row(r)),
                    (false, true) => {}
                    (false, false) => dx.fill(T::ZERO),
                }
            }
        }
    }
}
