//! Tiles of up to 6 rows × 16 columns: 12 sums, 2 columns, 1 broadcast; of pairs 5 rows, as both halves take a register.

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T1, _mm_prefetch, _mm256_and_si256, _mm256_castsi256_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_max_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_slli_epi32, _mm256_storeu_ps,
};

use super::Avx2;
use crate::kernels::gemm::Panel;
use crate::kernels::half::{BLOCK, Pair};
use crate::kernels::tiles::{Ends, Lines, Tile, tiles};

/// Numbers of a vector.
const VECTOR: usize = 8;

// A panel's part of 64 steps is 16 KiB, half of the nearest cache.
tiles!(
    Avx2, f32,
    numbers,
    "avx2,fma",
    __m256,
    columns: 8 times 2,
    steps: 64,
    |at: *const f32| _mm256_loadu_ps(at),
    |at: *const f32| _mm256_set1_ps(*at),
    |sum, x, y| _mm256_fmadd_ps(x, y, sum),
    |panel: Panel, k: usize| Lines {
        start: panel.offset,
        step: panel.padded,
        vector: VECTOR,
        columns: 16,
        end: panel.offset + k * panel.padded
    },
    2: 1 2 3 4 5 6;
    1: 1 2 3 4 5 6 7 8 9 10 11 12;
);

tiles!(
    Avx2, Pair,
    pairs,
    "avx2,fma",
    Halves,
    columns: 8 times 2,
    steps: 64,
    |at: *const Pair| halves(_mm256_loadu_si256(at.cast())),
    |at: *const Pair| halves(_mm256_set1_epi32((*at).cast_signed())),
    |sum, x: Halves, y: Halves| _mm256_fmadd_ps(x.below, y.below, _mm256_fmadd_ps(x.above, y.above, sum)),
    |panel: Panel, pairs: usize| {
        let column = pairs.next_multiple_of(BLOCK);
        let start = panel.column * column;
        Lines { start, step: BLOCK, vector: VECTOR, columns: BLOCK * column, end: start + panel.padded * column }
    },
    2: 1 2 3 4 5;
    1: 1 2 3 4 5 6 7 8 9 10;
);

/// The numbers of 8 pairs.
#[derive(Clone, Copy)]
struct Halves {
    above: __m256,
    below: __m256,
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn halves(pairs: __m256i) -> Halves {
    Halves {
        above: _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(0xffff_0000_u32.cast_signed()))),
        below: _mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs)),
    }
}

/// # Safety
/// As of [`Tiles::run`](crate::kernels::tiles::Tiles::run).
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn begin<const R: usize, const V: usize>(c: *const f32, ldc: usize, ends: Ends) -> [[__m256; V]; R] {
    let mut acc: [[__m256; V]; R] = [[_mm256_setzero_ps(); V]; R];
    // SAFETY: the caller's promise; a bias is padded to 16 columns.
    unsafe {
        if let Some(bias) = ends.bias {
            for v in 0..V {
                let bias = _mm256_loadu_ps(bias.add(VECTOR * v));
                for i in 0..R {
                    acc[i][v] = bias;
                }
            }
        } else if ends.from_output {
            for i in 0..R {
                for v in 0..V {
                    let at = c.add(i * ldc + VECTOR * v);
                    acc[i][v] =
                        if v + 1 < V || ends.tail == VECTOR { _mm256_loadu_ps(at) } else { load(at, ends.tail) };
                }
            }
        }
    }
    acc
}

/// # Safety
/// As of [`Tiles::run`](crate::kernels::tiles::Tiles::run).
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn end<const R: usize, const V: usize>(acc: [[__m256; V]; R], c: *mut f32, ldc: usize, ends: Ends) {
    for i in 0..R {
        for v in 0..V {
            // max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
            let y = if ends.relu { _mm256_max_ps(acc[i][v], _mm256_setzero_ps()) } else { acc[i][v] };
            // SAFETY: the caller's promise.
            unsafe {
                let at = c.add(i * ldc + VECTOR * v);
                if v + 1 < V || ends.tail == VECTOR { _mm256_storeu_ps(at, y) } else { store(at, y, ends.tail) }
            }
        }
    }
}

/// The first `tail` numbers, zeros behind them.
///
/// # Safety
/// The processor has AVX2; so many numbers lie there.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn load(at: *const f32, tail: usize) -> __m256 {
    let mut numbers = [0.0; VECTOR];
    // SAFETY: the caller's promise.
    unsafe {
        for (i, number) in numbers.iter_mut().enumerate().take(tail) {
            *number = *at.add(i);
        }
        _mm256_loadu_ps(numbers.as_ptr())
    }
}

/// Writes the first `tail` numbers: a masked store is microcode on AMD's processors.
///
/// # Safety
/// The processor has AVX2; there is room for so many numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(at: *mut f32, y: __m256, tail: usize) {
    let mut numbers = [0.0; VECTOR];
    // SAFETY: the caller's promise.
    unsafe {
        _mm256_storeu_ps(numbers.as_mut_ptr(), y);
        for (i, &number) in numbers.iter().enumerate().take(tail) {
            *at.add(i) = number;
        }
    }
}
