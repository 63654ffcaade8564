//! One op over one micro-batch: borrowing its views and calling its kernel.

use std::ops::Range;

use crate::exec::context::{Backward, Forward, State, Training};
use crate::exec::input::Input;
use crate::exec::workspace::Workspace;
use crate::graph::{Graph, Value};
use crate::kernels::arena::{Few, Place, View};
use crate::plan::Plan;
use crate::real::Real;

/// What all ops of a pass share.
pub(crate) struct Pass<'a, T> {
    pub(crate) graph: &'a Graph,
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a Input<'a, T>,
    pub(crate) state: &'a State<'a, T>,
    /// `None` when scoring.
    pub(crate) training: Option<Training>,
    /// By node: what a batch-wide op's `combine_forward` left.
    pub(crate) combined: &'a [Vec<T>],
}

impl<T: Real> Pass<'_, T> {
    /// A value's numbers, or its gradient's, for these rows of the batch.
    pub(crate) fn view(&self, value: Value, place: Place, samples: &Range<usize>) -> View {
        let space = self.graph.nodes[value.0].space;
        View { place, rows: self.input.range(space, samples.clone()).len() }
    }

    /// A value's numbers for these rows of the batch.
    pub(crate) fn value(&self, value: Value, samples: &Range<usize>) -> View {
        self.view(value, self.plan.nodes[value.0].value, samples)
    }

    /// Calls `f` with node `i`'s forward context.
    pub(crate) fn forward<R>(
        &self,
        i: usize,
        samples: Range<usize>,
        workspace: &mut Workspace<T>,
        f: impl FnOnce(&mut Forward<'_, T>) -> R,
    ) -> R {
        let Workspace { arena, lefts, scratch } = workspace;
        let (node, planned) = (&self.graph.nodes[i], &self.plan.nodes[i]);
        // Out of the others' way while they are read.
        let mut next = planned.next.map(|at| (at, std::mem::take(&mut lefts[at])));
        let reads = node.inputs.iter().map(|v| self.value(*v, &samples));
        let (x, mut writes) = arena.borrow(reads, [self.value(Value(i), &samples)]);
        let result = {
            let y = writes[0].again();
            let left = planned.left.map(|left| left.of(lefts, |out| T::left(x[0], out)));
            let next = next.as_mut().map(|(_, next)| next);
            let combined = self.combined.get(i).map_or(&[][..], Vec::as_slice);
            let rows = self.input.range(node.space, samples.clone());
            let (input, state, training) = (self.input, self.state, self.training);
            f(&mut Forward { x: &x, y, rows, samples, input, state, training, combined, left, next, scratch })
        };
        if let Some((at, next)) = next {
            lefts[at] = next;
        }
        result
    }

    /// Calls `f` with node `i`'s backward context; nothing happens if no gradient reaches it.
    pub(crate) fn backward(
        &self,
        i: usize,
        samples: Range<usize>,
        workspace: &mut Workspace<T>,
        lane: LaneView<'_, T>,
        f: impl FnOnce(&mut Backward<'_, T>),
    ) {
        let (node, planned) = (&self.graph.nodes[i], &self.plan.nodes[i]);
        let (Some(grad), Some(training)) = (planned.grad, self.training) else { return };
        let Workspace { arena, lefts, scratch } = workspace;
        // The output last of what is read, its gradient first of what is written.
        let reads = node.inputs.iter().map(|v| self.value(*v, &samples)).chain([self.value(Value(i), &samples)]);
        let to_inputs = node.inputs.iter().zip(&planned.dx).filter_map(|(input, dx)| {
            let place = self.plan.nodes[input.0].grad.filter(|_| dx.is_some())?;
            let width = planned.dx_width.unwrap_or(place.width);
            Some(self.view(*input, Place { width, ..place }, &samples))
        });
        let writes = std::iter::once(self.view(Value(i), grad, &samples)).chain(to_inputs);
        // Within a lane only the first micro-batch replaces what an earlier batch left.
        let accumulate: Few<bool> = planned.param_shared.iter().map(|shared| *shared || !lane.first).collect();
        let (x, mut writes) = arena.borrow(reads, writes);
        let (Some((y, x)), Some((dy, to_inputs))) = (x.split_last(), writes.split_first_mut()) else { return };
        let mut to_inputs = to_inputs.iter_mut();
        let given = |dx: &Option<bool>| dx.and_then(|add| to_inputs.next().map(|view| (view.again(), add)));
        let dx = planned.dx.iter().map(given).collect();
        let left = planned.left_turned.map(|left| left.of(lefts, |out| T::left_turned(x[0], out)));
        let mut cx = Backward {
            x,
            y: *y,
            dy: dy.again(),
            dx,
            rows: self.input.range(node.space, samples.clone()),
            samples,
            input: self.input,
            state: self.state,
            training,
            combined: self.combined.get(i).map_or(&[][..], Vec::as_slice),
            sums: lane.sums,
            batch_rows: self.input.range(node.space, 0..self.input.feed.rows).len(),
            grads: lane.grads,
            accumulate: &accumulate,
            slot_grad: lane.slot_grad,
            left,
            scratch,
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
