//! Transposes, 8 × 8 numbers at a time.

use std::arch::x86_64::{
    __m256, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
    _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use crate::kernels::gemm::{SIDE, Square};
use crate::kernels::turn::Block;

/// Numbers of a vector.
const VECTOR: usize = 8;

/// Turns a block.
///
/// # Safety
/// As [`pack_transpose`](crate::kernels::turn::pack_transpose) says; the processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(in crate::kernels) unsafe fn block(block: Block) {
    let Block { from, ld, lines, to, to_ld, columns } = block;
    for line in (0..SIDE).step_by(VECTOR) {
        for column in (0..columns).step_by(VECTOR) {
            let mut part = [_mm256_setzero_ps(); VECTOR];
            for (i, part) in part.iter_mut().enumerate().take(lines.saturating_sub(line)) {
                // SAFETY: the caller's promise.
                *part = unsafe { _mm256_loadu_ps(from.add((line + i) * ld + column)) };
            }
            for (j, part) in transpose(part).into_iter().enumerate().take(columns - column) {
                // SAFETY: the caller's promise.
                unsafe { _mm256_storeu_ps(to.add((column + j) * to_ld + line), part) };
            }
        }
    }
}

/// As [`Products::turn`](crate::kernels::gemm::Products::turn).
///
/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(in crate::kernels) unsafe fn turn(square: &mut Square<f32>) {
    let lines = *square;
    let (from, to) = (lines.as_flattened().as_ptr(), square.as_flattened_mut().as_mut_ptr());
    // SAFETY: a square has as many lines of as many numbers.
    unsafe { block(Block { from, ld: SIDE, lines: SIDE, to, to_ld: SIDE, columns: SIDE }) };
}

/// Lines become columns.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose(a: [__m256; VECTOR]) -> [__m256; VECTOR] {
    // Within each half: 4 × 4 numbers of four lines.
    let mut b = a;
    for i in [0, 4] {
        let low = [_mm256_unpacklo_ps(a[i], a[i + 1]), _mm256_unpacklo_ps(a[i + 2], a[i + 3])];
        let high = [_mm256_unpackhi_ps(a[i], a[i + 1]), _mm256_unpackhi_ps(a[i + 2], a[i + 3])];
        b[i] = _mm256_shuffle_ps::<0x44>(low[0], low[1]);
        b[i + 1] = _mm256_shuffle_ps::<0xee>(low[0], low[1]);
        b[i + 2] = _mm256_shuffle_ps::<0x44>(high[0], high[1]);
        b[i + 3] = _mm256_shuffle_ps::<0xee>(high[0], high[1]);
    }
    // Then 2 × 2 halves.
    let mut c = b;
    for i in 0..4 {
        c[i] = _mm256_permute2f128_ps::<0x20>(b[i], b[i + 4]);
        c[i + 4] = _mm256_permute2f128_ps::<0x31>(b[i], b[i + 4]);
    }
    c
}
