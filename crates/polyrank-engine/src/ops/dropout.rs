//! Dropout (Srivastava et al. 2014, inverted form): y = x·mask / (1 − p) in training, y = x when scoring. The mask is a
//! function of (seed, node, step, row of the batch, column).

use std::ops::Range;

use crate::exec::context::{Backward, Forward, Training};
use crate::ops::{Kernel, same_width};
use crate::real::Real;
use crate::rng::Purpose;

#[derive(Debug, Clone)]
pub(crate) struct Dropout {
    pub(crate) probability: f64,
    pub(crate) thing: u64,
}

impl Dropout {
    /// Calls `each(row, column, factor)` over a micro-batch.
    fn mask<T: Real>(&self, training: Training, rows: Range<usize>, width: usize, mut each: impl FnMut(usize, usize, T)) {
        let stream = training.stream(Purpose::Dropout, self.thing);
        // A number is dropped if its 64 random bits lie below the threshold.
        let threshold = (self.probability * 2f64.powi(64)) as u64;
        let kept = T::of(1.0 / (1.0 - self.probability));
        for (r, row) in rows.enumerate() {
            for c in 0..width {
                let bits = stream.bits((row * width + c) as u64);
                each(r, c, if bits < threshold { T::ZERO } else { kept });
            }
        }
    }
}

impl Kernel for Dropout {
    const NAME: &'static str = "dropout";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        if (0.0..1.0).contains(&self.probability) {
            same_width(inputs)
        } else {
            Err(format!("the probability must lie within [0, 1), got {}", self.probability))
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let x = cx.x[0];
        match cx.training {
            Some(training) => {
                let y = &mut cx.y;
                self.mask(training, cx.rows.clone(), x.width(), |r, c, factor: T| y.row_mut(r)[c] = x.row(r)[c] * factor);
            }
            None => {
                for r in 0..cx.rows.len() {
                    cx.y.row_mut(r).copy_from_slice(x.row(r));
                }
            }
        }
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (dy, width) = (&cx.dy, cx.x[0].width());
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        self.mask(cx.training, cx.rows.clone(), width, |r, c, factor: T| {
            let d = dy.row(r)[c] * factor;
            let dx = &mut dx.row_mut(r)[c];
            *dx = if *accumulate { *dx + d } else { d };
        });
    }
}
