//! Numbers rounded to bf16 and paired, as operands of products.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _CMP_GT_OQ, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_cvtne2ps_pbh,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_permutex2var_epi16, _mm512_permutexvar_epi16,
    _mm512_rol_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_si512,
};

use super::turn::transpose;
use crate::kernels::arena::Mat;
use crate::kernels::buffer::Buffer;
use crate::kernels::gemm::{padded, panels};
use crate::kernels::gradient::Gradient;
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

/// As [`HalfProducts::gradient`](crate::kernels::half::HalfProducts::gradient): two rows and 32 columns at a time.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn gradient(
    gradient: &mut Gradient<'_, f32>,
    mut left: Option<&mut Left>,
    right: &mut Buffer<Pair>,
) {
    let Gradient { dy, relu, sums } = gradient;
    let dy = Lines::of(dy.as_mat());
    let y = relu.map(Lines::of);
    right::resize(right, dy.rows, dy.width);
    if let Some(left) = &mut left {
        left.resize(dy.rows, dy.width);
    }
    assert!(y.is_none_or(|y| (y.rows, y.width) == (dy.rows, dy.width)), "relu's output beside its gradient");
    assert!(sums.as_ref().is_none_or(|sums| sums.len() == dy.width), "a sum a column");
    let height = blocks(dy.rows) * BLOCK;
    // Of two rows of 32 halves: the lower one's number beside the upper one's, for either half of the columns.
    let [low, high] = [0, BLOCK].map(|from| alternating(from, 2 * BLOCK + from));
    for column in (0..dy.width).step_by(2 * BLOCK) {
        let masks =
            [mask(dy.width - column), if dy.width - column > BLOCK { mask(dy.width - column - BLOCK) } else { 0 }];
        // Rows past the end, and columns past it, are zeros.
        let row = |r: usize| {
            let mut both = [_mm512_setzero_ps(); 2];
            if r < dy.rows {
                for (half, both) in both.iter_mut().enumerate() {
                    // SAFETY: the masks keep the loads inside row r of both matrices.
                    unsafe {
                        let from = column + half * BLOCK;
                        let mut keep = masks[half];
                        if let Some(y) = y {
                            let y = _mm512_maskz_loadu_ps(keep, y.at.wrapping_add(r * y.ld + from));
                            keep = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(y, _mm512_setzero_ps());
                        }
                        *both = _mm512_maskz_loadu_ps(keep, dy.at.wrapping_add(r * dy.ld + from));
                    }
                }
            }
            both
        };
        let mut totals = [_mm512_setzero_ps(); 2];
        if let Some(sums) = sums {
            for (half, total) in totals.iter_mut().enumerate() {
                // SAFETY: the mask keeps the load inside the sums.
                *total =
                    unsafe { _mm512_maskz_loadu_ps(masks[half], sums.as_ptr().wrapping_add(column + half * BLOCK)) };
            }
        }
        let (one, two) = right[column * height..].split_at_mut(BLOCK * height);
        let (mut one, mut two) = (one.chunks_exact_mut(BLOCK), two.chunks_exact_mut(BLOCK));
        for r in (0..2 * height).step_by(2) {
            let (above, below) = (row(r), row(r + 1));
            let halves = [above, below].map(|[low, high]| _mm512_cvtne2ps_pbh(high, low));
            // SAFETY: both types are 512 bits of which every pattern is a value.
            let halves = halves.map(|halves| unsafe { std::mem::transmute::<__m512bh, __m512i>(halves) });
            for (_, numbers) in (r..dy.rows).zip([above, below]) {
                for half in 0..2 {
                    totals[half] = _mm512_add_ps(totals[half], numbers[half]);
                }
            }
            if let Some(left) = &mut left {
                for (r, halves) in (r..dy.rows).zip(halves) {
                    let to = &mut left.row_mut(r)[column / 2..][..BLOCK];
                    // SAFETY: the store fills a block.
                    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_rol_epi32::<16>(halves)) };
                }
            }
            for (line, order) in [(one.next(), low), (two.next(), high)] {
                if let Some(line) = line {
                    let pairs = _mm512_permutex2var_epi16(halves[1], order, halves[0]);
                    // SAFETY: the store fills a block's line.
                    unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), pairs) };
                }
            }
        }
        if let Some(sums) = sums {
            for (half, total) in totals.into_iter().enumerate() {
                // SAFETY: the mask keeps the store inside the sums.
                unsafe {
                    _mm512_mask_storeu_ps(sums.as_mut_ptr().wrapping_add(column + half * BLOCK), masks[half], total)
                };
            }
        }
    }
}

/// The columns of a packed matrix `[k, n]`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn right_packed(packed: &[f32], k: usize, n: usize, out: &mut Buffer<Pair>) {
    right::resize(out, k, n);
    let height = blocks(k) * BLOCK;
    for panel in panels(k, n) {
        let to = &mut out[panel.column * height..][..panel.padded * height];
        // SAFETY: the caller's promise.
        unsafe { columns(Lines::of_panel(&packed[panel.offset..], k, panel.width), to) };
    }
}

/// The first `rows` rows of a packed matrix `[k, n]`.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn right_packed_turned(
    packed: &[f32],
    k: usize,
    n: usize,
    rows: usize,
    out: &mut Buffer<Pair>,
) {
    assert!(rows <= k, "rows of a packed matrix");
    right::resize(out, n, rows);
    let height = blocks(n) * BLOCK;
    for panel in panels(k, n) {
        let lines = Lines::of_panel(&packed[panel.offset..], k, panel.width);
        for row in (0..rows).step_by(BLOCK) {
            for b in 0..blocks(panel.width) {
                let mut all = [_mm512_setzero_si512(); BLOCK];
                for (i, line) in all.iter_mut().enumerate().take(rows - row) {
                    // SAFETY: row + i lies before `rows`.
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
        neighbours_of([low, high])
    }
}

/// The pairs of neighbours of 32 numbers.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(in crate::kernels) unsafe fn neighbours_of([low, high]: [__m512; 2]) -> __m512i {
    // SAFETY: both types are 512 bits of which every pattern is a value.
    let halves = unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)) };
    _mm512_rol_epi32::<16>(halves)
}

/// Block `b` of the pairs of the columns from `column` on: a vector a pair of rows.
///
/// # Safety
/// The processor has AVX-512 with bf16; the lines lie inside their buffer, and the column before their width.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn below(lines: Lines, b: usize, column: usize) -> [__m512i; BLOCK] {
    let mask = mask(lines.width - column);
    let order = alternating(0, BLOCK);
    let mut block = [_mm512_setzero_si512(); BLOCK];
    for (p, line) in block.iter_mut().enumerate() {
        let r = 2 * (b * BLOCK + p);
        if r >= lines.rows {
            break;
        }
        // SAFETY: the mask keeps both loads inside the rows; both types are 512 bits of which every pattern is a value.
        let halves = unsafe {
            let at = lines.at.add(r * lines.ld + column);
            let above = _mm512_maskz_loadu_ps(mask, at);
            let below =
                if r + 1 < lines.rows { _mm512_maskz_loadu_ps(mask, at.add(lines.ld)) } else { _mm512_setzero_ps() };
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(above, below))
        };
        *line = _mm512_permutexvar_epi16(order, halves);
    }
    block
}

/// The order of halves that puts those from `first` on in the lower halves of 16 pairs, those from `second` on in the upper.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn alternating(first: usize, second: usize) -> __m512i {
    let order: [u32; BLOCK] = std::array::from_fn(|i| ((second + i) << 16 | (first + i)) as u32);
    // SAFETY: both types are 512 bits of which every pattern is a value.
    unsafe { std::mem::transmute(order) }
}
