//! Transposes, 16 × 16 numbers of 32 bits at a time.

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_storeu_si512,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use crate::kernels::gemm::{SIDE, Square, padded_columns, panels};

/// As [`Products::pack_transpose`](crate::kernels::gemm::Products::pack_transpose).
///
/// # Safety
/// The processor has AVX-512.
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) unsafe fn pack_transpose(packed: &[f32], k: usize, n: usize, rows: usize, out: &mut [f32]) {
    assert!(rows <= k && packed.len() >= k * padded_columns(n) && out.len() >= n * padded_columns(rows));
    for to in panels(n, rows) {
        for from in panels(k, n) {
            for row in (0..to.width).step_by(SIDE) {
                for column in (0..from.width).step_by(SIDE) {
                    let mut block = [_mm512_setzero_si512(); SIDE];
                    for (i, line) in block.iter_mut().enumerate().take(to.width - row) {
                        let at = from.offset + (to.column + row + i) * from.padded + column;
                        // SAFETY: the row lies before `rows`, and a panel's rows are whole blocks.
                        *line = unsafe { _mm512_loadu_si512(packed.as_ptr().add(at).cast()) };
                    }
                    for (j, line) in transpose(block).into_iter().enumerate().take(from.width - column) {
                        let at = to.offset + (from.column + column + j) * to.padded + row;
                        // SAFETY: the column lies before n, and a panel's rows are whole blocks.
                        unsafe { _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), line) };
                    }
                }
            }
        }
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
