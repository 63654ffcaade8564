//! One tile of a product, in up to 24 accumulators.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, __mmask16, _MM_HINT_T1, _mm_prefetch, _mm512_dpbf16_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use crate::kernels::gemm::Panel;
use crate::kernels::half::{BLOCK, Pair};

/// Rows of a tile by the panel's vectors: as many accumulators as 32 registers allow.
pub(super) const fn tile_rows(vectors: usize) -> usize {
    match vectors {
        4 => 6,
        3 => 9,
        _ => 12,
    }
}

/// How a tile begins and ends.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// Bias of the panel's columns, if the chain starts there.
    pub(super) bias: Option<*const f32>,
    /// Whether the chain starts from the output.
    pub(super) from_output: bool,
    /// Whether relu ends the chain.
    pub(super) relu: bool,
    /// Columns of the last vector.
    pub(super) mask: __mmask16,
}

/// `c[i, j] = chain over p of a[i·row + p·step] · b[p·ldb + j / 16·vector + j % 16]`.
#[derive(Clone, Copy)]
pub(super) struct Tile<E> {
    /// Steps of the chain.
    pub(super) k: usize,
    pub(super) a: *const E,
    pub(super) row: usize,
    pub(super) step: usize,
    pub(super) b: *const E,
    pub(super) ldb: usize,
    pub(super) vector: usize,
    pub(super) c: *mut f32,
    pub(super) ldc: usize,
    pub(super) ends: Ends,
    /// Where lines of 64 bytes lie that are due soon: one is asked for at every step.
    pub(super) ahead: *const f32,
}

/// What a product reads: 32 bits that are a number, or two of bf16, for which one instruction does two steps of a chain.
pub(super) trait Element: Copy {
    /// A tile of `rows` rows, at most [`tile_rows`], and `vectors` vectors of columns, at most 4.
    ///
    /// # Safety
    /// The processor has the kind's instructions; the rows of a and c, k rows of b, and the vectors of columns lie
    /// inside their buffers, the last vector of c masked.
    unsafe fn run(tile: Tile<Self>, rows: usize, vectors: usize);

    /// Where a packed matrix of `k` steps keeps a panel's lines of 16 elements.
    fn lines(panel: Panel, k: usize) -> Lines;
}

/// Where the lines of 16 elements lie that a panel's tiles read.
pub(super) struct Lines {
    /// That of the first step and the first columns.
    pub(super) start: usize,
    /// From one step to the next.
    pub(super) step: usize,
    /// From 16 columns to the next.
    pub(super) vector: usize,
    /// Where the next panel's begin.
    pub(super) end: usize,
}

macro_rules! by_size {
    ($run:ident, $tile:ident, $rows:ident, $vectors:ident: $($r:literal $v:literal),*) => {
        match ($rows, $vectors) {
            // SAFETY: the caller's promise, with the tile's size spelled out.
            $(($r, $v) => unsafe { $run::<$r, $v>($tile) },)*
            _ => unreachable!("no tile of {} rows and {} vectors", $rows, $vectors),
        }
    };
}

/// The tiles of one kind of element: the processor's features, a vector of it, a load, a broadcast, a step, and where its
/// packed lines lie.
macro_rules! tiles {
    ($kind:ty, $run:ident, $features:literal, $vector:ty, $load:expr, $broadcast:expr, $step:expr, $lines:expr) => {
        impl Element for $kind {
            unsafe fn run(tile: Tile<Self>, rows: usize, vectors: usize) {
                by_size!($run, tile, rows, vectors:
                    1 4, 2 4, 3 4, 4 4, 5 4, 6 4,
                    1 3, 2 3, 3 3, 4 3, 5 3, 6 3, 7 3, 8 3, 9 3,
                    1 2, 2 2, 3 2, 4 2, 5 2, 6 2, 7 2, 8 2, 9 2, 10 2, 11 2, 12 2,
                    1 1, 2 1, 3 1, 4 1, 5 1, 6 1, 7 1, 8 1, 9 1, 10 1, 11 1, 12 1
                );
            }

            fn lines(panel: Panel, k: usize) -> Lines {
                $lines(panel, k)
            }
        }

        #[target_feature(enable = $features)]
        unsafe fn $run<const R: usize, const V: usize>(tile: Tile<$kind>) {
            let Tile { k, a, row, step, b, ldb, vector, c, ldc, ends, ahead } = tile;
            // SAFETY: the caller promises R rows of a and c, k rows of b, and V vectors of columns, the last one masked.
            unsafe {
                let mut acc = begin::<R, V>(c, ldc, ends);
                for p in 0..k {
                    _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(16 * p).cast());
                    let mut line: [$vector; V] = [$load(b.add(p * ldb)); V];
                    for v in 1..V {
                        line[v] = $load(b.add(p * ldb + vector * v));
                    }
                    for i in 0..R {
                        let x = $broadcast(a.add(i * row + p * step));
                        for v in 0..V {
                            acc[i][v] = $step(acc[i][v], x, line[v]);
                        }
                    }
                }
                end::<R, V>(acc, c, ldc, ends);
            }
        }
    };
}

tiles!(
    f32,
    numbers,
    "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma",
    __m512,
    |at: *const f32| _mm512_loadu_ps(at),
    |at: *const f32| _mm512_set1_ps(*at),
    |sum, x, y| _mm512_fmadd_ps(x, y, sum),
    |panel: Panel, k: usize| Lines {
        start: panel.offset,
        step: panel.padded,
        vector: 16,
        end: panel.offset + k * panel.padded
    }
);

tiles!(
    Pair,
    pairs,
    "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16,avx2,fma",
    __m512bh,
    |at: *const Pair| as_halves(_mm512_loadu_si512(at.cast())),
    |at: *const Pair| as_halves(_mm512_set1_epi32((*at).cast_signed())),
    |sum, x, y| _mm512_dpbf16_ps(sum, x, y),
    |panel: Panel, pairs: usize| {
        let column = pairs.next_multiple_of(BLOCK);
        let start = panel.column * column;
        Lines { start, step: BLOCK, vector: BLOCK * column, end: start + panel.padded * column }
    }
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
unsafe fn begin<const R: usize, const V: usize>(c: *const f32, ldc: usize, ends: Ends) -> [[__m512; V]; R] {
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
                    acc[i][v] = if v + 1 == V { _mm512_maskz_loadu_ps(ends.mask, at) } else { _mm512_loadu_ps(at) };
                }
            }
        }
    }
    acc
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn end<const R: usize, const V: usize>(acc: [[__m512; V]; R], c: *mut f32, ldc: usize, ends: Ends) {
    for i in 0..R {
        for v in 0..V {
            // max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
            let y = if ends.relu { _mm512_max_ps(acc[i][v], _mm512_setzero_ps()) } else { acc[i][v] };
            // SAFETY: as the tile's caller promises.
            unsafe {
                let at = c.add(i * ldc + 16 * v);
                if v + 1 == V { _mm512_mask_storeu_ps(at, ends.mask, y) } else { _mm512_storeu_ps(at, y) }
            }
        }
    }
}
