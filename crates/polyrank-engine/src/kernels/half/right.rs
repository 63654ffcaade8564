//! Right operands: blocks of 16 pairs × 16 columns; a block's rows one after the other, then the blocks of a column from
//! the first step to the last, then the columns.

use super::{BLOCK, Pair, blocks, first, pair_neighbours, pair_rows, second};
use crate::kernels::arena::Mat;
use crate::kernels::buffer::Buffer;
use crate::kernels::gemm::{padded_columns, panels};
use crate::real::Real;

/// Pairs of an operand of `k` steps and `n` columns.
pub(crate) fn pairs(k: usize, n: usize) -> usize {
    blocks(k) * BLOCK * padded_columns(n)
}

/// Makes room for such an operand; what an earlier use left stays where nothing is written.
pub(in crate::kernels) fn resize(out: &mut Buffer<Pair>, k: usize, n: usize) {
    out.reuse(pairs(k, n));
}

/// Writes the line of pair `p` from column `column` on, whole blocks of columns.
fn put(line: &[Pair], p: usize, column: usize, k: usize, out: &mut [Pair]) {
    let height = blocks(k) * BLOCK;
    for (i, part) in line.chunks(BLOCK).enumerate() {
        let to = &mut out[(column + i * BLOCK) * height + p * BLOCK..][..BLOCK];
        to[..part.len()].copy_from_slice(part);
        to[part.len()..].fill(0);
    }
}

/// The columns of `x`.
pub(in crate::kernels) fn of_columns<T: Real>(x: Mat<'_, T>, out: &mut Buffer<Pair>) {
    let (k, n) = (x.rows(), x.width());
    resize(out, k, n);
    let mut line = vec![0; n];
    for p in 0..blocks(k) * BLOCK {
        pair_rows(k, p, |r| x.row(r), &mut line);
        put(&line, p, 0, k, out);
    }
}

/// The columns of a packed matrix `[k, n]`.
pub(in crate::kernels) fn of_packed<T: Real>(packed: &[T], k: usize, n: usize, out: &mut Buffer<Pair>) {
    resize(out, k, n);
    for panel in panels(k, n) {
        let row = |p: usize| &packed[panel.offset + p * panel.padded..][..panel.padded];
        let mut line = vec![0; panel.padded];
        for p in 0..blocks(k) * BLOCK {
            pair_rows(k, p, row, &mut line);
            put(&line, p, panel.column, k, out);
        }
    }
}

/// The first rows of a packed matrix `[k, n]`: an operand of n steps and `rows` columns.
pub(in crate::kernels) fn of_packed_turned<T: Real>(
    packed: &[T],
    k: usize,
    n: usize,
    rows: usize,
    out: &mut Buffer<Pair>,
) {
    resize(out, n, rows);
    let height = blocks(n) * BLOCK;
    let mut line = vec![0; height];
    for row in 0..padded_columns(rows) {
        line.fill(0);
        if row < rows {
            for panel in panels(k, n) {
                let numbers = &packed[panel.offset + row * panel.padded..][..panel.width];
                pair_neighbours(numbers, &mut line[panel.column / 2..]);
            }
        }
        let to = &mut out[row / BLOCK * BLOCK * height + row % BLOCK..];
        for (to, pair) in to.iter_mut().step_by(BLOCK).zip(&line) {
            *to = *pair;
        }
    }
}

/// The packed matrix `[k, n]` of rounded numbers.
pub(super) fn spread<T: Real>(right: &[Pair], k: usize, n: usize) -> Vec<T> {
    let height = blocks(k) * BLOCK;
    let mut out = vec![T::ZERO; k * padded_columns(n)];
    for panel in panels(k, n) {
        let to = &mut out[panel.offset..][..k * panel.padded];
        for (p, rows) in to.chunks_mut(2 * panel.padded).enumerate() {
            for c in 0..panel.padded {
                let column = panel.column + c;
                let pair = right[column / BLOCK * BLOCK * height + p * BLOCK + column % BLOCK];
                rows[c] = first(pair);
                if let Some(below) = rows.get_mut(panel.padded + c) {
                    *below = second(pair);
                }
            }
        }
    }
    out
}
