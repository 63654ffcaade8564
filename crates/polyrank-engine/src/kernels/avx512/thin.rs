//! Products of few columns, as a gate's logits or a task's output: a tile's vector of 16 columns would be mostly padding.
//! Each number is the sum that a tile gives, in the same order.

use std::arch::x86_64::{
    __mmask16, _mm512_castsi512_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_maskz_loadu_epi32, _mm512_maskz_loadu_ps,
    _mm512_max_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps,
};

use super::turn::transpose;
use crate::kernels::arena::{Mat, MatMut};
use crate::kernels::gemm::{SIDE, Start};

/// Columns of a thin product, at most.
pub(super) const MOST: usize = 4;
/// Fewer rows are a tile's.
pub(super) const LEAST_ROWS: usize = SIDE;
/// Vectors of x's columns beside each other.
const VECTORS: usize = 4;

/// The first `left` columns of a vector, all if there are as many.
fn mask(left: usize) -> __mmask16 {
    if left >= SIDE { u16::MAX } else { (1 << left) - 1 }
}

/// As [`Products::product`](crate::kernels::gemm::Products::product), of at most [`MOST`] columns: a vector is one column of
/// 16 rows, to which the rows of a block are turned.
///
/// # Safety
/// The processor has AVX-512; b is packed for `[a.width(), c.width()]` and a has c's rows.
pub(super) unsafe fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: the caller's promise.
    unsafe {
        match c.width() {
            1 => columns::<1>(a, b, start, relu, c),
            2 => columns::<2>(a, b, start, relu, c),
            3 => columns::<3>(a, b, start, relu, c),
            MOST => columns::<MOST>(a, b, start, relu, c),
            wide => unreachable!("a thin product of {wide} columns"),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
unsafe fn columns<const N: usize>(
    a: Mat<'_, f32>,
    b: &[f32],
    start: Start<'_, f32>,
    relu: bool,
    c: &mut MatMut<'_, f32>,
) {
    let (k, (b, _)) = (a.width(), b.as_chunks::<SIDE>());
    for from in (0..c.rows()).step_by(SIDE) {
        let rows = SIDE.min(c.rows() - from);
        let mut numbers = [[0.0; SIDE]; N];
        match start {
            Start::Zero => {}
            Start::Bias(bias) => (0..N).for_each(|j| numbers[j] = [bias[j]; SIDE]),
            Start::Output => {
                for r in 0..rows {
                    for (numbers, &c) in numbers.iter_mut().zip(c.row(from + r)) {
                        numbers[r] = c;
                    }
                }
            }
        }
        // SAFETY: an array of 16 numbers is one vector.
        let mut sums = numbers.map(|numbers| unsafe { _mm512_loadu_ps(numbers.as_ptr()) });
        for column in (0..k).step_by(SIDE) {
            let steps = SIDE.min(k - column);
            let mut block = [_mm512_setzero_si512(); SIDE];
            for (r, row) in block.iter_mut().enumerate().take(rows) {
                // SAFETY: the mask keeps the load inside row from + r of a.
                *row = unsafe {
                    _mm512_maskz_loadu_epi32(mask(steps), a.as_ptr().add((from + r) * a.ld() + column).cast())
                };
            }
            for (x, w) in transpose(block).into_iter().zip(&b[column..][..steps]) {
                for j in 0..N {
                    sums[j] = _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_set1_ps(w[j]), sums[j]);
                }
            }
        }
        for (numbers, sum) in numbers.iter_mut().zip(sums) {
            let sum = if relu { _mm512_max_ps(sum, _mm512_setzero_ps()) } else { sum };
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), sum) };
        }
        for r in 0..rows {
            for (numbers, c) in numbers.iter().zip(c.row_mut(from + r)) {
                *c = numbers[r];
            }
        }
    }
}

/// As [`Products::outer`](crate::kernels::gemm::Products::outer), of a gradient of at most [`MOST`] columns: a vector is 16
/// of x's columns.
///
/// # Safety
/// The processor has AVX-512; x and dy have as many rows, and dw is packed for `[x.width(), dy.width()]`.
pub(super) unsafe fn outer(x: Mat<'_, f32>, dy: Mat<'_, f32>, dw: &mut [f32], accumulate: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        match dy.width() {
            1 => lines::<1>(x, dy, dw, accumulate),
            2 => lines::<2>(x, dy, dw, accumulate),
            3 => lines::<3>(x, dy, dw, accumulate),
            MOST => lines::<MOST>(x, dy, dw, accumulate),
            wide => unreachable!("a thin gradient of {wide} columns"),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
unsafe fn lines<const N: usize>(x: Mat<'_, f32>, dy: Mat<'_, f32>, dw: &mut [f32], accumulate: bool) {
    let (dw, _) = dw.as_chunks_mut::<SIDE>();
    for column in (0..x.width()).step_by(VECTORS * SIDE) {
        let width = (VECTORS * SIDE).min(x.width() - column);
        let dw = &mut dw[column..][..width];
        let mut numbers = [[[0.0; SIDE]; VECTORS]; N];
        if accumulate {
            for (i, line) in dw.iter().enumerate() {
                (0..N).for_each(|j| numbers[j].as_flattened_mut()[i] = line[j]);
            }
        }
        // SAFETY: an array of 16 numbers is one vector.
        let load = |numbers: [f32; SIDE]| unsafe { _mm512_loadu_ps(numbers.as_ptr()) };
        let mut sums = numbers.map(|all| all.map(load));
        let masks: [__mmask16; VECTORS] = std::array::from_fn(|v| mask(width.saturating_sub(v * SIDE)));
        for r in 0..x.rows() {
            let mut part = [_mm512_setzero_ps(); VECTORS];
            for v in 0..VECTORS {
                // SAFETY: the mask keeps the load inside row r of x; where it is empty, nothing is read.
                part[v] =
                    unsafe { _mm512_maskz_loadu_ps(masks[v], x.as_ptr().wrapping_add(r * x.ld() + column + v * SIDE)) };
            }
            let dy = dy.row(r);
            for j in 0..N {
                let d = _mm512_set1_ps(dy[j]);
                for v in 0..VECTORS {
                    sums[j][v] = _mm512_fmadd_ps(part[v], d, sums[j][v]);
                }
            }
        }
        for (numbers, sums) in numbers.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), *sums) };
        }
        for (i, to) in dw.iter_mut().enumerate() {
            let mut line = [0.0; SIDE];
            (0..N).for_each(|j| line[j] = numbers[j].as_flattened()[i]);
            *to = line;
        }
    }
}
