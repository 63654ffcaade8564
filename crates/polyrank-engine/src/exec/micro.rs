//! What one micro-batch does in a training step: an op's passes, and the losses.

use crate::exec::Cut;
use crate::exec::context::Training;
use crate::exec::input::Input;
use crate::exec::run::{LaneView, Pass};
use crate::exec::workspace::Workspace;
use crate::graph::{Graph, Space, Value};
use crate::kernels::arena::{Arena, Mat, MatMut};
use crate::kernels::buffer::Buffer;
use crate::kernels::rows::Parts;
use crate::kernels::simd;
use crate::loss::Loss;
use crate::plan::{Action, Reduced};
use crate::real::Real;

/// One lane: gradients of all parameters, and what its micro-batches reduced.
pub(super) struct Lane<T> {
    pub(super) grads: Buffer<T>,
    pub(super) micros: Vec<MicroSums>,
}

#[derive(Default)]
pub(super) struct MicroSums {
    pub(super) losses: Vec<f64>,
    /// Of each op that the next barrier is for.
    pub(super) reduced: Vec<Vec<f64>>,
}

impl MicroSums {
    /// Zeros to add up for `node`, the barrier's op number `at`.
    fn zeros(&mut self, graph: &Graph, node: usize, at: usize) -> &mut [f64] {
        self.reduced.resize_with(self.reduced.len().max(at + 1), Vec::new);
        let sums = &mut self.reduced[at];
        sums.clear();
        sums.resize(graph.nodes[node].op.reduced(graph.nodes[node].width), 0.0);
        sums
    }
}

/// What all micro-batches of a step share.
pub(super) struct Micro<'a, T> {
    pub(super) input: &'a Input<'a, T>,
    /// By head, then by objective: weight over normaliser.
    pub(super) scales: &'a [f64],
    pub(super) cut: &'a Cut,
    pub(super) training: Training,
    /// By node: the batch's sums that the last barrier combined.
    pub(super) sums: &'a [(usize, Vec<f64>)],
}

pub(super) fn run_action<T: Real>(
    action: Action,
    pass: &Pass<'_, T>,
    micro: &Micro<'_, T>,
    m: usize,
    first: bool,
    lane: &mut Lane<T>,
    at: usize,
    workspace: &mut Workspace<T>,
    slot_grads: &[(usize, Parts<T>)],
) {
    let rows = micro.cut.bounds[m]..micro.cut.bounds[m + 1];
    match action {
        Action::Forward(i) => pass.forward(i, rows, workspace, |cx| pass.graph.nodes[i].op.forward(cx)),
        Action::ReduceForward(Reduced { node: i, at: which }) => {
            let sums = lane.micros[at].zeros(pass.graph, i, which);
            pass.forward(i, rows, workspace, |cx| pass.graph.nodes[i].op.reduce_forward(cx, sums));
        }
        Action::Loss => losses(pass, micro, rows, &mut lane.micros[at].losses, &mut workspace.arena),
        Action::Clear(i) => {
            let grad = pass.plan.nodes[i].grad.map(|grad| pass.view(Value(i), grad, &rows));
            let (_, mut views) = workspace.arena.borrow([], grad);
            views.iter_mut().for_each(|view| (0..view.rows()).for_each(|r| view.row_mut(r).fill(T::ZERO)));
        }
        Action::Backward(i) => {
            let mut part = slot_grads.iter().find(|(node, _)| *node == i).map(|(_, parts)| parts.part(m));
            let slot_grad = part.as_mut().map(|p| &mut *p.data);
            let sums = micro.sums.iter().find(|(node, _)| *node == i).map_or(&[][..], |(_, sums)| sums);
            let view = LaneView { grads: &mut lane.grads, first, sums, slot_grad };
            pass.backward(i, rows, workspace, view, |cx| pass.graph.nodes[i].op.backward(cx));
        }
        Action::ReduceBackward(Reduced { node: i, at: which }) => {
            let Lane { grads, micros } = lane;
            let sums = micros[at].zeros(pass.graph, i, which);
            let view = LaneView { grads, first, sums: &[], slot_grad: None };
            pass.backward(i, rows, workspace, view, |cx| pass.graph.nodes[i].op.reduce_backward(cx, sums));
        }
    }
}

simd! {
    /// The sum of a head's losses over rows with their labels and weights; writes its gradient, times `scale`, or adds it.
    fn head_losses<T: Real>(
        loss: Loss,
        outputs: Mat<'_, T>,
        targets: &[(T, T)],
        scale: T,
        add: bool,
        grads: Option<&mut MatMut<'_, T>>,
    ) -> f64 {
        let (mut sum, mut grads) = (0.0, grads);
        let mut slope = vec![T::ZERO; outputs.width()];
        for (r, &(label, weight)) in targets.iter().enumerate() {
            if label.f64().is_nan() {
                slope.fill(T::ZERO);
            } else {
                sum += (loss.row(outputs.row(r), label, &mut slope) * weight).f64();
                slope.iter_mut().for_each(|slope| *slope *= weight);
            }
            if let Some(grads) = &mut grads {
                for (g, &slope) in grads.row_mut(r).iter_mut().zip(&slope) {
                    *g = if add { *g + slope * scale } else { slope * scale };
                }
            }
        }
        sum
    }
}

simd! {
    /// The sum of an objective's numbers; writes the gradient, `scale` each, or adds it.
    fn total<T: Real>(values: Mat<'_, T>, scale: T, add: bool, grads: Option<&mut MatMut<'_, T>>) -> f64 {
        let mut sum = 0.0;
        for r in 0..values.rows() {
            for value in values.row(r) {
                sum += value.f64();
            }
        }
        if let Some(grads) = grads {
            for r in 0..grads.rows() {
                for g in grads.row_mut(r) {
                    *g = if add { *g + scale } else { scale };
                }
            }
        }
        sum
    }
}

/// The heads' losses and the objectives over a micro-batch, and the gradients of their outputs.
fn losses<T: Real>(
    pass: &Pass<'_, T>,
    micro: &Micro<'_, T>,
    rows: std::ops::Range<usize>,
    sums: &mut Vec<f64>,
    arena: &mut Arena<T>,
) {
    sums.clear();
    for (h, head) in pass.graph.heads.iter().enumerate() {
        let planned = &pass.plan.nodes[head.output.0];
        let grad = planned.grad.map(|grad| pass.view(head.output, grad, &rows));
        let (outputs, mut grads) = arena.borrow([pass.value(head.output, &rows)], grad);
        let (scale, add) = (T::of(micro.scales[h]), pass.plan.loss_accumulates[h]);
        let targets = rows.clone().map(|row| (micro.input.label(row, h), micro.input.weight(row, h)));
        let targets: Vec<(T, T)> = targets.collect();
        sums.push(head_losses(head.loss, outputs[0], &targets, scale, add, grads.first_mut()));
    }
    let heads = pass.graph.heads.len();
    for (at, objective) in pass.graph.objectives.iter().enumerate().map(|(o, objective)| (heads + o, objective)) {
        let grad = pass.plan.nodes[objective.value.0].grad.map(|grad| pass.view(objective.value, grad, &rows));
        let (values, mut grads) = arena.borrow([pass.value(objective.value, &rows)], grad);
        // What belongs to no row counts once for each.
        let times = if pass.graph.space(objective.value) == Space::Once { rows.len() as f64 } else { 1.0 };
        let scale = T::of(times * micro.scales[at]);
        sums.push(times * total(values[0], scale, pass.plan.loss_accumulates[at], grads.first_mut()));
    }
}
