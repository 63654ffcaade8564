//! Columns of a value. The plan places them where the value lies, so nothing is left to do at run time.

use crate::exec::context::{Backward, Forward};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The first column.
    pub(crate) from: usize,
    pub(crate) width: usize,
}

impl Kernel for Part {
    const NAME: &'static str = "part";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [all] if all.checked_sub(self.width).is_some_and(|room| self.from <= room) => Ok(self.width),
            _ => Err(format!("takes {} columns from column {} on, got {inputs:?}", self.width, self.from)),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, _: &mut Forward<'_, T>) {}

    #[inline(always)]
    fn backward<T: Real>(&self, _: &mut Backward<'_, T>) {}
}
