//! The product kernels for AVX2 and FMA: tiles of up to 6 rows × 16 columns (12 accumulators of 16 registers).

use std::arch::x86_64::{
    __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::arena::{Mat, MatMut};
use super::gemm::{Start, panels};

const TILE_ROWS: usize = 6;
const TILE_COLUMNS: usize = 16;

pub(super) fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    let (rows, k, lda, ldc) = (a.rows(), a.width(), a.ld(), c.ld());
    let tiles = rows.div_ceil(TILE_ROWS);
    for panel in panels(k, c.width()) {
        for column in (0..panel.width).step_by(TILE_COLUMNS) {
            let width = TILE_COLUMNS.min(panel.width - column);
            for tile in 0..tiles {
                let (r0, r1) = (tile * rows / tiles, (tile + 1) * rows / tiles);
                let mut out = [[0.0f32; TILE_COLUMNS]; TILE_ROWS];
                for r in r0..r1 {
                    let to = &mut out[r - r0][..width];
                    match start {
                        Start::Zero => {}
                        Start::Bias(bias) => to.copy_from_slice(&bias[panel.column + column..][..width]),
                        Start::Output => to.copy_from_slice(&c.row(r)[panel.column + column..][..width]),
                    }
                }
                // SAFETY: AVX2 and FMA were detected (`Isa::current`); rows r0..r1 lie inside `a`, 16 columns from
                // `column` inside the padded panel (lengths checked in `gemm::check`).
                unsafe {
                    let a = a.as_ptr().add(r0 * lda);
                    let b = b.as_ptr().add(panel.offset + column);
                    tile_of(r1 - r0, k, a, lda, 1, b, panel.padded, &mut out, relu);
                }
                for r in r0..r1 {
                    // SAFETY: row r and the tile's `width` columns lie inside `c`.
                    unsafe {
                        let at = c.as_mut_ptr().add(r * ldc + panel.column + column);
                        std::ptr::copy_nonoverlapping(out[r - r0].as_ptr(), at, width);
                    }
                }
            }
        }
    }
}

pub(super) fn outer(x: Mat<'_, f32>, dy: Mat<'_, f32>, dw: &mut [f32], accumulate: bool) {
    let (rows, k) = (x.rows(), x.width());
    if k == 0 {
        return;
    }
    let tiles = k.div_ceil(TILE_ROWS);
    let mut packed = Vec::new();
    for panel in panels(k, dy.width()) {
        for column in (0..panel.padded).step_by(TILE_COLUMNS) {
            let width = TILE_COLUMNS.min(panel.width.saturating_sub(column));
            packed.clear();
            for r in 0..rows {
                if width > 0 {
                    packed.extend_from_slice(&dy.row(r)[panel.column + column..][..width]);
                }
                packed.resize((r + 1) * TILE_COLUMNS, 0.0);
            }
            for tile in 0..tiles {
                let (i0, i1) = (tile * k / tiles, (tile + 1) * k / tiles);
                let mut out = [[0.0f32; TILE_COLUMNS]; TILE_ROWS];
                let block = &mut dw[panel.offset + column..];
                if accumulate {
                    for i in i0..i1 {
                        out[i - i0].copy_from_slice(&block[i * panel.padded..][..TILE_COLUMNS]);
                    }
                }
                // SAFETY: AVX2 and FMA were detected; columns i0..i1 lie inside every row of x; `packed` holds `rows`
                // lines of 16.
                unsafe {
                    tile_of(
                        i1 - i0,
                        rows,
                        x.as_ptr().add(i0),
                        1,
                        x.ld(),
                        packed.as_ptr(),
                        TILE_COLUMNS,
                        &mut out,
                        false,
                    );
                }
                for i in i0..i1 {
                    block[i * panel.padded..][..TILE_COLUMNS].copy_from_slice(&out[i - i0]);
                }
            }
        }
    }
}

/// One tile: `out[i, j] = chain over p of a[i·row + p·step] · b[p·ldb + j]`, from what `out` holds.
unsafe fn tile_of(
    rows: usize,
    k: usize,
    a: *const f32,
    row: usize,
    step: usize,
    b: *const f32,
    ldb: usize,
    out: &mut [[f32; TILE_COLUMNS]; TILE_ROWS],
    relu: bool,
) {
    // SAFETY: the caller's promise, with the tile's height spelled out.
    unsafe {
        match rows {
            0 => {}
            1 => tile::<1>(k, a, row, step, b, ldb, out, relu),
            2 => tile::<2>(k, a, row, step, b, ldb, out, relu),
            3 => tile::<3>(k, a, row, step, b, ldb, out, relu),
            4 => tile::<4>(k, a, row, step, b, ldb, out, relu),
            5 => tile::<5>(k, a, row, step, b, ldb, out, relu),
            6 => tile::<6>(k, a, row, step, b, ldb, out, relu),
            _ => unreachable!("no tile of {rows} rows"),
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const R: usize>(
    k: usize,
    a: *const f32,
    row: usize,
    step: usize,
    b: *const f32,
    ldb: usize,
    out: &mut [[f32; TILE_COLUMNS]; TILE_ROWS],
    relu: bool,
) {
    // SAFETY: the caller promises R rows of a and k lines of 16 numbers of b.
    unsafe {
        let mut acc: [[__m256; 2]; R] = [[_mm256_setzero_ps(); 2]; R];
        for i in 0..R {
            acc[i] = [_mm256_loadu_ps(out[i].as_ptr()), _mm256_loadu_ps(out[i].as_ptr().add(8))];
        }
        for p in 0..k {
            let line = [_mm256_loadu_ps(b.add(p * ldb)), _mm256_loadu_ps(b.add(p * ldb + 8))];
            for i in 0..R {
                let x = _mm256_set1_ps(*a.add(i * row + p * step));
                acc[i][0] = _mm256_fmadd_ps(x, line[0], acc[i][0]);
                acc[i][1] = _mm256_fmadd_ps(x, line[1], acc[i][1]);
            }
        }
        for i in 0..R {
            for v in 0..2 {
                let y = if relu { _mm256_max_ps(acc[i][v], _mm256_setzero_ps()) } else { acc[i][v] };
                _mm256_storeu_ps(out[i].as_mut_ptr().add(8 * v), y);
            }
        }
    }
}
