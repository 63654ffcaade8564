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
    /// Of each gate t, in the columns of y that are its: `Σ_k gate_t[k]·expert_c(t,k)` row by row, k rising.
    pub(crate) fn mixtures<T: Real>(
        y: &mut MatMut<'_, T>,
        gates: &[Mat<'_, T>],
        experts: &[Mat<'_, T>],
        choices: &[Vec<usize>],
    ) {
        let width = experts[0].width();
        for r in 0..y.rows() {
            let all = y.row_mut(r);
            for (t, (gate, chosen)) in gates.iter().zip(choices).enumerate() {
                let (y, gate) = (&mut all[t * width..][..width], gate.row(r));
                for (k, (&e, &gate)) in chosen.iter().zip(gate).enumerate() {
                    if k == 0 {
                        scale_to(y, gate, experts[e].row(r));
                    } else {
                        axpy(y, gate, experts[e].row(r));
                    }
                }
            }
        }
    }
}

/// A gradient, and whether to add to what is there.
type Gradient<'a, T> = Option<(MatMut<'a, T>, bool)>;

simd! {
    /// The gradients of [`mixtures`] in one pass over dy, from the last gate to the first: of gate t at its k-th expert,
    /// `dy_t[r]·expert[r]`, and of the expert, `gate_t[r, k]·dy_t[r]`. `last` says of the choices which ones no later gate
    /// makes: they are the first to write.
    pub(crate) fn mixture_gradients<T: Real>(
        to_gates: &mut [Gradient<'_, T>],
        to_experts: &mut [Gradient<'_, T>],
        dy: Mat<'_, T>,
        gates: &[Mat<'_, T>],
        experts: &[Mat<'_, T>],
        choices: &[Vec<usize>],
        last: &[Vec<bool>],
    ) {
        let width = experts[0].width();
        for r in 0..dy.rows() {
            for t in (0..gates.len()).rev() {
                let (dy, gate, chosen) = (&dy.row(r)[t * width..][..width], gates[t].row(r), &choices[t]);
                if let Some((to, accumulate)) = &mut to_gates[t] {
                    for (to, &e) in to.row_mut(r).iter_mut().zip(chosen) {
                        let d = dot(dy, experts[e].row(r));
                        *to = if *accumulate { *to + d } else { d };
                    }
                }
                for ((&gate, &e), last) in gate.iter().zip(chosen).zip(&last[t]) {
                    let Some((to, accumulate)) = &mut to_experts[e] else { continue };
                    if *accumulate || !last {
                        axpy(to.row_mut(r), gate, dy);
                    } else {
                        scale_to(to.row_mut(r), gate, dy);
                    }
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
        // Of four experts; one gate, and several of which some choose the same.
        let all: [&[&[usize]]; 3] = [&[&[0, 1, 2, 3]], &[&[0, 1, 2], &[2, 3], &[1, 2]], &[&[3], &[3, 0, 1, 2]]];
        for (n, choices) in (1..=40).zip(all.into_iter().cycle()) {
            let choices: Vec<Vec<usize>> = choices.iter().map(|chosen| chosen.to_vec()).collect();
            let gates: Vec<Vec<f32>> = (0..choices.len()).map(|t| numbers(5 + t, ROWS * choices[t].len())).collect();
            let experts: Vec<Vec<f32>> = (0..4).map(|e| numbers(16 + e, ROWS * n)).collect();
            let gate_views: Vec<_> = gates.iter().zip(&choices).map(|(gate, chosen)| mat(gate, chosen.len())).collect();
            let views: Vec<Mat<'_, f32>> = experts.iter().map(|expert| mat(expert, n)).collect();
            let width = choices.len() * n;
            let weight = |t: usize, r: usize, k: usize| gates[t][r * choices[t].len() + k];
            let expected = each(width, |r, c| {
                let (t, c) = (c / n, c % n);
                let terms = choices[t].iter().enumerate().map(|(k, &e)| (weight(t, r, k), experts[e][r * n + c]));
                let add = |sum: Option<f32>, (gate, x)| Some(sum.map_or(gate * x, |sum| f32::mul_add(gate, x, sum)));
                terms.fold(None, add).unwrap_or_default()
            });
            let before = numbers(20, ROWS * width);
            assert_eq!(after(&before, width, |y| mixtures(y, &gate_views, &views, &choices)), expected, "{n} columns");

            let last: Vec<Vec<bool>> = (0..choices.len())
                .map(|t| choices[t].iter().map(|e| choices[t + 1..].iter().all(|later| !later.contains(e))).collect())
                .collect();
            let (dy, before) = (numbers(21, ROWS * width), numbers(22, ROWS * n));
            for accumulate in [false, true] {
                let (mut to_gates, mut to_experts) = (gates.clone(), vec![before.clone(); 4]);
                let mut gradients: Vec<Gradient<'_, f32>> =
                    to_experts.iter_mut().map(|to| Some((MatMut::of(to, ROWS, n), accumulate))).collect();
                // One expert's is not asked for.
                gradients[2] = None;
                let widths = choices.iter().map(Vec::len);
                let mut of_gates: Vec<Gradient<'_, f32>> = to_gates
                    .iter_mut()
                    .zip(widths)
                    .map(|(to, k)| Some((MatMut::of(to, ROWS, k), accumulate)))
                    .collect();
                mixture_gradients(&mut of_gates, &mut gradients, mat(&dy, width), &gate_views, &views, &choices, &last);
                drop((of_gates, gradients));
                for (t, found) in to_gates.iter().enumerate() {
                    let expected = each(choices[t].len(), |r, k| {
                        let expert = &experts[choices[t][k]][r * n..][..n];
                        let d = dot(&dy[r * width + t * n..][..n], expert);
                        if accumulate { weight(t, r, k) + d } else { d }
                    });
                    assert_eq!(*found, expected, "{n} columns, gate {t}");
                }
                for (e, found) in to_experts.iter().enumerate() {
                    let expected = each(n, |r, c| {
                        let was = before[r * n + c];
                        if e == 2 {
                            return was;
                        }
                        let readers = (0..choices.len()).rev().filter_map(|t| {
                            let k = choices[t].iter().position(|&chosen| chosen == e)?;
                            Some((weight(t, r, k), dy[r * width + t * n + c]))
                        });
                        let sum = |sum: Option<f32>, (gate, dy): (f32, f32)| {
                            Some(sum.map_or(gate * dy, |sum| f32::mul_add(gate, dy, sum)))
                        };
                        readers.fold(accumulate.then_some(was), sum).unwrap_or(was)
                    });
                    assert_eq!(*found, expected, "{n} columns, expert {e}");
                }
            }
        }
    }
}
