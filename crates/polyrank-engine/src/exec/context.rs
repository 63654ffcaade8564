//! What an op sees while it runs: the rows of one micro-batch, and nothing else it could change.

use std::ops::Range;

use crate::exec::input::Input;
use crate::exec::workspace::Scratch;
use crate::graph::{Running, Space, Table};
use crate::kernels::arena::{Few, Mat, MatMut};
use crate::kernels::half::Left;
use crate::params::Params;
use crate::real::Real;
use crate::rng::{Purpose, Stream};
use crate::table::EmbeddingTable;

/// A network's trained state, as ops read it.
pub(crate) struct State<'a, T> {
    pub(crate) params: &'a Params<T>,
    pub(crate) tables: &'a [EmbeddingTable<T>],
    pub(crate) running: &'a [RunningStats<T>],
}

/// Mean and variance a column, kept for scoring.
#[derive(Debug, Clone)]
pub(crate) struct RunningStats<T> {
    pub(crate) mean: Vec<T>,
    pub(crate) variance: Vec<T>,
}

/// How a forward pass differs in training.
#[derive(Clone, Copy)]
pub(crate) struct Training {
    pub(crate) seed: u64,
    pub(crate) step: u64,
}

impl Training {
    pub(crate) fn stream(self, purpose: Purpose, thing: u64) -> Stream {
        Stream::new(self.seed, purpose, thing, self.step)
    }
}

/// One op's forward pass over one micro-batch.
pub(crate) struct Forward<'a, T> {
    /// The inputs.
    pub(crate) x: &'a [Mat<'a, T>],
    /// The output.
    pub(crate) y: MatMut<'a, T>,
    /// The micro-batch's rows of the output within the batch's: rows of the batch, or of the output's space.
    pub(crate) rows: Range<usize>,
    /// The micro-batch's rows within the batch.
    pub(crate) samples: Range<usize>,
    pub(crate) input: &'a Input<'a, T>,
    pub(crate) state: &'a State<'a, T>,
    /// `None` when scoring.
    pub(crate) training: Option<Training>,
    /// What a batch-wide op's `combine_forward` left (training only).
    pub(crate) combined: &'a [T],
    /// The rows of the input rounded to bf16, for an op that multiplies those.
    pub(crate) left: Option<&'a Left>,
    /// Where such an op puts its output's, for the next one.
    pub(crate) next: Option<&'a mut Left>,
    pub(crate) scratch: &'a mut Scratch<T>,
}

/// One op's backward pass over one micro-batch.
pub(crate) struct Backward<'a, T> {
    /// The inputs of the forward pass.
    pub(crate) x: &'a [Mat<'a, T>],
    /// The output of the forward pass.
    pub(crate) y: Mat<'a, T>,
    /// The output's gradient; the op may use it as scratch.
    pub(crate) dy: MatMut<'a, T>,
    /// The gradient of each input that needs one, and whether to add to what is there.
    pub(crate) dx: Few<Option<(MatMut<'a, T>, bool)>>,
    /// As in [`Forward`].
    pub(crate) rows: Range<usize>,
    /// As in [`Forward`].
    pub(crate) samples: Range<usize>,
    pub(crate) input: &'a Input<'a, T>,
    pub(crate) state: &'a State<'a, T>,
    pub(crate) training: Training,
    /// What a batch-wide op's `combine_forward` left.
    pub(crate) combined: &'a [T],
    /// The batch's sums of a batch-wide op's `reduce_backward`.
    pub(crate) sums: &'a [f64],
    /// Rows of the output in the whole batch.
    pub(crate) batch_rows: usize,
    /// This lane's gradients of all parameters.
    pub(crate) grads: &'a mut [T],
    /// By parameter of the op: whether to add to what the lane has.
    pub(crate) accumulate: &'a [bool],
    /// A lookup's gradient rows, this micro-batch's part.
    pub(crate) slot_grad: Option<&'a mut [T]>,
    /// The columns of the input rounded to bf16, for an op that multiplies those.
    pub(crate) left: Option<&'a Left>,
    pub(crate) scratch: &'a mut Scratch<T>,
}

/// What turns a batch's sums into what a batch-wide op's forward pass reads.
pub(crate) struct Combine<'a, T> {
    /// The batch's sums of `reduce_forward`.
    pub(crate) sums: &'a [f64],
    /// Rows of the output in the whole batch.
    pub(crate) batch_rows: usize,
    /// To fill.
    pub(crate) combined: &'a mut Vec<T>,
    pub(crate) running: &'a mut [RunningStats<T>],
}

/// The rows of a space that belong to row `row` of the batch, counted from the micro-batch's first.
pub(crate) fn local<T: Real>(input: &Input<'_, T>, samples: &Range<usize>, space: Space, row: usize) -> Range<usize> {
    let (first, segment) = (input.range(space, samples.clone()).start, input.segment(space, row));
    segment.start - first..segment.end - first
}

impl<T> State<'_, T> {
    pub(crate) fn table(&self, table: Table) -> &EmbeddingTable<T> {
        &self.tables[table.0]
    }

    pub(crate) fn running(&self, running: Running) -> &RunningStats<T> {
        &self.running[running.0]
    }
}
