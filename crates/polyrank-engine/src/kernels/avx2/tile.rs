//! Tiles of up to 6 rows × 16 columns: 12 sums, 2 columns, 1 broadcast; of pairs 5 rows, as both halves take a register.

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T1, _mm_prefetch, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmpgt_epi32,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_max_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

use super::Avx2;
use crate::kernels::half::Pair;
use crate::kernels::tiles::{Tile, tiles};

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

#[inline]
#[target_feature(enable = "avx2,fma")]
fn zero() -> __m256 {
    _mm256_setzero_ps()
}

/// max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn relu(y: __m256) -> __m256 {
    _mm256_max_ps(y, _mm256_setzero_ps())
}

/// The first `tail` numbers of a vector.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn first(tail: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(tail as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

/// # Safety
/// 8 numbers lie there.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn load(at: *const f32) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe { _mm256_loadu_ps(at) }
}

/// # Safety
/// `tail` numbers lie there.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn load_tail(at: *const f32, tail: usize) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe { if tail == VECTOR { _mm256_loadu_ps(at) } else { _mm256_maskload_ps(at, first(tail)) } }
}

/// # Safety
/// There is room for 8 numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(at: *mut f32, y: __m256) {
    // SAFETY: the caller's promise.
    unsafe { _mm256_storeu_ps(at, y) }
}

/// Only where it must be with a mask, which is slow on AMD's processors.
///
/// # Safety
/// There is room for `tail` numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store_tail(at: *mut f32, y: __m256, tail: usize) {
    // SAFETY: the caller's promise.
    unsafe { if tail == VECTOR { _mm256_storeu_ps(at, y) } else { _mm256_maskstore_ps(at, first(tail), y) } }
}
