//! Loops over the rows of small matrices, compiled for every instruction set; each gives the same bits on all of them.
//!
//! A row of an expert or a gate has some 8 or 16 columns: a call for each costs more than the row. So all rows are one call.

use super::arena::{Mat, MatMut};
use super::elementwise::{axpy, dot, scale_to};
use super::simd;
use crate::real::Real;

/// Numbers of a block: one vector.
pub(super) const BLOCK: usize = 16;

/// `f` of two blocks, column by column. They are taken by value: the compiler must not fear that a write to one column
/// changes the next that is read.
#[inline(always)]
pub(super) fn both<T: Real>(a: [T; BLOCK], b: [T; BLOCK], f: impl Fn(T, T) -> T) -> [T; BLOCK] {
    let mut out = a;
    for i in 0..BLOCK {
        out[i] = f(a[i], b[i]);
    }
    out
}

/// Relu's gradient at one number, from its output.
#[inline(always)]
pub(super) fn kept<T: Real>(g: T, y: T) -> T {
    if y > T::ZERO { g } else { T::ZERO }
}

simd! {
    /// `g = 0` wherever `y` is not positive: relu's gradient, from its output.
    pub(crate) fn relu_gradients<T: Real>(g: &mut MatMut<'_, T>, y: Mat<'_, T>) {
        for r in 0..g.rows() {
            for (g, &y) in g.row_mut(r).iter_mut().zip(y.row(r)) {
                *g = kept(*g, y);
            }
        }
    }
}

simd! {
    /// `sums[c] += Σ_r x[r, c]`, in the order of the rows.
    pub(crate) fn add_rows<T: Real>(sums: &mut [T], x: Mat<'_, T>) {
        let (blocks, rest) = sums.as_chunks_mut::<BLOCK>();
        for (b, sums) in blocks.iter_mut().enumerate() {
            let mut total = *sums;
            for r in 0..x.rows() {
                let Some(x) = x.row(r)[b * BLOCK..].first_chunk::<BLOCK>() else { break };
                for i in 0..BLOCK {
                    total[i] += x[i];
                }
            }
            *sums = total;
        }
        let from = blocks.len() * BLOCK;
        for r in 0..x.rows() {
            for (sum, &x) in rest.iter_mut().zip(&x.row(r)[from..]) {
                *sum += x;
            }
        }
    }
}

simd! {
    /// `y = softmax(x · cold)` row by row: a row has few columns, so a vector is one column of a block of rows.
    pub(crate) fn softmaxes<T: Real>(y: &mut MatMut<'_, T>, x: Mat<'_, T>, cold: T) {
        for from in (0..y.rows()).step_by(BLOCK) {
            let rows = from..y.rows().min(from + BLOCK);
            let column = |c: usize| {
                let mut column = [T::ZERO; BLOCK];
                for (to, r) in column.iter_mut().zip(rows.clone()) {
                    *to = x.row(r)[c];
                }
                column
            };
            let mut largest = column(0);
            for c in 1..x.width() {
                largest = both(largest, column(c), T::max);
            }
            let mut share = [T::ZERO; BLOCK];
            for c in 0..x.width() {
                let exps = both(column(c), largest, |x, largest| ((x - largest) * cold).exp());
                share = both(share, exps, |sum, exp| sum + exp);
                for (&exp, r) in exps.iter().zip(rows.clone()) {
                    y.row_mut(r)[c] = exp;
                }
            }
            share = both(share, share, |sum, _| T::ONE / sum);
            for (&share, r) in share.iter().zip(rows) {
                for y in y.row_mut(r) {
                    *y *= share;
                }
            }
        }
    }
}

simd! {
    /// `y = Σ_e gate[e]·expert_e` row by row, e rising.
    pub(crate) fn mixtures<T: Real>(y: &mut MatMut<'_, T>, gate: Mat<'_, T>, experts: &[Mat<'_, T>]) {
        for r in 0..y.rows() {
            let (y, gate) = (y.row_mut(r), gate.row(r));
            for (e, (expert, &gate)) in experts.iter().zip(gate).enumerate() {
                if e == 0 {
                    scale_to(y, gate, expert.row(r));
                } else {
                    axpy(y, gate, expert.row(r));
                }
            }
        }
    }
}

/// A gradient, and whether to add to what is there.
type Gradient<'a, T> = Option<(MatMut<'a, T>, bool)>;

simd! {
    /// The gradients of [`mixtures`] in one pass over dy: of the gate at expert e, `dy[r]·expert[r]`, and of the expert,
    /// `gate[r, e]·dy[r]`.
    pub(crate) fn mixture_gradients<T: Real>(
        to_gate: &mut Gradient<'_, T>,
        to_experts: &mut [Gradient<'_, T>],
        dy: Mat<'_, T>,
        gate: Mat<'_, T>,
        experts: &[Mat<'_, T>],
    ) {
        for r in 0..dy.rows() {
            let (dy, gate) = (dy.row(r), gate.row(r));
            if let Some((to, accumulate)) = to_gate {
                for (to, expert) in to.row_mut(r).iter_mut().zip(experts) {
                    let d = dot(dy, expert.row(r));
                    *to = if *accumulate { *to + d } else { d };
                }
            }
            for (&gate, to) in gate.iter().zip(to_experts.iter_mut()) {
                let Some((to, accumulate)) = to else { continue };
                if *accumulate {
                    axpy(to.row_mut(r), gate, dy);
                } else {
                    scale_to(to.row_mut(r), gate, dy);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // More than a block.
    const ROWS: usize = 19;

    /// Numbers around 0, different for each `salt`.
    fn numbers(salt: usize, n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 + salt * 11) % 29) as f32 / 7.0 - 2.0).collect()
    }

    fn mat(data: &[f32], width: usize) -> Mat<'_, f32> {
        Mat::of(data, ROWS, width)
    }

    /// What `f` leaves in a matrix of `width` columns that holds `before`.
    fn after(before: &[f32], width: usize, f: impl Fn(&mut MatMut<'_, f32>)) -> Vec<f32> {
        let mut data = before.to_vec();
        f(&mut MatMut::of(&mut data, ROWS, width));
        data
    }

    /// `f(row, column)` at every place.
    fn each(width: usize, f: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        (0..ROWS * width).map(|i| f(i / width, i % width)).collect()
    }

    #[test]
    fn layers_pass_gradients_and_sum_them_by_column() {
        for n in 1..=40 {
            let (g, y) = (numbers(1, ROWS * n), numbers(2, ROWS * n));
            let expected = each(n, |r, c| if y[r * n + c] > 0.0 { g[r * n + c] } else { 0.0 });
            assert_eq!(after(&g, n, |g| relu_gradients(g, mat(&y, n))), expected, "{n} columns");
            let mut sums = numbers(3, n);
            let expected: Vec<f32> = (0..n).map(|c| (0..ROWS).fold(sums[c], |sum, r| sum + g[r * n + c])).collect();
            add_rows(&mut sums, mat(&g, n));
            assert_eq!(sums, expected, "{n} columns");
        }
    }

    #[test]
    fn softmaxes_are_their_definition() {
        for n in 1..=20 {
            let x = numbers(4, ROWS * n);
            let expected = each(n, |r, c| {
                let row = &x[r * n..][..n];
                let largest = row.iter().copied().fold(f32::MIN, f32::max);
                let exp = |x: f32| Real::exp((x - largest) * 0.5);
                exp(row[c]) * (1.0 / row.iter().fold(0.0, |sum, &x| sum + exp(x)))
            });
            assert_eq!(after(&x, n, |y| softmaxes(y, mat(&x, n), 0.5)), expected, "{n} columns");
        }
    }

    #[test]
    fn mixtures_and_their_gradients_are_their_definition() {
        for (n, count) in (1..=40).zip([1, 2, 5, 8].into_iter().cycle()) {
            let gate = numbers(5, ROWS * count);
            let experts: Vec<Vec<f32>> = (0..count).map(|e| numbers(6 + e, ROWS * n)).collect();
            let views: Vec<Mat<'_, f32>> = experts.iter().map(|expert| mat(expert, n)).collect();
            let expected = each(n, |r, c| {
                let terms = (1..count).map(|e| (gate[r * count + e], experts[e][r * n + c]));
                terms.fold(gate[r * count] * experts[0][r * n + c], |sum, (gate, x)| f32::mul_add(gate, x, sum))
            });
            let before = numbers(20, ROWS * n);
            assert_eq!(after(&before, n, |y| mixtures(y, mat(&gate, count), &views)), expected, "{n} columns");

            let dy = numbers(21, ROWS * n);
            for accumulate in [false, true] {
                let (mut to_gate, mut to_experts) = (gate.clone(), vec![before.clone(); count]);
                let mut gradients: Vec<Gradient<'_, f32>> =
                    to_experts.iter_mut().map(|to| Some((MatMut::of(to, ROWS, n), accumulate))).collect();
                // One expert's is not asked for.
                gradients[count / 2] = None;
                let mut of_gate = Some((MatMut::of(&mut to_gate, ROWS, count), accumulate));
                mixture_gradients(&mut of_gate, &mut gradients, mat(&dy, n), mat(&gate, count), &views);
                drop((of_gate, gradients));
                let expected = each(count, |r, e| {
                    let (d, was) = (dot(&dy[r * n..][..n], &experts[e][r * n..][..n]), gate[r * count + e]);
                    if accumulate { was + d } else { d }
                });
                assert_eq!(to_gate, expected, "{n} columns");
                for (e, found) in to_experts.iter().enumerate() {
                    let expected = each(n, |r, c| {
                        let (gate, dy, was) = (gate[r * count + e], dy[r * n + c], before[r * n + c]);
                        match (e == count / 2, accumulate) {
                            (true, _) => was,
                            (_, true) => f32::mul_add(gate, dy, was),
                            (_, false) => gate * dy,
                        }
                    });
                    assert_eq!(*found, expected, "{n} columns, expert {e}");
                }
            }
        }
    }
}
