//! Transposes, 16 × 16 numbers of 32 bits at a time.

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_storeu_si512,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use crate::kernels::gemm::{SIDE, Square};
use crate::kernels::turn::Block;

/// Turns a block.
///
/// # Safety
/// As [`pack_transpose`](crate::kernels::turn::pack_transpose) says; the processor has AVX-512.
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) unsafe fn block(block: Block) {
    let Block { from, ld, lines, to, to_ld, columns } = block;
    let mut all = [_mm512_setzero_si512(); SIDE];
    for (i, line) in all.iter_mut().enumerate().take(lines) {
        // SAFETY: the caller's promise.
        *line = unsafe { _mm512_loadu_si512(from.add(i * ld).cast()) };
    }
    for (j, line) in transpose(all).into_iter().enumerate().take(columns) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.add(j * to_ld).cast(), line) };
    }
}

/// As [`Products::turn`](crate::kernels::gemm::Products::turn).
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn turn(block: &mut Square<f32>) {
    let mut lines = [_mm512_setzero_si512(); SIDE];
    for (to, line) in lines.iter_mut().zip(block.iter()) {
        // SAFETY: a line is one vector.
        *to = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
    }
    for (line, to) in transpose(lines).into_iter().zip(block) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), line) };
    }
}

/// Lines become columns.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(a: [__m512i; SIDE]) -> [__m512i; SIDE] {
    // Within each 128-bit quarter: 4 × 4 numbers of four lines.
    let mut b = a;
    for i in (0..SIDE).step_by(4) {
        let low = [_mm512_unpacklo_epi32(a[i], a[i + 1]), _mm512_unpacklo_epi32(a[i + 2], a[i + 3])];
        let high = [_mm512_unpackhi_epi32(a[i], a[i + 1]), _mm512_unpackhi_epi32(a[i + 2], a[i + 3])];
        b[i] = _mm512_unpacklo_epi64(low[0], low[1]);
        b[i + 1] = _mm512_unpackhi_epi64(low[0], low[1]);
        b[i + 2] = _mm512_unpacklo_epi64(high[0], high[1]);
        b[i + 3] = _mm512_unpackhi_epi64(high[0], high[1]);
    }
    // Then 4 × 4 quarters: quarter q of b[4g + i] is quarter g of line 4q + i.
    let mut c = b;
    for i in 0..4 {
        let even = [_mm512_shuffle_i64x2::<0x88>(b[i], b[i + 4]), _mm512_shuffle_i64x2::<0x88>(b[i + 8], b[i + 12])];
        let odd = [_mm512_shuffle_i64x2::<0xdd>(b[i], b[i + 4]), _mm512_shuffle_i64x2::<0xdd>(b[i + 8], b[i + 12])];
        c[i] = _mm512_shuffle_i64x2::<0x88>(even[0], even[1]);
        c[i + 8] = _mm512_shuffle_i64x2::<0xdd>(even[0], even[1]);
        c[i + 4] = _mm512_shuffle_i64x2::<0x88>(odd[0], odd[1]);
        c[i + 12] = _mm512_shuffle_i64x2::<0xdd>(odd[0], odd[1]);
    }
    c
}
