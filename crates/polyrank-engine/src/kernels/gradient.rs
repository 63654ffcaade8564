//! The gradient of a layer's output, on its way into the layer's two products.
//!
//! Three things happen to it first: relu's own gradient, the sums that are the bias's gradient, and being put as a product
//! reads it. Each alone would read it once more, from a cache that is far by then; together they are one pass.

use super::arena::{Mat, MatMut};
use super::by_row::{BLOCK, add_rows, both, kept, relu_gradients};
use super::gemm::Panel;
use super::simd;
use crate::real::Real;

/// The gradient `[rows, n]` of a layer's output.
pub(crate) struct Gradient<'a, T> {
    /// The numbers. Who puts them as both products read them need not write relu's zeros back.
    pub(crate) dy: MatMut<'a, T>,
    /// The layer's output, if relu made it: the gradient passes where that is positive.
    pub(crate) relu: Option<Mat<'a, T>>,
    /// To add the sums over rows to, `[n]`, in the order of the rows.
    pub(crate) sums: Option<&'a mut [T]>,
}

impl<T: Real> Gradient<'_, T> {
    /// Relu's gradient, and the sums, where no pass does it along with something else; gives what products read.
    pub(crate) fn finish(&mut self) -> Mat<'_, T> {
        if let Some(y) = self.relu {
            relu_gradients(&mut self.dy, y);
        }
        if let Some(sums) = &mut self.sums {
            add_rows(sums, self.dy.as_mat());
        }
        self.dy.as_mat()
    }
}

simd! {
    /// Does what [`Gradient::finish`] does for a panel's columns, and copies them to `out`, rows padded with zeros.
    pub(crate) fn pack_panel<T: Real>(gradient: &mut Gradient<'_, T>, panel: Panel, out: &mut [T]) {
        match panel.width / BLOCK {
            4 => pack_blocks::<T, 4>(gradient, panel, out),
            3 => pack_blocks::<T, 3>(gradient, panel, out),
            2 => pack_blocks::<T, 2>(gradient, panel, out),
            1 => pack_blocks::<T, 1>(gradient, panel, out),
            _ => {}
        }
        for column in panel.width / BLOCK * BLOCK..panel.padded {
            pack_column(gradient, panel, column, out);
        }
    }
}

/// The panel's first B blocks of columns.
#[inline(always)]
fn pack_blocks<T: Real, const B: usize>(gradient: &mut Gradient<'_, T>, panel: Panel, out: &mut [T]) {
    let Gradient { dy, relu, sums } = gradient;
    let mut totals = [[T::ZERO; BLOCK]; B];
    if let Some(sums) = sums {
        totals.as_flattened_mut().copy_from_slice(&sums[panel.column..][..B * BLOCK]);
    }
    for (r, out) in out.chunks_exact_mut(panel.padded).enumerate().take(dy.rows()) {
        let (out, _) = out.as_chunks_mut::<BLOCK>();
        let (line, _) = dy.row_mut(r)[panel.column..].as_chunks_mut::<BLOCK>();
        let (out, line) = (&mut out[..B], &mut line[..B]);
        if let Some(y) = relu {
            let (y, _) = y.row(r)[panel.column..].as_chunks::<BLOCK>();
            let y = &y[..B];
            // To `out` first: written back where it was read, a choice of zero becomes a store with a mask, which AVX2 has
            // but AMD's processors do in microcode.
            for b in 0..B {
                out[b] = both(line[b], y[b], kept);
            }
            line.copy_from_slice(out);
        } else {
            out.copy_from_slice(line);
        }
        for b in 0..B {
            for i in 0..BLOCK {
                totals[b][i] += out[b][i];
            }
        }
    }
    if let Some(sums) = sums {
        sums[panel.column..][..B * BLOCK].copy_from_slice(totals.as_flattened());
    }
}

/// One column of the panel; those past its width become zeros.
#[inline(always)]
fn pack_column<T: Real>(gradient: &mut Gradient<'_, T>, panel: Panel, column: usize, out: &mut [T]) {
    let (from, there) = (panel.column + column, column < panel.width);
    for (r, out) in out.chunks_exact_mut(panel.padded).enumerate().take(gradient.dy.rows()) {
        out[column] = T::ZERO;
        if there {
            let g = &mut gradient.dy.row_mut(r)[from];
            if let Some(y) = gradient.relu {
                *g = kept(*g, y.row(r)[from]);
            }
            out[column] = *g;
            if let Some(sums) = &mut gradient.sums {
                sums[from] += *g;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::buffer::Buffer;
    use crate::kernels::gemm::panels;
    use crate::kernels::half::{self, HalfProducts, Left};

    impl<'a, T: Real> Gradient<'a, T> {
        /// Of a layer without relu and bias.
        pub(crate) fn plain(dy: &'a mut MatMut<'_, T>) -> Gradient<'a, T> {
            Gradient { dy: dy.again(), relu: None, sums: None }
        }
    }

    fn numbers(salt: usize, n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 + salt * 11) % 29) as f32 / 7.0 - 2.0).collect()
    }

    /// What `f` leaves of the numbers and the sums of a layer of `n` units.
    fn after(
        rows: usize,
        n: usize,
        (relu, bias): (bool, bool),
        f: impl FnOnce(&mut Gradient<'_, f32>),
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut dy, y, mut sums) = (numbers(1, rows * n), numbers(2, rows * n), numbers(3, n));
        f(&mut Gradient {
            dy: MatMut::of(&mut dy, rows, n),
            relu: relu.then(|| Mat::of(&y, rows, n)),
            sums: bias.then_some(&mut sums),
        });
        (dy, sums)
    }

    #[test]
    fn one_pass_does_what_the_parts_do() {
        for (n, rows) in (1..=140).zip([1, 2, 7, 32, 33, 64].into_iter().cycle()) {
            for layer in [(false, false), (false, true), (true, false), (true, true)] {
                let what = format!("{rows} rows of {n} units, relu and bias {layer:?}");
                let (dy, sums) = after(rows, n, layer, |gradient| {
                    gradient.finish();
                });
                let mut packed = Vec::new();
                let packs = after(rows, n, layer, |gradient| {
                    for panel in panels(rows, n) {
                        let mut out = vec![7.0; rows * panel.padded];
                        pack_panel(gradient, panel, &mut out);
                        packed.append(&mut out);
                    }
                });
                assert_eq!(packs, (dy.clone(), sums.clone()), "{what}");
                let mut expected = vec![7.0; packed.len()];
                crate::kernels::gemm::whole::pack(&dy, rows, n, &mut expected);
                assert_eq!(packed, expected, "{what}");

                let operands = |make: fn(&mut Gradient<'_, f32>, Option<&mut Left>, &mut Buffer<half::Pair>)| {
                    let (mut left, mut right) = (Left::default(), Buffer::of(40, 7));
                    // What an earlier use left must not show.
                    f32::left(Mat::of(&[9.0; 150 * 150], 150, 150), &mut left);
                    let (_, sums) = after(rows, n, layer, |gradient| make(gradient, Some(&mut left), &mut right));
                    let lines: Vec<_> = (0..rows).map(|r| left.row(r).to_vec()).collect();
                    assert_eq!((left.rows(), left.steps()), (rows, n), "{what}");
                    (lines, right.to_vec(), sums)
                };
                let (lines, right, same) = operands(f32::gradient);
                assert_eq!((lines, right, same.clone()), operands(half::gradient), "{what}");
                assert_eq!(same, sums, "{what}");
            }
        }
    }
}
