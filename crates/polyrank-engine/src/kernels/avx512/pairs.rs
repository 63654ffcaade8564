//! Numbers rounded to bf16 and paired, as operands of products.

use std::arch::x86_64::{
    __m256bh, __m256i, __m512, __m512bh, __m512i, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh, _mm512_cvtneps_pbh,
    _mm512_maskz_loadu_ps, _mm512_or_si512, _mm512_rol_epi32, _mm512_setzero_ps, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_storeu_si512,
};

use super::turn::transpose;
use crate::kernels::arena::Mat;
use crate::kernels::gemm::{padded, panels};
use crate::kernels::half::{BLOCK, Left, Pair, blocks, right};

/// A stretch of rows of numbers: `rows` × `width`, rows `ld` apart.
#[derive(Clone, Copy)]
struct Lines {
    at: *const f32,
    ld: usize,
    rows: usize,
    width: usize,
}

impl Lines {
    fn of(x: Mat<'_, f32>) -> Lines {
        Lines { at: x.as_ptr(), ld: x.ld(), rows: x.rows(), width: x.width() }
    }

    /// A panel of a packed matrix of `rows` rows.
    fn of_panel(panel: &[f32], rows: usize, width: usize) -> Lines {
        assert!(panel.len() >= rows * padded(width));
        Lines { at: panel.as_ptr(), ld: padded(width), rows, width }
    }
}

/// Numbers of a vector of 16 that lie before the end.
fn mask(left: usize) -> u16 {
    if left >= 16 { u16::MAX } else { (1 << left) - 1 }
}

/// The rows of `a`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn left(a: Mat<'_, f32>, out: &mut Left) {
    out.resize(a.rows(), a.width());
    let lines = Lines::of(a);
    for r in 0..a.rows() {
        for (b, to) in out.row_mut(r).chunks_exact_mut(BLOCK).enumerate() {
            // SAFETY: row r has numbers up to its width, and the store fills a block.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), neighbours(lines, r, b)) };
        }
    }
}

/// The columns of `x`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn left_turned(x: Mat<'_, f32>, out: &mut Left) {
    out.resize(x.width(), x.rows());
    let lines = Lines::of(x);
    for from in (0..x.width()).step_by(BLOCK) {
        for b in 0..blocks(x.rows()) {
            // SAFETY: column `from` lies before the width.
            let turned = transpose(unsafe { below(lines, b, from) });
            for (i, line) in turned.into_iter().enumerate().take(x.width() - from) {
                let to = &mut out.row_mut(from + i)[b * BLOCK..][..BLOCK];
                // SAFETY: the store fills a block.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), line) };
            }
        }
    }
}

/// The columns of `x`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn right(x: Mat<'_, f32>, out: &mut Vec<Pair>) {
    right::resize(out, x.rows(), x.width());
    // SAFETY: the caller's promise.
    unsafe { columns(Lines::of(x), out) };
}

/// The columns of a packed matrix `[k, n]`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn right_packed(packed: &[f32], k: usize, n: usize, out: &mut Vec<Pair>) {
    right::resize(out, k, n);
    let height = blocks(k) * BLOCK;
    for panel in panels(k, n) {
        let to = &mut out[panel.column * height..][..panel.padded * height];
        // SAFETY: the caller's promise.
        unsafe { columns(Lines::of_panel(&packed[panel.offset..], k, panel.width), to) };
    }
}

/// The rows of a packed matrix `[k, n]`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn right_packed_turned(packed: &[f32], k: usize, n: usize, out: &mut Vec<Pair>) {
    right::resize(out, n, k);
    let height = blocks(n) * BLOCK;
    for panel in panels(k, n) {
        let lines = Lines::of_panel(&packed[panel.offset..], k, panel.width);
        for row in (0..k).step_by(BLOCK) {
            for b in 0..blocks(panel.width) {
                let mut all = [_mm512_setzero_si512(); BLOCK];
                for (i, line) in all.iter_mut().enumerate().take(k - row) {
                    // SAFETY: row + i lies before k.
                    *line = unsafe { neighbours(lines, row + i, b) };
                }
                let to = &mut out[row * height + (panel.column / 2 + b * BLOCK) * BLOCK..][..BLOCK * BLOCK];
                for (line, to) in transpose(all).into_iter().zip(to.chunks_exact_mut(BLOCK)) {
                    // SAFETY: the store fills a block's line.
                    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), line) };
                }
            }
        }
    }
}

/// The blocks of all columns.
///
/// # Safety
/// The processor has AVX-512 with bf16; the lines lie inside their buffer.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn columns(lines: Lines, out: &mut [Pair]) {
    let all = out.chunks_exact_mut(BLOCK * BLOCK);
    for (i, to) in all.enumerate().take(blocks(lines.rows) * lines.width.div_ceil(BLOCK)) {
        let (column, b) = (i / blocks(lines.rows) * BLOCK, i % blocks(lines.rows));
        // SAFETY: the column lies before the width.
        let block = unsafe { below(lines, b, column) };
        for (line, to) in block.into_iter().zip(to.chunks_exact_mut(BLOCK)) {
            // SAFETY: the store fills a block's line.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), line) };
        }
    }
}

/// Block `b` of the pairs of neighbours of row `r`.
///
/// # Safety
/// The processor has AVX-512 with bf16; the row lies inside its buffer.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn neighbours(lines: Lines, r: usize, b: usize) -> __m512i {
    let from = b * 2 * BLOCK;
    if from >= lines.width {
        return _mm512_setzero_si512();
    }
    let left = lines.width - from;
    // SAFETY: the masks keep both loads inside the row.
    unsafe {
        let at = lines.at.add(r * lines.ld + from);
        let low = _mm512_maskz_loadu_ps(mask(left), at);
        let high = if left > 16 { _mm512_maskz_loadu_ps(mask(left - 16), at.add(16)) } else { _mm512_setzero_ps() };
        let halves: __m512i = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
        _mm512_rol_epi32::<16>(halves)
    }
}

/// Block `b` of the pairs of the columns from `column` on: a vector a pair of rows.
///
/// # Safety
/// The processor has AVX-512 with bf16; the lines lie inside their buffer, and the column before their width.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn below(lines: Lines, b: usize, column: usize) -> [__m512i; BLOCK] {
    let mask = mask(lines.width - column);
    let mut block = [_mm512_setzero_si512(); BLOCK];
    for (p, line) in block.iter_mut().enumerate() {
        let r = 2 * (b * BLOCK + p);
        if r >= lines.rows {
            break;
        }
        // SAFETY: the mask keeps both loads inside the rows.
        unsafe {
            let at = lines.at.add(r * lines.ld + column);
            let first = wide(_mm512_maskz_loadu_ps(mask, at));
            *line = _mm512_slli_epi32::<16>(first);
            if r + 1 < lines.rows {
                *line = _mm512_or_si512(*line, wide(_mm512_maskz_loadu_ps(mask, at.add(lines.ld))));
            }
        }
    }
    block
}

/// 16 numbers rounded, each in the lower half of 32 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn wide(numbers: __m512) -> __m512i {
    // SAFETY: both types are 256 bits of which every pattern is a value.
    let halves = unsafe { std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(numbers)) };
    _mm512_cvtepu16_epi32(halves)
}
