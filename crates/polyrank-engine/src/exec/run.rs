//! One op over one micro-batch: borrowing its views and calling its kernel.

use std::ops::Range;

use crate::exec::context::{Backward, Forward, State, Training};
use crate::exec::feed::Feed;
use crate::graph::Graph;
use crate::kernels::arena::{Arena, Place};
use crate::plan::Plan;
use crate::real::Real;

/// What all ops of a pass share.
pub(crate) struct Pass<'a, T> {
    pub(crate) graph: &'a Graph,
    pub(crate) plan: &'a Plan,
    pub(crate) feed: &'a Feed<'a, T>,
    pub(crate) state: &'a State<'a, T>,
    /// `None` when scoring.
    pub(crate) training: Option<Training>,
    /// By node: what a batch-wide op's `combine_forward` left.
    pub(crate) combined: &'a [Vec<T>],
}

impl<T: Real> Pass<'_, T> {
    /// Calls `f` with node `i`'s forward context.
    pub(crate) fn forward<R>(
        &self,
        i: usize,
        rows: Range<usize>,
        arena: &mut Arena<T>,
        f: impl FnOnce(&mut Forward<'_, T>) -> R,
    ) -> R {
        let node = &self.graph.nodes[i];
        let reads: Vec<Place> = node.inputs.iter().map(|v| self.plan.nodes[v.0].value).collect();
        let (x, mut y) = arena.borrow(rows.len(), &reads, &[self.plan.nodes[i].value]);
        let y = y.remove(0);
        let combined = self.combined.get(i).map_or(&[][..], Vec::as_slice);
        let mut cx = Forward { x, y, rows, feed: self.feed, state: self.state, training: self.training, combined };
        f(&mut cx)
    }

    /// Calls `f` with node `i`'s backward context; nothing happens if no gradient reaches it.
    pub(crate) fn backward(
        &self,
        i: usize,
        rows: Range<usize>,
        arena: &mut Arena<T>,
        lane: LaneView<'_, T>,
        f: impl FnOnce(&mut Backward<'_, T>),
    ) {
        let (node, planned) = (&self.graph.nodes[i], &self.plan.nodes[i]);
        let (Some(grad), Some(training)) = (planned.grad, self.training) else { return };
        let mut reads: Vec<Place> = node.inputs.iter().map(|v| self.plan.nodes[v.0].value).collect();
        reads.push(planned.value);
        let mut writes = vec![grad];
        for (input, dx) in node.inputs.iter().zip(&planned.dx) {
            if let (Some(_), Some(place)) = (dx, self.plan.nodes[input.0].grad) {
                writes.push(place);
            }
        }
        let (mut x, writes) = arena.borrow(rows.len(), &reads, &writes);
        let mut writes = writes.into_iter();
        let (Some(y), Some(dy)) = (x.pop(), writes.next()) else { return };
        let dx = planned
            .dx
            .iter()
            .map(|dx| dx.and_then(|accumulate| writes.next().map(|view| (view, accumulate))))
            .collect();
        // Within a lane only the first micro-batch replaces what an earlier batch left.
        let accumulate: Vec<bool> = planned.param_shared.iter().map(|shared| *shared || !lane.first).collect();
        let mut cx = Backward {
            x,
            y,
            dy,
            dx,
            rows,
            state: self.state,
            training,
            combined: self.combined.get(i).map_or(&[][..], Vec::as_slice),
            sums: lane.sums,
            batch_rows: self.feed.rows,
            grads: lane.grads,
            accumulate: &accumulate,
            slot_grad: lane.slot_grad,
        };
        f(&mut cx);
    }
}

/// What a backward pass writes besides the arena.
pub(crate) struct LaneView<'a, T> {
    /// The lane's parameter gradients.
    pub(crate) grads: &'a mut [T],
    /// Whether this is the lane's first micro-batch.
    pub(crate) first: bool,
    /// The batch's sums of the node's `reduce_backward`.
    pub(crate) sums: &'a [f64],
    /// The part of a lookup's gradient rows.
    pub(crate) slot_grad: Option<&'a mut [T]>,
}
