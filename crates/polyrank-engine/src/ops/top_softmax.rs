//! y = softmax(x / temperature) over the k largest columns and 0 elsewhere (Shazeer et al. 2017, Eq. 3 and 5). Of equal
//! columns the first counts as larger, so that exactly k are kept.

use crate::exec::context::{Backward, Forward};
use crate::ops::softmax::back;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct TopSoftmax {
    pub(crate) k: usize,
    pub(crate) temperature: f64,
}

impl Kernel for TopSoftmax {
    const NAME: &'static str = "top_softmax";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(format!("the temperature must be above 0, got {}", self.temperature));
        }
        match same_width(inputs)? {
            width if (1..=width).contains(&self.k) => Ok(width),
            width => Err(format!("cannot keep the {} largest of {width} columns", self.k)),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        (width * (width + 4)) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let cold = T::of(1.0 / self.temperature);
        for r in 0..cx.rows.len() {
            let (x, y) = (cx.x[0].row(r), cx.y.row_mut(r));
            let largest = x.iter().fold(x[0], |a, &b| a.max(b));
            let mut sum = T::ZERO;
            for (c, y) in y.iter_mut().enumerate() {
                let before = x[..c].iter().filter(|&&other| other >= x[c]).count();
                let after = x[c + 1..].iter().filter(|&&other| other > x[c]).count();
                *y = if before + after < self.k { ((x[c] - largest) * cold).exp() } else { T::ZERO };
                sum += *y;
            }
            let share = T::ONE / sum;
            for y in y {
                *y *= share;
            }
        }
    }

    // As softmax's: what was not kept has y = 0, and with it no gradient.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        back(self.temperature, cx);
    }
}
