//! Products of bf16 by AMX: eight tile registers of 16 rows × 64 bytes, and an instruction that adds the product of two
//! to a third.
//!
//! A block of 32 × 32 sums stays in four tiles while the steps pass through the other four: four loads and four products
//! of 16 × 16 × 32 steps each time.

mod detect;
mod tile;

use std::arch::x86_64::{
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_setzero_ps, _mm512_storeu_si512,
};

use super::arena::MatMut;
use super::avx512::pairs::neighbours_of;
use super::gemm::{Start, padded};
use super::half::{BLOCK, Left, Pair, blocks};
pub(super) use detect::available;
use tile::{Block, Rows, Tiles};

/// Blocks of steps between visits to the output: 16 × 2 columns of them are 32 KiB of the right operand, which stay in
/// the nearest cache while all rows pass.
const DEPTH: usize = 16;

/// As [`HalfProducts::product_half`](super::half::HalfProducts::product_half).
pub(super) fn product(
    a: &Left,
    b: &[Pair],
    start: Start<'_, f32>,
    relu: bool,
    c: &mut MatMut<'_, f32>,
    mut next: Option<&mut Left>,
) {
    let (rows, width, ldc, depth) = (c.rows(), c.width(), c.ld(), blocks(a.steps()));
    if let Some(next) = &mut next {
        next.resize(rows, width);
    }
    let tiles = Tiles::configure();
    // One holds a block's sums while the other's leave for the output, beside the next block's products.
    let mut edges = [Edge::default(), Edge::default()];
    let [mut edge, mut other] = edges.each_mut();
    let mut from = 0;
    while from == 0 || from < depth {
        let to = depth.min(from + DEPTH);
        let (first, last) = (from == 0, to == depth);
        let mut leaving = None;
        let (relu, mut next) = (relu && last, next.as_deref_mut().filter(|_| last));
        for column in (0..width).step_by(2 * BLOCK) {
            let columns = padded(width - column).min(2 * BLOCK);
            for row in (0..rows).step_by(2 * BLOCK) {
                let height = (rows - row).min(2 * BLOCK);
                // Sums go through a block of their own where the output has no whole tiles, or something follows.
                let whole = height % BLOCK == 0 && column + columns <= width && !relu && next.is_none();
                // SAFETY: the output has `height` rows from `row` on, and `width - column` columns from `column` on.
                let out = unsafe { c.as_mut_ptr().add(row * ldc + column) };
                let size = (height, columns.min(width - column));
                let begin = match start {
                    Start::Zero if first => Rows { at: edge.zeros.as_ptr(), ld: 0 },
                    Start::Bias(bias) if first => Rows { at: bias[column..].as_ptr(), ld: 0 },
                    _ if whole => Rows { at: out, ld: ldc },
                    _ => edge.read(out, ldc, size),
                };
                let end = if whole { (out, ldc) } else { (edge.sums.as_mut_ptr(), 2 * BLOCK) };
                let block = Block {
                    depth: to - from,
                    a: a.all()[row * a.ld() + from * BLOCK..].as_ptr(),
                    lda: a.ld(),
                    b: b[(column * depth + from * BLOCK) * BLOCK..].as_ptr(),
                    next: depth * BLOCK * BLOCK,
                    begin,
                    c: end.0,
                    ldc: end.1,
                };
                // SAFETY: `half::check`: the left operand has rows for whole blocks, the right one columns for them; what
                // the sums begin from and end in has whole tiles.
                unsafe { tiles.run(block, height.div_ceil(BLOCK), columns / BLOCK) };
                if let Some(place) = leaving.take() {
                    // SAFETY: a processor with AMX has AVX-512 with bf16; the output has the place.
                    unsafe { other.write(c, place, relu, next.as_deref_mut()) };
                }
                if !whole {
                    leaving = Some(Place { row, column, rows: size.0, columns: size.1 });
                    std::mem::swap(&mut edge, &mut other);
                }
            }
        }
        if let Some(place) = leaving {
            // SAFETY: as above.
            unsafe { other.write(c, place, relu, next) };
        }
        from = to.max(1);
    }
}

/// A block's rows and columns of an output that exist.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
}

/// A block of sums beside an output without room for whole tiles.
#[repr(align(64))]
struct Edge {
    sums: [f32; 4 * BLOCK * BLOCK],
    zeros: [f32; 2 * BLOCK],
}

impl Default for Edge {
    fn default() -> Edge {
        Edge { sums: [0.0; 4 * BLOCK * BLOCK], zeros: [0.0; 2 * BLOCK] }
    }
}

impl Edge {
    /// Copies the output's rows and columns that exist.
    fn read(&mut self, out: *const f32, ld: usize, (rows, columns): (usize, usize)) -> Rows {
        for (r, to) in self.sums.chunks_exact_mut(2 * BLOCK).enumerate().take(rows) {
            // SAFETY: the output has the row.
            to[..columns].copy_from_slice(unsafe { std::slice::from_raw_parts(out.add(r * ld), columns) });
        }
        Rows { at: self.sums.as_ptr(), ld: 2 * BLOCK }
    }

    /// Copies the sums of a place of the output, and puts them as the next product reads them.
    ///
    /// # Safety
    /// The output has the place; the processor has AVX-512 with bf16.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn write(&self, c: &mut MatMut<'_, f32>, place: Place, relu: bool, mut next: Option<&mut Left>) {
        let mask = u32::MAX >> (2 * BLOCK - place.columns);
        let masks = [mask as u16, (mask >> BLOCK) as u16];
        let (ld, zero) = (c.ld(), _mm512_setzero_ps());
        for (r, from) in (place.row..place.row + place.rows).zip(self.sums.chunks_exact(2 * BLOCK)) {
            let mut halves = [zero; 2];
            for half in 0..2 {
                // SAFETY: the load lies inside the sums; the mask keeps the store inside the output's row.
                unsafe {
                    let sums = _mm512_maskz_loadu_ps(masks[half], from.as_ptr().add(BLOCK * half));
                    // max(x, 0) as the portable kernel writes it: the second operand answers for NaN.
                    halves[half] = if relu { _mm512_max_ps(sums, zero) } else { sums };
                    let out = c.as_mut_ptr().wrapping_add(r * ld + place.column + BLOCK * half);
                    _mm512_mask_storeu_ps(out, masks[half], halves[half]);
                }
            }
            if let Some(next) = &mut next {
                let to = &mut next.row_mut(r)[place.column / 2..][..BLOCK];
                // SAFETY: the store fills a block; the caller's promise.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), neighbours_of(halves)) };
            }
        }
    }
}
