//! Tiles of up to 6 rows × 64 columns: 24 sums, 4 columns, 1 broadcast.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, __mmask16, _MM_HINT_T1, _mm_prefetch, _mm512_dpbf16_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::Avx512;
use crate::kernels::half::Pair;
use crate::kernels::tiles::{Tile, tiles};

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

#[inline]
#[target_feature(enable = "avx512f")]
fn zero() -> __m512 {
    _mm512_setzero_ps()
}

/// max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
#[inline]
#[target_feature(enable = "avx512f")]
fn relu(y: __m512) -> __m512 {
    _mm512_max_ps(y, _mm512_setzero_ps())
}

/// The first `tail` numbers of a vector.
#[inline]
fn first(tail: usize) -> __mmask16 {
    u16::MAX >> (16 - tail)
}

/// # Safety
/// 16 numbers lie there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load(at: *const f32) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_ps(at) }
}

/// # Safety
/// `tail` numbers lie there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_tail(at: *const f32, tail: usize) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe { _mm512_maskz_loadu_ps(first(tail), at) }
}

/// # Safety
/// There is room for 16 numbers.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store(at: *mut f32, y: __m512) {
    // SAFETY: the caller's promise.
    unsafe { _mm512_storeu_ps(at, y) }
}

/// # Safety
/// There is room for `tail` numbers.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_tail(at: *mut f32, y: __m512, tail: usize) {
    // SAFETY: the caller's promise.
    unsafe { _mm512_mask_storeu_ps(at, first(tail), y) }
}
