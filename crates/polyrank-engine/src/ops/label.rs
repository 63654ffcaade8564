//! A task's labels, in training: y = label, 0 where it is missing; or y = 1 where there is a label and 0 where not.

use crate::exec::context::{Backward, Forward};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) task: usize,
    /// Whether there is one, in place of what it is.
    pub(crate) presence: bool,
}

impl Kernel for Label {
    const NAME: &'static str = "label";

    fn width(&self, _: &[usize]) -> Result<usize, String> {
        Ok(1)
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for (r, row) in cx.samples.clone().enumerate() {
            let label = cx.input.label(row, self.task);
            let missing = label.f64().is_nan();
            cx.y.row_mut(r)[0] = match (missing, self.presence) {
                (true, _) => T::ZERO,
                (false, true) => T::ONE,
                (false, false) => label,
            };
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, _: &mut Backward<'_, T>) {}
}
