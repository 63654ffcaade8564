//! One block of a product, in up to 2 × 2 tiles.

use std::arch::asm;

use crate::kernels::half::{BLOCK, Pair};

/// Rows of numbers, `ld` apart: 0 for the same row again and again.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) at: *const f32,
    pub(super) ld: usize,
}

/// `c = begin + a·b` for up to 32 rows and 32 columns.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Blocks of steps.
    pub(super) depth: usize,
    /// The left operand's rows, `lda` pairs apart.
    pub(super) a: *const Pair,
    pub(super) lda: usize,
    /// The right operand's blocks of the first 16 columns, and from there to those of the next 16.
    pub(super) b: *const Pair,
    pub(super) next: usize,
    /// What the sums begin from.
    pub(super) begin: Rows,
    /// Where they end, rows `ldc` apart.
    pub(super) c: *mut f32,
    pub(super) ldc: usize,
}

/// This thread's tile registers, configured; released when dropped, so that a switch of threads need not keep them.
pub(super) struct Tiles(());

/// The configuration of eight tiles of 16 rows × 64 bytes.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: Shapes = {
    let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
    let mut tile = 0;
    while tile < 8 {
        row_bytes[tile] = 64;
        rows[tile] = 16;
        tile += 1;
    }
    Shapes { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
};

impl Tiles {
    pub(super) fn configure() -> Tiles {
        // SAFETY: tiles were detected; the instruction reads the 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(readonly, nostack, preserves_flags)) };
        Tiles(())
    }

    /// Runs a block of `rows` × `columns` tiles, 1 or 2 each.
    ///
    /// # Safety
    /// All rows and columns of those tiles lie inside a, b, c and what the sums begin from.
    pub(super) unsafe fn run(&self, block: Block, rows: usize, columns: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match (rows, columns) {
                (2, 2) => two_by_two(block),
                (2, 1) => two_by_one(block),
                (1, 2) => one_by_two(block),
                _ => one_by_one(block),
            }
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: tiles were detected; no instruction of ours expects them past here.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
    }
}

/// A block's assembly: how sums begin, a step, how they end. `{a}`, `{b}`, `{i}` and `{c}` are the first tile's rows,
/// those with a `2` the second's.
macro_rules! block {
    ($name:ident: [$($begin:literal),*] [$($step:literal),*] [$($end:literal),*]) => {
        unsafe fn $name(block: Block) {
            let Block { depth, a, lda, b, next, begin, c, ldc } = block;
            // SAFETY: the caller's promise. Addresses of second tiles are made here and read only where there is one. No
            // other code uses the registers of tiles. A pair is 4 bytes, as a number is.
            unsafe {
                asm!(
                    $($begin,)*
                    "test {n}, {n}",
                    "jz 3f",
                    "2:",
                    $($step,)*
                    "add {a}, 64",
                    "add {a2}, 64",
                    "add {b}, 1024",
                    "add {b2}, 1024",
                    "dec {n}",
                    "jnz 2b",
                    "3:",
                    $($end,)*
                    "// not in every shape: {b2} {i2} {c2}",
                    n = inout(reg) depth => _,
                    a = inout(reg) a => _,
                    a2 = inout(reg) a.wrapping_add(BLOCK * lda) => _,
                    lda = in(reg) 4 * lda,
                    b = inout(reg) b => _,
                    b2 = inout(reg) b.wrapping_add(next) => _,
                    ldb = in(reg) 64usize,
                    i = in(reg) begin.at,
                    i2 = in(reg) begin.at.wrapping_add(BLOCK * begin.ld),
                    ldi = in(reg) 4 * begin.ld,
                    c = in(reg) c,
                    c2 = in(reg) c.wrapping_add(BLOCK * ldc),
                    ldc = in(reg) 4 * ldc,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

block!(two_by_two:
    ["tileloadd tmm0, [{i} + {ldi}]", "tileloadd tmm1, [{i} + {ldi} + 64]",
     "tileloadd tmm2, [{i2} + {ldi}]", "tileloadd tmm3, [{i2} + {ldi} + 64]"]
    ["tileloadd tmm4, [{a} + {lda}]", "tileloadd tmm6, [{b} + {ldb}]", "tileloadd tmm7, [{b2} + {ldb}]",
     "tdpbf16ps tmm0, tmm4, tmm6", "tileloadd tmm5, [{a2} + {lda}]", "tdpbf16ps tmm1, tmm4, tmm7",
     "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7"]
    ["tilestored [{c} + {ldc}], tmm0", "tilestored [{c} + {ldc} + 64], tmm1",
     "tilestored [{c2} + {ldc}], tmm2", "tilestored [{c2} + {ldc} + 64], tmm3"]);

block!(two_by_one:
    ["tileloadd tmm0, [{i} + {ldi}]", "tileloadd tmm2, [{i2} + {ldi}]"]
    ["tileloadd tmm4, [{a} + {lda}]", "tileloadd tmm6, [{b} + {ldb}]", "tdpbf16ps tmm0, tmm4, tmm6",
     "tileloadd tmm5, [{a2} + {lda}]", "tdpbf16ps tmm2, tmm5, tmm6"]
    ["tilestored [{c} + {ldc}], tmm0", "tilestored [{c2} + {ldc}], tmm2"]);

block!(one_by_two:
    ["tileloadd tmm0, [{i} + {ldi}]", "tileloadd tmm1, [{i} + {ldi} + 64]"]
    ["tileloadd tmm4, [{a} + {lda}]", "tileloadd tmm6, [{b} + {ldb}]", "tileloadd tmm7, [{b2} + {ldb}]",
     "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7"]
    ["tilestored [{c} + {ldc}], tmm0", "tilestored [{c} + {ldc} + 64], tmm1"]);

block!(one_by_one:
    ["tileloadd tmm0, [{i} + {ldi}]"]
    ["tileloadd tmm4, [{a} + {lda}]", "tileloadd tmm6, [{b} + {ldb}]", "tdpbf16ps tmm0, tmm4, tmm6"]
    ["tilestored [{c} + {ldc}], tmm0"]);
