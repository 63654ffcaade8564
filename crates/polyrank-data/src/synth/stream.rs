//! Rows block by block: made on all threads, given in order, few at a time.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::Rows;

/// Numbers of a block, and rows of one at most.
const BLOCK_NUMBERS: u64 = 1 << 22;
const BLOCK_ROWS: u64 = 4096;
/// Blocks a thread that are in memory at once.
const BLOCKS_A_THREAD: usize = 2;

/// The rows with these numbers, in batches. The same rows for any number of threads.
pub fn blocks(
    rows: Arc<dyn Rows>,
    range: Range<u64>,
    truth: bool,
) -> impl Iterator<Item = RecordBatch> + Send + 'static {
    let block = (BLOCK_NUMBERS / rows.width().max(1)).clamp(1, BLOCK_ROWS);
    let mut from = range.start;
    let waves = std::iter::from_fn(move || {
        let mut wave = Vec::new();
        while from < range.end && wave.len() < BLOCKS_A_THREAD * rayon::current_num_threads() {
            let to = range.end.min(from.saturating_add(block));
            wave.push(from..to);
            from = to;
        }
        let made: Vec<RecordBatch> = wave.into_par_iter().map(|block| rows.rows(block, truth)).collect();
        (!made.is_empty()).then_some(made)
    });
    waves.flatten()
}
