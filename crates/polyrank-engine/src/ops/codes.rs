//! Choices from binary digits (Hazimeh et al. 2021, DSelect-k, Section 3): y_i = Π_j (s_j where digit j of i is 1, else 1 − s_j),
//! the most significant digit first. `[.., m]` digits give `[.., n]` choices, n at most 2^m; if it is less, the others'
//! share is missing from the sum.

use crate::exec::context::{Backward, Forward};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

/// Digits, at most: 2^24 columns are the widest value.
const MOST_DIGITS: usize = 24;

#[derive(Debug, Clone)]
pub(crate) struct Codes {
    /// Choices (n).
    pub(crate) choices: usize,
}

/// Whether digit `j` of `m` of a choice is 1.
fn one(choice: usize, j: usize, m: usize) -> bool {
    choice >> (m - 1 - j) & 1 == 1
}

impl Kernel for Codes {
    const NAME: &'static str = "codes";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match same_width(inputs)? {
            digits if digits <= MOST_DIGITS && (1..=1 << digits).contains(&self.choices) => Ok(self.choices),
            digits => Err(format!("{digits} binary digits cannot name {} choices", self.choices)),
        }
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        (inputs.iter().sum::<usize>() * width) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            let s = cx.x[0].row(r);
            for (i, y) in cx.y.row_mut(r).iter_mut().enumerate() {
                *y = (0..s.len()).fold(T::ONE, |p, j| p * if one(i, j, s.len()) { s[j] } else { T::ONE - s[j] });
            }
        }
    }

    // ds_j = Σ_i ±dy_i · the product of all other digits' factors. Not y_i / s_j: a digit may be exactly 0 or 1.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let mut after = [T::ONE; MOST_DIGITS + 1];
        for r in 0..cx.rows.len() {
            let (s, dy, dx) = (cx.x[0].row(r), cx.dy.row(r), dx.row_mut(r));
            let m = s.len();
            if !*accumulate {
                dx.fill(T::ZERO);
            }
            for (i, &dy) in dy.iter().enumerate() {
                let factor = |j: usize| if one(i, j, m) { s[j] } else { T::ONE - s[j] };
                after[m] = T::ONE;
                for j in (0..m).rev() {
                    after[j] = after[j + 1] * factor(j);
                }
                let mut before = dy;
                for j in 0..m {
                    let d = before * after[j + 1];
                    dx[j] += if one(i, j, m) { d } else { -d };
                    before *= factor(j);
                }
            }
        }
    }
}
