//! The product kernels for AVX-512: tiles of up to 6 rows × 64 columns (24 accumulators, 4 columns, 1 broadcast).

pub(super) mod pairs;
mod thin;
mod tile;
pub(super) mod turn;

use std::arch::x86_64::__mmask16;

use super::arena::{Mat, MatMut};
use super::buffer::Buffer;
use super::gemm::{Panel, Start, panels};
use super::gradient::{Gradient, pack_panel};
use super::half::{Left, Pair};
use super::scratch;
use tile::{Element, Ends, Tile, tile_rows};

/// Steps of k (of 32 bits) between visits to the output: a panel's part, 256 × 64 of them or 64 KiB, is read again for
/// each tile of rows and should stay in the second-level cache beside them.
const K_BLOCK: usize = 256;

/// The columns of the last vector that count.
fn tail_mask(width: usize, padded: usize) -> __mmask16 {
    let last = width - (padded - 16);
    if last == 16 { u16::MAX } else { (1 << last) - 1 }
}

pub(super) fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: AVX-512 was detected (`Isa::current`); a has c's rows of as many numbers as b is packed for
    // (`gemm::check`).
    unsafe {
        if c.width() <= thin::MOST && c.rows() >= thin::LEAST_ROWS {
            thin::product(a, b, start, relu, c);
        } else {
            across(a.as_ptr(), a.ld(), a.width(), b, start, relu, c);
        }
    }
}

/// As [`product`], of numbers rounded to bf16.
pub(super) fn product_half(a: &Left, b: &[Pair], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: AVX-512 with bf16 was detected; a has c's rows of as many pairs as b has (`half::check`).
    unsafe { across(a.all().as_ptr(), a.ld(), a.steps().div_ceil(2), b, start, relu, c) }
}

pub(super) fn outer(x: Mat<'_, f32>, dy: &mut Gradient<'_, f32>, dw: &mut [f32], accumulate: bool) {
    let (rows, n) = (x.rows(), dy.dy.width());
    if n <= thin::MOST {
        // SAFETY: AVX-512 was detected; the matrices fit each other (`gemm::check_outer`).
        return unsafe { thin::outer(x, dy.finish(), dw, accumulate) };
    }
    // The panel of dy is read once a tile of k: packed, it costs one stream instead of a page a row, and its last
    // columns become zeros.
    let pack = |panel: Panel, packed: &mut Buffer<f32>| {
        packed.reuse(rows * panel.padded);
        pack_panel(dy, panel, packed);
    };
    scratch::with(|numbers| {
        // SAFETY: AVX-512 was detected; x and each packed panel have `rows` rows, and dw holds the product
        // (`gemm::check_outer`).
        unsafe { down(x.as_ptr(), x.ld(), x.width(), rows, n, pack, numbers, dw, accumulate) }
    });
}

/// Rows of `a`, of k elements, `lda` apart, times the panels of a packed matrix.
///
/// # Safety
/// `a` has c's rows, b is packed for `[k, c.width()]`, and the processor has the element's instructions.
unsafe fn across<E: Element>(
    a: *const E,
    lda: usize,
    k: usize,
    b: &[E],
    start: Start<'_, f32>,
    relu: bool,
    c: &mut MatMut<'_, f32>,
) {
    let (rows, ldc) = (c.rows(), c.ld());
    if rows == 0 {
        return;
    }
    for panel in panels(k, c.width()) {
        let lines = E::lines(panel, k);
        // The first tiles ask for the panel after this one, a line a step: it comes while this one is worked on. After a
        // matrix's last panel that is what lies behind it: in the flat buffer of parameters, the next layer.
        let behind: *const f32 = b.as_ptr().wrapping_add(lines.end).cast();
        let vectors = panel.padded / 16;
        let tiles = rows.div_ceil(tile_rows(vectors));
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
            for i in 0..tiles {
                // Tiles of almost equal height: a lone last row would run at a fraction of the speed.
                let (r0, r1) = (i * rows / tiles, (i + 1) * rows / tiles);
                // SAFETY: the caller's promise: rows r0..r1 and the panel's columns lie inside a and c, k steps from..to
                // inside the packed panel.
                unsafe {
                    let tile = Tile {
                        k: to - from,
                        a: a.add(r0 * lda + from),
                        row: lda,
                        step: 1,
                        b: b.as_ptr().add(lines.start + from * lines.step),
                        ldb: lines.step,
                        vector: lines.vector,
                        c: c.as_mut_ptr().add(r0 * ldc + panel.column),
                        ldc,
                        ends,
                        ahead: behind.wrapping_add(if i < vectors { 16 * (i * k + from) } else { 0 }),
                    };
                    E::run(tile, r1 - r0, vectors);
                }
            }
            from = to.max(1);
        }
    }
}

/// The k columns of `x`, of `rows` elements, times the n columns that `pack` packs panel by panel.
///
/// # Safety
/// `x` has `rows` rows, `ldx` apart, of k elements; `pack` gives as many rows; dw is packed `[k, n]`; the processor has
/// the element's instructions.
unsafe fn down(
    x: *const f32,
    ldx: usize,
    k: usize,
    rows: usize,
    n: usize,
    mut pack: impl FnMut(Panel, &mut Buffer<f32>),
    packed: &mut Buffer<f32>,
    dw: &mut [f32],
    accumulate: bool,
) {
    let ends = Ends { bias: None, from_output: accumulate, relu: false, mask: u16::MAX };
    for panel in panels(k, n) {
        let vectors = panel.padded / 16;
        let tiles = k.div_ceil(tile_rows(vectors));
        pack(panel, packed);
        for i in 0..tiles {
            let (i0, i1) = (i * k / tiles, (i + 1) * k / tiles);
            // SAFETY: the caller's promise: columns i0..i1 lie inside every row of x, the packed panel has `rows` rows,
            // and rows i0..i1 of dw's panel lie inside dw.
            unsafe {
                let tile = Tile {
                    k: rows,
                    a: x.add(i0),
                    row: 1,
                    step: ldx,
                    b: packed.as_ptr(),
                    ldb: panel.padded,
                    vector: 16,
                    c: dw.as_mut_ptr().add(panel.offset + i0 * panel.padded),
                    ldc: panel.padded,
                    ends,
                    // The next tile's gradients.
                    ahead: dw.as_ptr().wrapping_add(panel.offset + i1 * panel.padded),
                };
                f32::run(tile, i1 - i0, vectors);
            }
        }
    }
}
