//! Running a plan: micro-batches over worker threads.
//!
//! How a batch is cut depends on its rows alone, never on threads: so do the sums, and so do the bits.

pub(crate) mod compiled;
pub(crate) mod context;
pub mod feed;
pub(crate) mod input;
mod micro;
mod run;
pub mod score;
pub mod targets;
pub mod train;
mod update;
pub(crate) mod workspace;

use crate::graph::Graph;
use crate::plan::micro_rows;

/// Most rows of a micro-batch in fp32: few enough that a ranker's values stay in the second-level cache.
pub(crate) const MICRO_ROWS: usize = 64;

/// Rows that are worth another thread.
const LEAST_ROWS: usize = 16;

/// What training on batches of `rows` rows holds: rows whose values a thread has at a time, and gradients of all layers.
pub fn held(graph: &Graph, rows: usize) -> (usize, usize) {
    let most = micro_rows(graph);
    (most, Cut::of(rows, most).lanes.len() - 1)
}

/// How a batch is cut: micro-batches of consecutive rows, at most as many as the plan says, and lanes of consecutive
/// micro-batches. A lane sums its gradients in order; lanes are summed in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Where micro-batches begin and end, from 0.
    pub(crate) bounds: Vec<usize>,
    /// Where lanes begin and end, in micro-batches.
    pub(crate) lanes: Vec<usize>,
}

impl Cut {
    /// The cut of a batch of `rows` rows, at least 1, into micro-batches of at most `micro_rows`.
    pub(crate) fn of(rows: usize, micro_rows: usize) -> Cut {
        // Two threads share a small batch too.
        let micros = rows.div_ceil(micro_rows).max(rows.div_ceil(LEAST_ROWS).min(2)).max(1);
        // More lanes feed more threads and cost a pass over all layer gradients each.
        let lanes = micros.min((rows / 512).clamp(4, 16));
        let even = |parts: usize, of: usize| (0..=parts).map(|i| i * of / parts).collect();
        Cut { bounds: even(micros, rows), lanes: even(lanes, micros) }
    }
}
