//! Matrix products over packed weights.
//!
//! A weight matrix `[k, n]` is stored as *panels* of up to 64 columns: panel j holds rows 0..k of columns 64j.., each
//! row contiguous and padded with zeros to 16, 32, 48 or 64 columns. Gradients and optimizer state use the same layout, so
//! that nothing is repacked between a step's update and the next step's forward product.

use std::ops::Range;

use super::arena::{Mat, MatMut};
use super::gradient::Gradient;
use super::{Isa, portable};
#[cfg(vectors)]
use super::{avx2, avx512, turn};

/// Widest panel, columns.
pub(crate) const PANEL: usize = 64;

/// Columns that a panel of `width` columns is padded to.
pub(crate) fn padded(width: usize) -> usize {
    width.div_ceil(16) * 16
}

/// Columns that `n` columns take once cut into panels.
pub(crate) fn padded_columns(n: usize) -> usize {
    n / PANEL * PANEL + padded(n % PANEL)
}

/// One panel of a packed matrix with k rows and n columns.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    /// First column.
    pub(crate) column: usize,
    /// Columns that count.
    pub(crate) width: usize,
    /// Columns stored.
    pub(crate) padded: usize,
    /// Where its storage starts.
    pub(crate) offset: usize,
}

/// The panels of a packed matrix `[k, n]`.
pub(crate) fn panels(k: usize, n: usize) -> impl Iterator<Item = Panel> {
    (0..n).step_by(PANEL).map(move |column| {
        let width = PANEL.min(n - column);
        Panel { column, width, padded: padded(width), offset: column * k }
    })
}

/// What the chain of a product starts from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// Zero.
    Zero,
    /// One number a column, padded like a panel row.
    Bias(&'a [T]),
    /// What the output holds.
    Output,
}

/// A number type with its product kernels.
pub(crate) trait Products: Copy + Sized {
    /// `c[r, j] = start + Σ_k a[r, k]·b[k, j]`, then relu if asked; b is packed `[k, n]`, n = `c.width()`.
    fn product(a: Mat<'_, Self>, b: &[Self], start: Start<'_, Self>, relu: bool, c: &mut MatMut<'_, Self>);

    /// Finishes the gradient, then `dw[i, j] (+)= Σ_r x[r, i]·dy[r, j]`; dw is packed `[x.width(), dy.width()]`.
    fn outer(x: Mat<'_, Self>, dy: &mut Gradient<'_, Self>, dw: &mut [Self], accumulate: bool);

    /// Packs the transpose `[n, rows]` of a packed matrix's `[k, n]` first rows; what pads its columns, zeros, stays so.
    fn pack_transpose(packed: &[Self], k: usize, n: usize, rows: usize, out: &mut [Self]);

    /// Makes the lines of a block its columns.
    fn turn(block: &mut Square<Self>) {
        portable::turn(block);
    }
}

/// Lines and columns of a [`Square`]: numbers of the widest vector.
pub(crate) const SIDE: usize = 16;
/// A block that fits in vector registers.
pub(crate) type Square<T> = [[T; SIDE]; SIDE];

impl Products for f32 {
    fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
        check(&a, b.len(), &start, c);
        match Isa::current() {
            #[cfg(vectors)]
            Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => avx512::product(a, b, start, relu, c),
            #[cfg(vectors)]
            Isa::Avx2 => avx2::product(a, b, start, relu, c),
            _ => portable::product(a, b, start, relu, c),
        }
    }

    fn outer(x: Mat<'_, f32>, dy: &mut Gradient<'_, f32>, dw: &mut [f32], accumulate: bool) {
        check_outer(&x, &dy.dy, dw.len());
        match Isa::current() {
            #[cfg(vectors)]
            Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => avx512::outer(x, dy, dw, accumulate),
            #[cfg(vectors)]
            Isa::Avx2 => avx2::outer(x, dy, dw, accumulate),
            _ => portable::outer(x, dy.finish(), dw, accumulate),
        }
    }

    fn pack_transpose(packed: &[f32], k: usize, n: usize, rows: usize, out: &mut [f32]) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512.
            #[cfg(vectors)]
            Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => unsafe {
                turn::pack_transpose(packed, k, n, rows, out, avx512::turn::block);
            },
            // SAFETY: the processor has AVX2 and FMA.
            #[cfg(vectors)]
            Isa::Avx2 => unsafe { turn::pack_transpose(packed, k, n, rows, out, avx2::turn::block) },
            _ => portable::pack_transpose(packed, k, n, rows, out),
        }
    }

    #[cfg(vectors)]
    fn turn(block: &mut Square<f32>) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512.
            Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => unsafe { avx512::turn::turn(block) },
            // SAFETY: the processor has AVX2 and FMA.
            Isa::Avx2 => unsafe { avx2::turn::turn(block) },
            Isa::Portable => portable::turn(block),
        }
    }
}

impl Products for f64 {
    fn product(a: Mat<'_, f64>, b: &[f64], start: Start<'_, f64>, relu: bool, c: &mut MatMut<'_, f64>) {
        check(&a, b.len(), &start, c);
        portable::product(a, b, start, relu, c);
    }

    fn outer(x: Mat<'_, f64>, dy: &mut Gradient<'_, f64>, dw: &mut [f64], accumulate: bool) {
        check_outer(&x, &dy.dy, dw.len());
        portable::outer(x, dy.finish(), dw, accumulate);
    }

    fn pack_transpose(packed: &[f64], k: usize, n: usize, rows: usize, out: &mut [f64]) {
        portable::pack_transpose(packed, k, n, rows, out);
    }
}

// The vector kernels read through raw pointers: these checks are what makes them sound.
fn check<T: Copy>(a: &Mat<'_, T>, b_len: usize, start: &Start<'_, T>, c: &MatMut<'_, T>) {
    assert_eq!(b_len, a.width() * padded_columns(c.width()), "packed weights of a product");
    assert_eq!(a.rows(), c.rows(), "rows of a product");
    if let Start::Bias(bias) = start {
        assert!(bias.len() >= padded_columns(c.width()), "bias of a product");
    }
}

fn check_outer<T: Copy>(x: &Mat<'_, T>, dy: &MatMut<'_, T>, dw_len: usize) {
    assert_eq!(x.rows(), dy.rows(), "rows of an outer product");
    assert_eq!(dw_len, x.width() * padded_columns(dy.width()), "packed gradient of an outer product");
}

/// Calls `f` with where pieces of the given columns of a packed matrix `[k, n]` lie in it, and where in a row-major matrix of
/// those columns.
fn pieces(k: usize, n: usize, columns: &Range<usize>, mut f: impl FnMut(Range<usize>, Range<usize>)) {
    for panel in panels(k, n) {
        let from = columns.start.max(panel.column);
        let width = columns.end.min(panel.column + panel.width).saturating_sub(from);
        for row in (0..k).filter(|_| width > 0) {
            let packed = panel.offset + row * panel.padded + from - panel.column;
            let plain = row * columns.len() + from - columns.start;
            f(packed..packed + width, plain..plain + width);
        }
    }
}

/// Writes a row-major matrix into the given columns of a packed matrix `[k, n]`; the others, and what pads them, stay.
pub(crate) fn pack<T: Copy>(matrix: &[T], k: usize, n: usize, columns: &Range<usize>, out: &mut [T]) {
    pieces(k, n, columns, |packed, plain| out[packed].copy_from_slice(&matrix[plain]));
}

/// The given columns of a packed matrix `[k, n]`, row-major.
pub(crate) fn unpack<T: Copy + Default>(packed: &[T], k: usize, n: usize, columns: &Range<usize>) -> Vec<T> {
    let mut matrix = vec![T::default(); k * columns.len()];
    pieces(k, n, columns, |from, plain| matrix[plain].copy_from_slice(&packed[from]));
    matrix
}

/// As [`pack`] and [`unpack`], of all columns, for tests.
#[cfg(test)]
pub(crate) mod whole {
    /// What pads the columns becomes zeros.
    pub(crate) fn pack<T: Copy + Default>(matrix: &[T], k: usize, n: usize, out: &mut [T]) {
        out.fill(T::default());
        super::pack(matrix, k, n, &(0..n), out);
    }

    pub(crate) fn unpack<T: Copy + Default>(packed: &[T], k: usize, n: usize) -> Vec<T> {
        super::unpack(packed, k, n, &(0..n))
    }
}
