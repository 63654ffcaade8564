//! Tiles of up to 6 rows × 64 columns: 24 sums, 4 columns, 1 broadcast.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, __mmask16, _MM_HINT_T1, _mm_prefetch, _mm512_dpbf16_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::Avx512;
use crate::kernels::gemm::Panel;
use crate::kernels::half::{BLOCK, Pair};
use crate::kernels::tiles::{Ends, Lines, Tile, tiles};

// A panel's part of 256 steps is 64 KiB, which the second-level cache holds.
tiles!(
    Avx512, f32,
    numbers,
    "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma",
    __m512,
    columns: 16 times 4,
    steps: 256,
    |at: *const f32| _mm512_loadu_ps(at),
    |at: *const f32| _mm512_set1_ps(*at),
    |sum, x, y| _mm512_fmadd_ps(x, y, sum),
    |panel: Panel, k: usize| Lines {
        start: panel.offset,
        step: panel.padded,
        vector: 16,
        columns: 16,
        end: panel.offset + k * panel.padded
    },
    4: 1 2 3 4 5 6;
    3: 1 2 3 4 5 6 7 8 9;
    2: 1 2 3 4 5 6 7 8 9 10 11 12;
    1: 1 2 3 4 5 6 7 8 9 10 11 12;
);

tiles!(
    Avx512, Pair,
    pairs,
    "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16,avx2,fma",
    __m512bh,
    columns: 16 times 4,
    steps: 256,
    |at: *const Pair| as_halves(_mm512_loadu_si512(at.cast())),
    |at: *const Pair| as_halves(_mm512_set1_epi32((*at).cast_signed())),
    |sum, x, y| _mm512_dpbf16_ps(sum, x, y),
    |panel: Panel, pairs: usize| {
        let column = pairs.next_multiple_of(BLOCK);
        let start = panel.column * column;
        let columns = BLOCK * column;
        Lines { start, step: BLOCK, vector: columns, columns, end: start + panel.padded * column }
    },
    4: 1 2 3 4 5 6;
    3: 1 2 3 4 5 6 7 8 9;
    2: 1 2 3 4 5 6 7 8 9 10 11 12;
    1: 1 2 3 4 5 6 7 8 9 10 11 12;
);

/// The same 512 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn as_halves(v: __m512i) -> __m512bh {
    // SAFETY: both types are 512 bits of which every pattern is a value.
    unsafe { std::mem::transmute(v) }
}

/// The columns of the last vector.
fn tail(ends: Ends) -> __mmask16 {
    u16::MAX >> (16 - ends.tail)
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn begin<const R: usize, const V: usize>(c: *const f32, ldc: usize, ends: Ends) -> [[__m512; V]; R] {
    let mask = tail(ends);
    let mut acc: [[__m512; V]; R] = [[_mm512_setzero_ps(); V]; R];
    // SAFETY: as the tile's caller promises.
    unsafe {
        if let Some(bias) = ends.bias {
            for v in 0..V {
                let bias = _mm512_loadu_ps(bias.add(16 * v));
                for i in 0..R {
                    acc[i][v] = bias;
                }
            }
        } else if ends.from_output {
            for i in 0..R {
                for v in 0..V {
                    let at = c.add(i * ldc + 16 * v);
                    acc[i][v] = if v + 1 == V { _mm512_maskz_loadu_ps(mask, at) } else { _mm512_loadu_ps(at) };
                }
            }
        }
    }
    acc
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn end<const R: usize, const V: usize>(acc: [[__m512; V]; R], c: *mut f32, ldc: usize, ends: Ends) {
    let mask = tail(ends);
    for i in 0..R {
        for v in 0..V {
            // max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
            let y = if ends.relu { _mm512_max_ps(acc[i][v], _mm512_setzero_ps()) } else { acc[i][v] };
            // SAFETY: as the tile's caller promises.
            unsafe {
                let at = c.add(i * ldc + 16 * v);
                if v + 1 == V { _mm512_mask_storeu_ps(at, mask, y) } else { _mm512_storeu_ps(at, y) }
            }
        }
    }
}
