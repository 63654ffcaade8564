//! The products a ⊙ b_j of D columns each for all pairs i ≤ j of G groups of columns: b has the G groups, a either G
//! groups (then a_i ⊙ b_j) or one for each pair (then a_ij ⊙ b_j), in the order (0, 0), (0, 1), …, (1, 1), ….

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{add_product, multiply_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct PairProducts {
    /// G.
    pub(crate) groups: usize,
}

impl PairProducts {
    fn pairs(&self) -> usize {
        self.groups * (self.groups + 1) / 2
    }

    /// The first columns of each pair's groups in a and in b; those in y follow each other.
    fn places(&self, a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (groups, d) = (self.groups, b / self.groups);
        let one_each = a == self.pairs() * d;
        let pairs = (0..groups).flat_map(move |i| (i..groups).map(move |j| (i, j)));
        pairs.enumerate().map(move |(pair, (i, j))| (if one_each { pair * d } else { i * d }, j * d))
    }
}

impl Kernel for PairProducts {
    const NAME: &'static str = "pair_products";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [a, b] if self.groups > 0 && b % self.groups == 0 => {
                let width = self.pairs() * (b / self.groups);
                if a == b || *a == width { Ok(width) } else { Err(format!("{a} columns do not pair up with {b}")) }
            }
            _ => Err(format!("takes two inputs of {} groups of columns, got {inputs:?}", self.groups)),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let d = cx.x[1].width() / self.groups;
        for r in 0..cx.rows.len() {
            let (a, b) = (cx.x[0].row(r), cx.x[1].row(r));
            let places = self.places(a.len(), b.len());
            for (y, (i, j)) in cx.y.row_mut(r).chunks_exact_mut(d).zip(places) {
                multiply_to(y, &a[i..i + d], &b[j..j + d]);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let d = cx.x[1].width() / self.groups;
        for r in 0..cx.rows.len() {
            let (a, b) = (cx.x[0].row(r), cx.x[1].row(r));
            for (dx, accumulate) in cx.dx.iter_mut().flatten() {
                if !*accumulate {
                    dx.row_mut(r).fill(T::ZERO);
                }
            }
            for (dy, (i, j)) in cx.dy.row(r).chunks_exact(d).zip(self.places(a.len(), b.len())) {
                // Each input's gradient: its place, and the other's numbers.
                for (input, at, other) in [(0, i, &b[j..j + d]), (1, j, &a[i..i + d])] {
                    if let Some((dx, _)) = &mut cx.dx[input] {
                        add_product(&mut dx.row_mut(r)[at..at + d], dy, other);
                    }
                }
            }
        }
    }
}
