//! Transposes of packed matrices, by blocks that an instruction set turns in its registers.

use super::gemm::{SIDE, padded_columns, panels};

/// A block to turn: lines from `from`, `ld` apart, become columns of the lines at `to`.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) from: *const f32,
    pub(super) ld: usize,
    /// Lines to read; those that lack count as zeros.
    pub(super) lines: usize,
    pub(super) to: *mut f32,
    pub(super) to_ld: usize,
    /// Lines to write.
    pub(super) columns: usize,
}

/// As [`Products::pack_transpose`](super::gemm::Products::pack_transpose), `turn` turning blocks of [`SIDE`] × [`SIDE`].
///
/// # Safety
/// The processor has what `turn` needs. It reads [`SIDE`] numbers from each of a block's lines, and writes as many to each of
/// its columns' lines.
pub(super) unsafe fn pack_transpose(
    packed: &[f32],
    k: usize,
    n: usize,
    rows: usize,
    out: &mut [f32],
    turn: unsafe fn(Block),
) {
    assert!(rows <= k && packed.len() >= k * padded_columns(n) && out.len() >= n * padded_columns(rows));
    for to in panels(n, rows) {
        for from in panels(k, n) {
            for row in (0..to.width).step_by(SIDE) {
                for column in (0..from.width).step_by(SIDE) {
                    // SAFETY: the lines lie before `rows`, the columns before n, and a panel's rows are whole blocks.
                    unsafe {
                        turn(Block {
                            from: packed.as_ptr().add(from.offset + (to.column + row) * from.padded + column),
                            ld: from.padded,
                            lines: SIDE.min(to.width - row),
                            to: out.as_mut_ptr().add(to.offset + (from.column + column) * to.padded + row),
                            to_ld: to.padded,
                            columns: SIDE.min(from.width - column),
                        });
                    }
                }
            }
        }
    }
}
