//! Multi-head attention among all that a row of the batch has in another space (Vaswani et al. 2017, Eq. 1): for head h
//! y_t = Σ_s softmax_s(c·⟨q_t, k_s⟩)·v_s, with c = 1/√d or 1. Heads lie side by side, d columns each.

use std::ops::Range;

use crate::exec::context::{Backward, Forward, local};
use crate::graph::Space;
use crate::kernels::arena::{Mat, MatMut};
use crate::kernels::gemm::SIDE;
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
const BLOCK: usize = SIDE;
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
        let (rows, d) = (all.len(), head.len());
        self.down.resize(rows.div_ceil(BLOCK) * d, [T::ZERO; BLOCK]);
        for from in (0..rows).step_by(BLOCK) {
            for column in (0..d).step_by(BLOCK) {
                let mut block = [[T::ZERO; SIDE]; SIDE];
                for (line, row) in block.iter_mut().zip(&self.across[column / BLOCK * rows..][from..rows]) {
                    *line = *row;
                }
                T::turn(&mut block);
                for (column, line) in self.down[from / BLOCK * d..][column..d].iter_mut().zip(&block) {
                    *column = *line;
                }
            }
        }
    }

    /// ⟨row, x_s⟩ for every row and every row of `x`, into `out`, `[⌈S/16⌉, S]`: 16 rows beside each other, then s.
    #[inline(always)]
    fn products(&self, x: Mat<'_, T>, all: &Range<usize>, head: &Range<usize>, out: &mut [Block<T>]) {
        let (rows, d) = (all.len(), head.len());
        for b in 0..rows.div_ceil(BLOCK) {
            let (columns, last) = self.down[b * d..][..d].as_chunks::<4>();
            let out = &mut out[b * rows..][..rows];
            for s in (0..rows).step_by(2) {
                // Two keys for each column that is read; the last one by itself twice.
                let next = (s + 1).min(rows - 1);
                let [(a, a_rest), (b, b_rest)] = [s, next].map(|s| x.row(all.start + s)[head.clone()].as_chunks::<4>());
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

    /// `y_t (+)= Σ_s w_ts·row_s` for every query t, from weights as [`Side::products`] puts them.
    #[inline(always)]
    fn mix_keys(&self, weights: &[Block<T>], y: Written<'_, '_, T>) {
        let Written { y, accumulate, all, head } = y;
        let rows = all.len();
        for from in (0..rows).step_by(FEW) {
            let lines = &weights[from / BLOCK * rows..][..rows];
            for column in (0..head.len()).step_by(BLOCK) {
                let mut sums = [[T::ZERO; BLOCK]; FEW];
                for (line, row) in lines.iter().zip(&self.across[column / BLOCK * rows..][..rows]) {
                    let weights = &line[from % BLOCK..][..FEW];
                    for j in 0..FEW {
                        sums[j] = scaled(weights[j], *row, sums[j]);
                    }
                }
                for (sum, t) in sums.iter().zip(all.clone().skip(from)) {
                    put(&mut y.row_mut(t)[head.clone()][column..], sum, accumulate);
                }
            }
        }
    }

    /// `y_s (+)= Σ_t w_ts·row_t` for every key s, from the same weights.
    #[inline(always)]
    fn mix_queries(&self, weights: &[Block<T>], y: Written<'_, '_, T>) {
        let Written { y, accumulate, all, head } = y;
        let rows = all.len();
        for from in (0..rows).step_by(FEW) {
            for column in (0..head.len()).step_by(BLOCK) {
                let across = &self.across[column / BLOCK * rows..][..rows];
                let mut sums = [[T::ZERO; BLOCK]; FEW];
                for first in (0..rows).step_by(BLOCK) {
                    // Past the last key its own line again, whose sums nobody reads.
                    let mut lines = [&weights[0]; FEW];
                    for j in 0..FEW {
                        lines[j] = &weights[first / BLOCK * rows..][(from + j).min(rows - 1)];
                    }
                    for (t, row) in across[first..].iter().enumerate().take(BLOCK) {
                        for j in 0..FEW {
                            sums[j] = scaled(lines[j][t], *row, sums[j]);
                        }
                    }
                }
                for (sum, s) in sums.iter().zip(all.clone().skip(from)) {
                    put(&mut y.row_mut(s)[head.clone()][column..], sum, accumulate);
                }
            }
        }
    }
}

/// Rows that are mixed side by side: a sum by itself would wait for its own last step.
const FEW: usize = 4;

/// What is written: the rows `all` of y, the columns of one head.
struct Written<'a, 'b, T> {
    y: &'a mut MatMut<'b, T>,
    accumulate: bool,
    all: &'a Range<usize>,
    head: &'a Range<usize>,
}

/// The first columns of `y` become those of `sum`, or are added to.
#[inline(always)]
fn put<T: Real>(y: &mut [T], sum: &Block<T>, accumulate: bool) {
    if let Some(y) = y.first_chunk_mut::<BLOCK>() {
        for i in 0..BLOCK {
            y[i] = if accumulate { y[i] + sum[i] } else { sum[i] };
        }
    } else {
        for (y, &sum) in y.iter_mut().zip(sum) {
            *y = if accumulate { *y + sum } else { sum };
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
                for from in (0..weights.len()).step_by(rows) {
                    softmax(&mut weights[from..][..rows], scale);
                }
                values.mix_keys(&weights, Written { y: &mut cx.y, accumulate: false, all: &all, head: &head });
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
                for from in (0..weights.len()).step_by(rows) {
                    let weights = &mut weights[from..][..rows];
                    softmax(weights, scale);
                    softmax_gradient(&mut scores[from..][..rows], weights, scale);
                }
                let (all, head) = (&all, &head);
                if let Some((y, accumulate)) = dq {
                    keys.mix_keys(&scores, Written { y, accumulate: *accumulate, all, head });
                }
                if let Some((y, accumulate)) = dk {
                    queries.mix_queries(&scores, Written { y, accumulate: *accumulate, all, head });
                }
                if let Some((y, accumulate)) = dv {
                    slopes.mix_queries(&weights, Written { y, accumulate: *accumulate, all, head });
                }
            }
        }
    }
}
