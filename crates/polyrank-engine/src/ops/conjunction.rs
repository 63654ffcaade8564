//! The logit of the product of probabilities: σ(y) = σ(a)·σ(b), so y = −ln(e^−a + e^−b + e^−(a+b)). It neither overflows
//! nor cancels where either probability nears 0 or 1.

use crate::exec::context::{Backward, Forward};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Conjunction;

/// The three exponents' largest, their shares of the sum, and the sum's logarithm with the largest put back.
#[inline(always)]
fn parts<T: Real>(a: T, b: T) -> ([T; 3], T) {
    let exponents = [-a, -b, -(a + b)];
    let largest = exponents[0].max(exponents[1]).max(exponents[2]);
    let e = exponents.map(|x| (x - largest).exp());
    let sum = e[0] + e[1] + e[2];
    (e.map(|e| e / sum), largest + sum.ln())
}

impl Kernel for Conjunction {
    const NAME: &'static str = "conjunction";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] if a == b => Ok(*a),
            _ => Err(format!("takes two inputs of the same width, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        12 * width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            let inputs = cx.x[0].row(r).iter().zip(cx.x[1].row(r));
            for (y, (&a, &b)) in cx.y.row_mut(r).iter_mut().zip(inputs) {
                *y = -parts(a, b).1;
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (a, b) = (cx.x[0], cx.x[1]);
        for (i, to) in cx.dx.iter_mut().enumerate() {
            let Some((dx, accumulate)) = to else { continue };
            for r in 0..cx.rows.len() {
                let inputs = a.row(r).iter().zip(b.row(r)).zip(cx.dy.row(r));
                for (dx, ((&a, &b), &dy)) in dx.row_mut(r).iter_mut().zip(inputs) {
                    let shares = parts(a, b).0;
                    let d = (shares[i] + shares[2]) * dy;
                    *dx = if *accumulate { *dx + d } else { d };
                }
            }
        }
    }
}
