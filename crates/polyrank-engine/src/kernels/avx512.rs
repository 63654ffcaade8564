//! The product kernels for AVX-512: tiles of up to 6 rows × 64 columns (24 accumulators, 4 columns, 1 broadcast).

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::arena::{Mat, MatMut};
use super::gemm::{Start, panels};

/// Steps of k between visits to the output: a panel's part, 256 × 64 numbers or 64 KiB, is read again for each tile of
/// rows and should stay in the second-level cache beside them.
const K_BLOCK: usize = 256;

/// Rows of a tile by the panel's vectors: as many accumulators as 32 registers allow.
const fn tile_rows(vectors: usize) -> usize {
    match vectors {
        4 => 6,
        3 => 9,
        _ => 12,
    }
}

/// The columns of the last vector that count.
fn tail_mask(width: usize, padded: usize) -> __mmask16 {
    let last = width - (padded - 16);
    if last == 16 { u16::MAX } else { (1 << last) - 1 }
}

/// How a tile begins and ends.
#[derive(Clone, Copy)]
struct Ends {
    /// Bias of the panel's columns, if the chain starts there.
    bias: Option<*const f32>,
    /// Whether the chain starts from the output.
    from_output: bool,
    /// Whether relu ends the chain.
    relu: bool,
    /// Columns of the last vector.
    mask: __mmask16,
}

pub(super) fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    let (rows, k, lda, ldc) = (a.rows(), a.width(), a.ld(), c.ld());
    if rows == 0 {
        return;
    }
    for panel in panels(k, c.width()) {
        let vectors = panel.padded / 16;
        let most = tile_rows(vectors);
        let tiles = rows.div_ceil(most);
        let mut from = 0;
        while from == 0 || from < k {
            let to = k.min(from + K_BLOCK);
            let ends = Ends {
                bias: match start {
                    Start::Bias(bias) if from == 0 => Some(bias[panel.column..].as_ptr()),
                    _ => None,
                },
                from_output: from > 0 || matches!(start, Start::Output),
                relu: relu && to == k,
                mask: tail_mask(panel.width, panel.padded),
            };
            for tile in 0..tiles {
                // Tiles of almost equal height: a lone last row would run at a fraction of the speed.
                let (r0, r1) = (tile * rows / tiles, (tile + 1) * rows / tiles);
                // SAFETY: AVX-512 was detected (`Isa::current`); rows r0..r1 and the panel's columns lie inside the
                // views, k steps from..to inside the packed panel (lengths checked in `gemm::check`).
                unsafe {
                    let a = a.as_ptr().add(r0 * lda + from);
                    let b = b.as_ptr().add(panel.offset + from * panel.padded);
                    let c = c.as_mut_ptr().add(r0 * ldc + panel.column);
                    tile_of(vectors, r1 - r0, to - from, a, lda, 1, b, panel.padded, c, ldc, ends);
                }
            }
            from = to.max(1);
        }
    }
}

pub(super) fn outer(x: Mat<'_, f32>, dy: Mat<'_, f32>, dw: &mut [f32], accumulate: bool) {
    let (rows, k) = (x.rows(), x.width());
    if k == 0 {
        return;
    }
    let mut packed = Vec::new();
    for panel in panels(k, dy.width()) {
        let vectors = panel.padded / 16;
        let most = tile_rows(vectors);
        let tiles = k.div_ceil(most);
        // The panel of dy is read once a tile of k: packed, it costs one stream instead of a page a row, and its last
        // columns become zeros.
        packed.clear();
        for r in 0..rows {
            packed.extend_from_slice(&dy.row(r)[panel.column..][..panel.width]);
            packed.resize((r + 1) * panel.padded, 0.0);
        }
        let ends = Ends { bias: None, from_output: accumulate, relu: false, mask: u16::MAX };
        for tile in 0..tiles {
            let (i0, i1) = (tile * k / tiles, (tile + 1) * k / tiles);
            // SAFETY: AVX-512 was detected; columns i0..i1 lie inside every row of x, the packed panel holds `rows`
            // rows, and rows i0..i1 of the panel inside dw (lengths checked in `gemm::check_outer`).
            unsafe {
                let c = dw.as_mut_ptr().add(panel.offset + i0 * panel.padded);
                let a = x.as_ptr().add(i0);
                tile_of(vectors, i1 - i0, rows, a, 1, x.ld(), packed.as_ptr(), panel.padded, c, panel.padded, ends);
            }
        }
    }
}

/// One tile: `c[i, j] = chain over p of a[i·row + p·step] · b[p·ldb + j]`.
unsafe fn tile_of(
    vectors: usize,
    rows: usize,
    k: usize,
    a: *const f32,
    row: usize,
    step: usize,
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    ends: Ends,
) {
    macro_rules! pick {
        ($($r:literal $v:literal),*) => {
            match (rows, vectors) {
                // SAFETY: the caller's promise, with the tile's size spelled out.
                $(($r, $v) => unsafe { tile::<$r, $v>(k, a, row, step, b, ldb, c, ldc, ends) },)*
                _ => unreachable!("no tile of {rows} rows and {vectors} vectors"),
            }
        };
    }
    pick!(
        1 4, 2 4, 3 4, 4 4, 5 4, 6 4,
        1 3, 2 3, 3 3, 4 3, 5 3, 6 3, 7 3, 8 3, 9 3,
        1 2, 2 2, 3 2, 4 2, 5 2, 6 2, 7 2, 8 2, 9 2, 10 2, 11 2, 12 2,
        1 1, 2 1, 3 1, 4 1, 5 1, 6 1, 7 1, 8 1, 9 1, 10 1, 11 1, 12 1
    );
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
unsafe fn tile<const R: usize, const V: usize>(
    k: usize,
    a: *const f32,
    row: usize,
    step: usize,
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    ends: Ends,
) {
    // SAFETY: the caller promises R rows of a and c, k rows of b, and V vectors of columns, the last one masked.
    unsafe {
        let mut acc: [[__m512; V]; R] = [[_mm512_setzero_ps(); V]; R];
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
        for p in 0..k {
            let mut line = [_mm512_setzero_ps(); V];
            for v in 0..V {
                line[v] = _mm512_loadu_ps(b.add(p * ldb + 16 * v));
            }
            for i in 0..R {
                let x = _mm512_set1_ps(*a.add(i * row + p * step));
                for v in 0..V {
                    acc[i][v] = _mm512_fmadd_ps(x, line[v], acc[i][v]);
                }
            }
        }
        for i in 0..R {
            for v in 0..V {
                // max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
                let y = if ends.relu { _mm512_max_ps(acc[i][v], _mm512_setzero_ps()) } else { acc[i][v] };
                let at = c.add(i * ldc + 16 * v);
                if v + 1 == V { _mm512_mask_storeu_ps(at, ends.mask, y) } else { _mm512_storeu_ps(at, y) }
            }
        }
    }
}
