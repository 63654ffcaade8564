//! Multi-head attention among all that a row of the batch has in another space (Vaswani et al. 2017, Eq. 1): for head h
//! y_t = Σ_s softmax_s(c·⟨q_t, k_s⟩)·v_s, with c = 1/√d or 1. Heads lie side by side, d columns each.
//!
//! Two ops: [`weights`] makes the softmax, [`attend`] mixes the values with it. The weights are a value between them, so
//! that the backward pass finds them again: one row a key, in which each head has a column for every query, padded to
//! whole vectors. Of long lists they would be most of the memory: one op, [`whole`], makes them twice.

pub(crate) mod attend;
pub(crate) mod weights;
pub(crate) mod whole;

use std::ops::Range;

use crate::graph::Space;
use crate::kernels::arena::{Mat, MatMut};
use crate::kernels::elementwise::give;
use crate::kernels::gemm::{SIDE, Square};
use crate::real::Real;

/// Numbers of a vector.
const BLOCK: usize = SIDE;
type Block<T> = [T; BLOCK];

/// Columns of one head in the weights, for at most `most` queries.
pub(crate) fn padded(most: usize) -> usize {
    most.next_multiple_of(BLOCK)
}

/// The space of values that attend to each other.
fn space(inputs: &[Space]) -> Result<Space, String> {
    match inputs {
        [Space::Rows, ..] => Err("attends within each row's fields or list, got one value a row".to_owned()),
        [first, rest @ ..] if rest.iter().all(|space| space == first) => Ok(*first),
        _ => Err(format!("takes queries, keys and values of one kind of rows, got {inputs:?}")),
    }
}

/// A head's weights, or their gradient, in the rows `all` of a value: in the row of each key, from `column` on, the queries.
struct Weights<'a, 'b, T> {
    x: Mat<'a, T>,
    all: &'b Range<usize>,
    column: usize,
}

impl<'a, T: Real> Weights<'a, '_, T> {
    /// Of key `s` and every query.
    #[inline(always)]
    fn of(&self, s: usize) -> &'a [T] {
        &self.x.row(self.all.start + s)[self.column..]
    }
}

/// [`Weights`] to write.
struct WeightsMut<'a, 'b, 'c, T> {
    x: &'a mut MatMut<'b, T>,
    all: &'c Range<usize>,
    column: usize,
}

impl<T: Real> WeightsMut<'_, '_, '_, T> {
    /// Takes, or adds, lines as [`Side::products`] gives them.
    #[inline(always)]
    fn put(&mut self, lines: &[Block<T>], accumulate: bool) {
        for (b, lines) in lines.chunks_exact(self.all.len()).enumerate() {
            for (line, s) in lines.iter().zip(self.all.clone()) {
                give(&mut self.x.row_mut(s)[self.column + b * BLOCK..][..BLOCK], line, accumulate);
            }
        }
    }

    /// The gradient e of the weights p becomes that of the scores, c·p_ts·(e_ts − Σ_s p_ts·e_ts).
    #[inline(always)]
    fn score_gradients(&mut self, p: &Weights<'_, '_, T>, scale: T) {
        let keys = self.all.len();
        for b in (0..keys).step_by(BLOCK) {
            let mut mean = [T::ZERO; BLOCK];
            for s in 0..keys {
                let (p, e) = (&p.of(s)[b..][..BLOCK], &self.x.row(self.all.start + s)[self.column + b..][..BLOCK]);
                for i in 0..BLOCK {
                    mean[i] = e[i].mul_add(p[i], mean[i]);
                }
            }
            for s in 0..keys {
                let p = &p.of(s)[b..][..BLOCK];
                let e = &mut self.x.row_mut(self.all.start + s)[self.column + b..][..BLOCK];
                for i in 0..BLOCK {
                    e[i] = scale * p[i] * (e[i] - mean[i]);
                }
            }
        }
    }
}

/// c.
#[inline(always)]
fn scale<T: Real>(scaled: bool, d: usize) -> T {
    if scaled { T::ONE / T::of(d as f64).sqrt() } else { T::ONE }
}

/// The weights that queries give keys, into `to`; `down` and `lines` are room.
#[inline(always)]
fn weigh<T: Real>(
    queries: &Side<'_, '_, T>,
    keys: &Side<'_, '_, T>,
    scale: T,
    down: &mut Vec<Square<T>>,
    lines: &mut Vec<Block<T>>,
    mut to: WeightsMut<'_, '_, '_, T>,
) {
    queries.turn(down);
    keys.products(down, lines);
    softmax(lines, to.all.len(), scale);
    to.put(lines, false);
}

/// Weights from scores times c, lines as [`Side::products`] gives them.
#[inline(always)]
fn softmax<T: Real>(lines: &mut [Block<T>], keys: usize, scale: T) {
    for lines in lines.chunks_exact_mut(keys) {
        let mut largest = [T::ZERO; BLOCK];
        for (s, line) in lines.iter_mut().enumerate() {
            for i in 0..BLOCK {
                line[i] *= scale;
                largest[i] = if s == 0 { line[i] } else { largest[i].max(line[i]) };
            }
        }
        let mut share = [T::ZERO; BLOCK];
        for line in lines.iter_mut() {
            for i in 0..BLOCK {
                line[i] = (line[i] - largest[i]).exp();
                share[i] += line[i];
            }
        }
        for share in &mut share {
            *share = T::ONE / *share;
        }
        for line in lines {
            for i in 0..BLOCK {
                line[i] *= share[i];
            }
        }
    }
}

/// What one head sees of a row of the batch: S rows of a value, d columns.
struct Side<'a, 'b, T> {
    x: Mat<'a, T>,
    all: &'b Range<usize>,
    head: &'b Range<usize>,
    /// `[S, ⌈d/16⌉]` where 16 does not divide d, zeros past the last column: blocks are read whole.
    copied: &'b [Block<T>],
}

impl<'a, 'b, T: Real> Side<'a, 'b, T> {
    /// `room` is for what must be copied.
    #[inline(always)]
    fn of(x: Mat<'a, T>, all: &'b Range<usize>, head: &'b Range<usize>, room: &'b mut Vec<Block<T>>) -> Self {
        room.clear();
        if !head.len().is_multiple_of(BLOCK) {
            let blocks = head.len().div_ceil(BLOCK);
            room.resize(all.len() * blocks, [T::ZERO; BLOCK]);
            for (row, to) in all.clone().zip(room.chunks_exact_mut(blocks)) {
                give(&mut to.as_flattened_mut()[..head.len()], &x.row(row)[head.clone()], false);
            }
        }
        Side { x, all, head, copied: room }
    }

    /// Blocks of a row.
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.head.len().div_ceil(BLOCK)
    }

    /// Row `s`, d columns.
    #[inline(always)]
    fn row(&self, s: usize) -> &'a [T] {
        &self.x.row(self.all.start + s)[self.head.clone()]
    }

    /// Block `c` of row `s`.
    #[inline(always)]
    fn block(&self, s: usize, c: usize) -> &Block<T> {
        if self.copied.is_empty() { &self.row(s).as_chunks().0[c] } else { &self.copied[s * self.blocks() + c] }
    }

    /// Column by column into `down`, `[⌈S/16⌉, ⌈d/16⌉]` blocks of 16 columns, each of 16 rows; zeros past the last of both.
    #[inline(always)]
    fn turn(&self, down: &mut Vec<Square<T>>) {
        let (rows, blocks) = (self.all.len(), self.blocks());
        down.resize(rows.div_ceil(BLOCK) * blocks, [[T::ZERO; SIDE]; SIDE]);
        for (i, square) in down.iter_mut().enumerate() {
            let (from, c) = (i / blocks * BLOCK, i % blocks);
            for r in 0..SIDE {
                square[r] = if from + r < rows { *self.block(from + r, c) } else { [T::ZERO; SIDE] };
            }
            T::turn(square);
        }
    }

    /// ⟨x_t, row_s⟩ for every row t that `down` has the columns of and every row s, into `out`, `[⌈S/16⌉, S]`: 16 rows t
    /// beside each other, then s.
    #[inline(always)]
    fn products(&self, down: &[Square<T>], out: &mut Vec<Block<T>>) {
        let (rows, d) = (self.all.len(), self.head.len());
        out.resize(rows.div_ceil(BLOCK) * rows, [T::ZERO; BLOCK]);
        for (b, down) in down.chunks_exact(self.blocks()).enumerate() {
            let (columns, last) = down.as_flattened()[..d].as_chunks::<4>();
            let out = &mut out[b * rows..][..rows];
            for s in (0..rows).step_by(2) {
                // Two rows for each column that is read; the last one by itself twice.
                let next = (s + 1).min(rows - 1);
                let [(a, a_rest), (b, b_rest)] = [s, next].map(|s| self.row(s).as_chunks::<4>());
                // Four chains: one would wait for itself.
                let [mut sums, mut more] = [[[T::ZERO; BLOCK]; 4]; 2];
                for ((a, b), columns) in a.iter().zip(b).zip(columns) {
                    for chain in 0..4 {
                        sums[chain] = scaled(a[chain], columns[chain], sums[chain]);
                        more[chain] = scaled(b[chain], columns[chain], more[chain]);
                    }
                }
                for ((&a, &b), column) in a_rest.iter().zip(b_rest).zip(last) {
                    sums[0] = scaled(a, *column, sums[0]);
                    more[0] = scaled(b, *column, more[0]);
                }
                for (s, sums) in [(s, sums), (next, more)] {
                    for i in 0..BLOCK {
                        out[s][i] = (sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i]);
                    }
                }
            }
        }
    }

    /// `Σ_s w_ts·row_s` for every query t.
    #[inline(always)]
    fn mix_keys(&self, weights: &Weights<'_, '_, T>, mut to: To<'_, '_, T>) {
        let (rows, pairs) = (self.all.len(), self.blocks() / 2 * 2);
        for c in (0..pairs).step_by(2) {
            for from in (0..rows).step_by(4) {
                to.put(self, from, c, &self.by_keys::<4, 2>(weights, from, c));
            }
        }
        if pairs < self.blocks() {
            for from in (0..rows).step_by(8) {
                to.put(self, from, pairs, &self.by_keys::<8, 1>(weights, from, pairs));
            }
        }
    }

    /// `Σ_t w_ts·row_t` for every key s.
    #[inline(always)]
    fn mix_queries(&self, weights: &Weights<'_, '_, T>, mut to: To<'_, '_, T>) {
        let (rows, pairs) = (self.all.len(), self.blocks() / 2 * 2);
        for c in (0..pairs).step_by(2) {
            for from in (0..rows).step_by(4) {
                to.put(self, from, c, &self.by_queries::<4, 2>(weights, from, c));
            }
        }
        if pairs < self.blocks() {
            for from in (0..rows).step_by(8) {
                to.put(self, from, pairs, &self.by_queries::<8, 1>(weights, from, pairs));
            }
        }
    }

    /// As [`Side::mix_keys`], of R queries from `from` on and C blocks from `c` on. R·C sums are chains side by side: one
    /// by itself would wait for its own last step.
    #[inline(always)]
    fn by_keys<const R: usize, const C: usize>(
        &self,
        weights: &Weights<'_, '_, T>,
        from: usize,
        c: usize,
    ) -> [[Block<T>; C]; R] {
        let mut sums = [[[T::ZERO; BLOCK]; C]; R];
        for s in 0..self.all.len() {
            let line = &weights.of(s)[from..][..R];
            for i in 0..C {
                let row = self.block(s, c + i);
                for j in 0..R {
                    sums[j][i] = scaled(line[j], *row, sums[j][i]);
                }
            }
        }
        sums
    }

    /// As [`Side::mix_queries`], of R keys from `from` on and C blocks from `c` on.
    #[inline(always)]
    fn by_queries<const R: usize, const C: usize>(
        &self,
        weights: &Weights<'_, '_, T>,
        from: usize,
        c: usize,
    ) -> [[Block<T>; C]; R] {
        let rows = self.all.len();
        // Past the last key its own line again, whose sums nobody reads.
        let mut lines = [&[][..]; R];
        for j in 0..R {
            lines[j] = &weights.of((from + j).min(rows - 1))[..rows];
        }
        let mut sums = [[[T::ZERO; BLOCK]; C]; R];
        for t in 0..rows {
            for i in 0..C {
                let row = self.block(t, c + i);
                for j in 0..R {
                    sums[j][i] = scaled(lines[j][t], *row, sums[j][i]);
                }
            }
        }
        sums
    }
}

/// Where sums go: the same rows and columns of another value.
struct To<'a, 'b, T> {
    y: &'a mut MatMut<'b, T>,
    /// Whether what is there is added to.
    accumulate: bool,
    /// What is added besides, and relu after it.
    residual: Option<Mat<'b, T>>,
}

impl<'a, 'b, T: Real> To<'a, 'b, T> {
    /// A gradient, and whether to add to what is there.
    #[inline(always)]
    fn gradient((y, accumulate): &'a mut (MatMut<'b, T>, bool)) -> Self {
        To { y, accumulate: *accumulate, residual: None }
    }

    /// The sums of R rows from `from` on, those past the last left out, and of C blocks from `c` on.
    #[inline(always)]
    fn put<const R: usize, const C: usize>(
        &mut self,
        side: &Side<'_, '_, T>,
        from: usize,
        c: usize,
        sums: &[[Block<T>; C]; R],
    ) {
        for (sums, row) in sums.iter().zip(side.all.clone().skip(from)) {
            for (sum, column) in sums.iter().zip(side.head.clone().skip(c * BLOCK).step_by(BLOCK)) {
                let columns = column..side.head.end.min(column + BLOCK);
                let mut sum = *sum;
                if let Some(residual) = self.residual {
                    add(&mut sum, &residual.row(row)[columns.clone()]);
                    for sum in &mut sum {
                        *sum = sum.relu();
                    }
                }
                let y = &mut self.y.row_mut(row)[columns];
                if self.accumulate {
                    add(&mut sum, y);
                }
                if let Some(y) = y.first_chunk_mut() {
                    *y = sum;
                } else {
                    y.copy_from_slice(&sum[..y.len()]);
                }
            }
        }
    }
}

/// `y += x`, as many as there are of x.
#[inline(always)]
fn add<T: Real>(y: &mut Block<T>, x: &[T]) {
    if let Some(x) = x.first_chunk::<BLOCK>() {
        for i in 0..BLOCK {
            y[i] += x[i];
        }
    } else {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += *x);
    }
}

/// a·x + y.
#[inline(always)]
fn scaled<T: Real>(a: T, x: Block<T>, y: Block<T>) -> Block<T> {
    let mut out = y;
    for i in 0..BLOCK {
        out[i] = a.mul_add(x[i], y[i]);
    }
    out
}
