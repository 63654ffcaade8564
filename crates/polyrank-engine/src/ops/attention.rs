//! Multi-head attention among all that a row of the batch has in another space (Vaswani et al. 2017, Eq. 1): for head h
//! y_t = Σ_s softmax_s(c·⟨q_t, k_s⟩)·v_s, with c = 1/√d or 1. Heads lie side by side, d columns each.

use std::ops::Range;

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::arena::Mat;
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub(crate) over: Space,
    pub(crate) heads: usize,
    /// Whether scores are divided by √d.
    pub(crate) scaled: bool,
}

impl Attention {
    /// c.
    #[inline(always)]
    fn scale<T: Real>(&self, d: usize) -> T {
        if self.scaled { T::ONE / T::of(d as f64).sqrt() } else { T::ONE }
    }
}

/// Numbers of a vector.
const BLOCK: usize = 16;
type Block<T> = [T; BLOCK];

/// What one head sees of a row of the batch in queries, keys, values or a gradient: S rows of d columns.
#[derive(Default)]
struct Side<T> {
    /// `[⌈d/16⌉, S]`: 16 columns of a row, zeros past the last.
    across: Vec<Block<T>>,
    /// `[⌈S/16⌉, d]`: a column of 16 rows, zeros past the last.
    down: Vec<Block<T>>,
}

impl<T: Real> Side<T> {
    /// Takes the rows `all` of `x`, the columns of one head.
    #[inline(always)]
    fn across(&mut self, x: Mat<'_, T>, all: &Range<usize>, head: &Range<usize>) {
        self.across.resize(head.len().div_ceil(BLOCK) * all.len(), [T::ZERO; BLOCK]);
        for (s, t) in all.clone().enumerate() {
            let (blocks, rest) = x.row(t)[head.clone()].as_chunks::<BLOCK>();
            for (b, block) in blocks.iter().enumerate() {
                self.across[b * all.len() + s] = *block;
            }
            if !rest.is_empty() {
                let mut last = [T::ZERO; BLOCK];
                last[..rest.len()].copy_from_slice(rest);
                self.across[blocks.len() * all.len() + s] = last;
            }
        }
    }

    /// As [`Side::across`], column by column too.
    #[inline(always)]
    fn both(&mut self, x: Mat<'_, T>, all: &Range<usize>, head: &Range<usize>) {
        self.across(x, all, head);
        let d = head.len();
        self.down.clear();
        self.down.resize(all.len().div_ceil(BLOCK) * d, [T::ZERO; BLOCK]);
        for (b, rows) in self.across.chunks_exact(all.len()).enumerate() {
            for (s, row) in rows.iter().enumerate() {
                let columns = &mut self.down[s / BLOCK * d..][..d][b * BLOCK..];
                if let Some(columns) = columns.first_chunk_mut::<BLOCK>() {
                    for i in 0..BLOCK {
                        columns[i][s % BLOCK] = row[i];
                    }
                } else {
                    for (column, x) in columns.iter_mut().zip(row) {
                        column[s % BLOCK] = *x;
                    }
                }
            }
        }
    }

    /// ⟨row, x_s⟩ for every row and every row of `x`, into `out`, `[⌈S/16⌉, S]`: 16 rows beside each other, then s.
    #[inline(always)]
    fn products(&self, x: Mat<'_, T>, all: &Range<usize>, head: &Range<usize>, out: &mut [Block<T>]) {
        for (out, columns) in out.chunks_exact_mut(all.len()).zip(self.down.chunks_exact(head.len())) {
            for (out, s) in out.iter_mut().zip(all.clone()) {
                let (fours, rest) = x.row(s)[head.clone()].as_chunks::<4>();
                let (columns, last) = columns.as_chunks::<4>();
                // Four chains: one would wait for itself.
                let mut sums = [[T::ZERO; BLOCK]; 4];
                for (x, columns) in fours.iter().zip(columns) {
                    for chain in 0..4 {
                        sums[chain] = scaled(x[chain], columns[chain], sums[chain]);
                    }
                }
                for (&x, column) in rest.iter().zip(last) {
                    sums[0] = scaled(x, *column, sums[0]);
                }
                for i in 0..BLOCK {
                    out[i] = (sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i]);
                }
            }
        }
    }

    /// `y (+)= Σ_s w_s·row_s`.
    #[inline(always)]
    fn mix(&self, rows: usize, weight: impl Fn(usize) -> T, y: &mut [T], accumulate: bool) {
        for (y, rows) in y.chunks_mut(BLOCK).zip(self.across.chunks_exact(rows)) {
            let mut sum = [T::ZERO; BLOCK];
            for (s, row) in rows.iter().enumerate() {
                sum = scaled(weight(s), *row, sum);
            }
            if let Some(y) = y.first_chunk_mut::<BLOCK>() {
                for i in 0..BLOCK {
                    y[i] = if accumulate { y[i] + sum[i] } else { sum[i] };
                }
            } else {
                for (y, &sum) in y.iter_mut().zip(&sum) {
                    *y = if accumulate { *y + sum } else { sum };
                }
            }
        }
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

/// The weights of 16 queries from their scores, a line a key.
#[inline(always)]
fn softmax<T: Real>(lines: &mut [Block<T>], scale: T) {
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

/// The gradients of 16 queries' scores from their weights and the gradients of those.
#[inline(always)]
fn softmax_gradient<T: Real>(lines: &mut [Block<T>], weights: &[Block<T>], scale: T) {
    let mut mean = [T::ZERO; BLOCK];
    for (line, weights) in lines.iter().zip(weights) {
        for i in 0..BLOCK {
            mean[i] = line[i].mul_add(weights[i], mean[i]);
        }
    }
    for (line, weights) in lines.iter_mut().zip(weights) {
        for i in 0..BLOCK {
            line[i] = scale * weights[i] * (line[i] - mean[i]);
        }
    }
}

impl Kernel for Attention {
    const NAME: &'static str = "attention";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match inputs {
            [q, k, v] if q == k && k == v && self.heads > 0 && q % self.heads == 0 => Ok(*q),
            _ => Err(format!(
                "takes queries, keys and values of one width that {} heads share evenly, got {inputs:?}",
                self.heads
            )),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [Space::Rows, ..] => Err("attends within each row's fields or list, got one value a row".to_owned()),
            [first, rest @ ..] if rest.iter().all(|space| space == first) => Ok(*first),
            _ => Err(format!("takes queries, keys and values of one kind of rows, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        (4 * self.over.most() * (width + self.heads)) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let d = cx.y.width() / self.heads;
        let scale = self.scale(d);
        let (mut queries, mut values, mut weights) = (Side::default(), Side::default(), Vec::new());
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            let rows = all.len();
            weights.resize(rows.div_ceil(BLOCK) * rows, [T::ZERO; BLOCK]);
            for head in (0..self.heads).map(|h| h * d..(h + 1) * d).filter(|_| rows > 0) {
                queries.both(cx.x[0], &all, &head);
                values.across(cx.x[2], &all, &head);
                queries.products(cx.x[1], &all, &head, &mut weights);
                for lines in weights.chunks_exact_mut(rows) {
                    softmax(lines, scale);
                }
                for (i, t) in all.clone().enumerate() {
                    let lines = &weights[i / BLOCK * rows..][..rows];
                    values.mix(rows, |s| lines[s][i % BLOCK], &mut cx.y.row_mut(t)[head.clone()], false);
                }
            }
        }
    }

    // With p_ts the weights of a query and e_ts = ⟨dy_t, v_s⟩: dv_s = Σ_t p_ts·dy_t, and for the scores
    // g_ts = c·p_ts·(e_ts − Σ_s p_ts·e_ts): dq_t = Σ_s g_ts·k_s, dk_s = Σ_t g_ts·q_t. The weights are cheaper to make again
    // than to keep.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let d = cx.y.width() / self.heads;
        let scale = self.scale(d);
        let [dq, dk, dv] = &mut cx.dx[..] else { return };
        let [mut queries, mut keys, mut slopes] = std::array::from_fn(|_| Side::default());
        let (mut weights, mut scores) = (Vec::new(), Vec::new());
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            let rows = all.len();
            weights.resize(rows.div_ceil(BLOCK) * rows, [T::ZERO; BLOCK]);
            scores.resize(weights.len(), [T::ZERO; BLOCK]);
            for head in (0..self.heads).map(|h| h * d..(h + 1) * d).filter(|_| rows > 0) {
                queries.both(cx.x[0], &all, &head);
                keys.across(cx.x[1], &all, &head);
                slopes.both(cx.dy.as_mat(), &all, &head);
                queries.products(cx.x[1], &all, &head, &mut weights);
                slopes.products(cx.x[2], &all, &head, &mut scores);
                for (p, g) in weights.chunks_exact_mut(rows).zip(scores.chunks_exact_mut(rows)) {
                    softmax(p, scale);
                    softmax_gradient(g, p, scale);
                }
                for (i, t) in all.clone().enumerate() {
                    if let Some((dq, accumulate)) = dq {
                        let lines = &scores[i / BLOCK * rows..][..rows];
                        keys.mix(rows, |s| lines[s][i % BLOCK], &mut dq.row_mut(t)[head.clone()], *accumulate);
                    }
                    let at = |t: usize| t / BLOCK * rows + i;
                    if let Some((dk, accumulate)) = dk {
                        let weight = |t: usize| scores[at(t)][t % BLOCK];
                        queries.mix(rows, weight, &mut dk.row_mut(t)[head.clone()], *accumulate);
                    }
                    if let Some((dv, accumulate)) = dv {
                        let weight = |t: usize| weights[at(t)][t % BLOCK];
                        slopes.mix(rows, weight, &mut dv.row_mut(t)[head.clone()], *accumulate);
                    }
                }
            }
        }
    }
}
