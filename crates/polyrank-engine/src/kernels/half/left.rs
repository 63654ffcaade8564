//! Left operands: rows of pairs, one after the other.

use super::{BLOCK, Pair, blocks, first, pair_neighbours, pair_rows, second};
use crate::kernels::arena::Mat;
use crate::kernels::buffer::Buffer;
use crate::real::Real;

/// The rows of a product's left operand. Rows are an odd number of cache lines apart, so that those of a tile spread over
/// all sets of the cache, and there is room for whole tiles of rows.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pairs: Buffer<Pair>,
    rows: usize,
    steps: usize,
    ld: usize,
}

impl Left {
    /// Makes room for so many rows of so many steps; what an earlier use left stays where nothing is written.
    pub(in crate::kernels) fn resize(&mut self, rows: usize, steps: usize) {
        let ld = (blocks(steps) | 1) * BLOCK;
        let all = rows.next_multiple_of(2 * BLOCK) * ld;
        if self.pairs.len() < all {
            self.pairs.resize(all);
        }
        (self.rows, self.steps, self.ld) = (rows, steps, ld);
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Steps of the chain.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Pairs from one row to the next.
    pub(in crate::kernels) fn ld(&self) -> usize {
        self.ld
    }

    /// Row `r`: whole blocks, zeros past the steps.
    pub(in crate::kernels) fn row(&self, r: usize) -> &[Pair] {
        &self.pairs[r * self.ld..][..blocks(self.steps) * BLOCK]
    }

    /// Row `r`, to write.
    pub(in crate::kernels) fn row_mut(&mut self, r: usize) -> &mut [Pair] {
        &mut self.pairs[r * self.ld..][..blocks(self.steps) * BLOCK]
    }

    /// All rows with what lies between them; as many as whole pairs of tiles have.
    pub(in crate::kernels) fn all(&self) -> &[Pair] {
        &self.pairs[..self.rows.next_multiple_of(2 * BLOCK) * self.ld]
    }
}

/// The rows of `a`.
pub(in crate::kernels) fn of_rows<T: Real>(a: Mat<'_, T>, out: &mut Left) {
    out.resize(a.rows(), a.width());
    for r in 0..a.rows() {
        let to = out.row_mut(r);
        pair_neighbours(a.row(r), to);
        to[a.width().div_ceil(2)..].fill(0);
    }
}

/// The columns of `x`.
pub(in crate::kernels) fn of_columns<T: Real>(x: Mat<'_, T>, out: &mut Left) {
    out.resize(x.width(), x.rows());
    let mut line = vec![0; x.width()];
    for p in 0..blocks(x.rows()) * BLOCK {
        pair_rows(x.rows(), p, |r| x.row(r), &mut line);
        for (c, &pair) in line.iter().enumerate() {
            out.row_mut(c)[p] = pair;
        }
    }
}

/// The rounded numbers of `steps` steps, row by row.
pub(super) fn spread<T: Real>(left: &Left, steps: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; left.rows * steps];
    for (r, to) in out.chunks_exact_mut(steps.max(1)).enumerate() {
        for (to, &pair) in to.chunks_mut(2).zip(left.row(r)) {
            to[0] = first(pair);
            if let Some(below) = to.get_mut(1) {
                *below = second(pair);
            }
        }
    }
    out
}
