//! Numbers rounded to bf16 and paired for the tiles.

use std::arch::x86_64::{
    __m256bh, __m256i, __m512, __m512bh, __m512i, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh, _mm512_cvtneps_pbh,
    _mm512_maskz_loadu_ps, _mm512_or_si512, _mm512_rol_epi32, _mm512_setzero_ps, _mm512_slli_epi32,
    _mm512_storeu_si512,
};

use crate::kernels::arena::Mat;
use crate::kernels::half::Pair;

/// Numbers of a vector of 16 that lie before the end.
fn mask(left: usize) -> u16 {
    if left >= 16 { u16::MAX } else { (1 << left) - 1 }
}

/// Pairs of neighbours within each row, for products over columns; gives the pairs from one row to the next.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn across(a: Mat<'_, f32>, out: &mut Vec<Pair>) -> usize {
    let ld = a.width().div_ceil(32) * 16;
    let all = a.rows() * ld;
    // What an earlier call left is overwritten.
    if out.len() < all {
        out.resize(all, 0);
    }
    for r in 0..a.rows() {
        let row = a.row(r);
        for (numbers, pairs) in row.chunks(32).zip(out[r * ld..][..ld].chunks_exact_mut(16)) {
            // SAFETY: the masks keep both loads inside the chunk, and the store fills 16 pairs.
            unsafe {
                let n = numbers.len();
                let low = _mm512_maskz_loadu_ps(mask(n), numbers.as_ptr());
                let high = if n > 16 {
                    _mm512_maskz_loadu_ps(mask(n - 16), numbers.as_ptr().add(16))
                } else {
                    _mm512_setzero_ps()
                };
                let halves: __m512i = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
                _mm512_storeu_si512(pairs.as_mut_ptr().cast(), _mm512_rol_epi32::<16>(halves));
            }
        }
    }
    ld
}

/// Pairs of neighbours within each of the columns `column..column + width`, for products over rows; gives the pairs
/// from one row to the next, the width padded to whole vectors with zeros.
///
/// # Safety
/// The processor has AVX-512 with bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn down(x: Mat<'_, f32>, column: usize, width: usize, out: &mut Vec<Pair>) -> usize {
    let ld = width.div_ceil(16) * 16;
    let all = x.rows().div_ceil(2) * ld;
    if out.len() < all {
        out.resize(all, 0);
    }
    for r in (0..x.rows()).step_by(2) {
        let above = &x.row(r)[column..][..width];
        let below = if r + 1 < x.rows() { Some(&x.row(r + 1)[column..][..width]) } else { None };
        for (i, pairs) in out[r / 2 * ld..][..ld].chunks_exact_mut(16).enumerate() {
            let mask = mask(width - 16 * i);
            // SAFETY: the mask keeps both loads inside the rows, and the store fills 16 pairs.
            unsafe {
                let first = wide(_mm512_maskz_loadu_ps(mask, above.as_ptr().add(16 * i)));
                let second = match below {
                    Some(below) => _mm512_maskz_loadu_ps(mask, below.as_ptr().add(16 * i)),
                    None => _mm512_setzero_ps(),
                };
                let pair = _mm512_or_si512(_mm512_slli_epi32::<16>(first), wide(second));
                _mm512_storeu_si512(pairs.as_mut_ptr().cast(), pair);
            }
        }
    }
    ld
}

/// 16 numbers rounded, each in the lower half of 32 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn wide(numbers: __m512) -> __m512i {
    // SAFETY: both types are 256 bits of which every pattern is a value.
    let halves = unsafe { std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(numbers)) };
    _mm512_cvtepu16_epi32(halves)
}
