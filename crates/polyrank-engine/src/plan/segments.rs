//! The order of a training step: forward segments, the losses, backward segments.

use super::levels::Level;
use super::{Action, Barrier, Reduced, Segment, is_part, is_view};
use crate::graph::{Graph, Value};

/// The segments of levels, of which one begins at each barrier.
pub(super) fn segments(
    graph: &Graph,
    levels: &[Level],
    hosts: &[Option<(usize, usize)>],
    has_grad: &[bool],
) -> Vec<Segment> {
    let mut segments = vec![Segment { actions: Vec::new(), then: Barrier::None }];
    let push = |segments: &mut Vec<Segment>, action: Action| {
        if let Some(segment) = segments.last_mut() {
            segment.actions.push(action);
        }
    };
    let split = |segments: &mut Vec<Segment>, barrier: Barrier| {
        if let Some(segment) = segments.last_mut() {
            segment.then = barrier;
        }
        segments.push(Segment { actions: Vec::new(), then: Barrier::None });
    };
    let reduced =
        |wide: &[usize]| -> Vec<Reduced> { wide.iter().enumerate().map(|(at, &node)| Reduced { node, at }).collect() };
    for (level, next) in levels.iter().zip(levels.iter().skip(1).map(Some).chain([None])) {
        let mut waiting = next.map_or(Vec::new(), |next| reduced(&next.wide));
        for i in level.nodes().filter(|&i| !is_view(&graph.nodes[i])) {
            push(&mut segments, Action::Forward(i));
            // Sums are taken while the value that they are of is in cache.
            let ready = waiting.extract_if(.., |op| graph.nodes[op.node].inputs == [Value(i)]);
            ready.for_each(|op| push(&mut segments, Action::ReduceForward(op)));
        }
        waiting.into_iter().for_each(|op| push(&mut segments, Action::ReduceForward(op)));
        if let Some(next) = next {
            split(&mut segments, Barrier::CombineForward(next.wide.clone()));
        }
    }
    push(&mut segments, Action::Loss);
    let goes_back = |i: &usize| has_grad[*i] && !is_view(&graph.nodes[*i]);
    for level in levels.iter().rev() {
        let wide: Vec<usize> = level.wide.iter().copied().rev().filter(goes_back).collect();
        // The reader that is the last to add to an op's gradient, if no concat stands between them.
        let last = |op: Reduced| {
            let mut readers = level.others.iter().copied().filter(goes_back);
            let alone = hosts[op.node].is_none();
            alone.then(|| readers.find(|&i| graph.nodes[i].inputs.contains(&Value(op.node)))).flatten()
        };
        let mut waiting: Vec<_> = reduced(&wide).into_iter().map(|op| (op, last(op))).collect();
        for i in level.others.iter().copied().rev().filter(goes_back) {
            let idle = (i + 1..graph.nodes.len())
                .filter(|&part| is_part(&graph.nodes[part]) && graph.nodes[part].inputs == [Value(i)]);
            idle.filter(|&part| !has_grad[part]).for_each(|part| push(&mut segments, Action::Clear(part)));
            push(&mut segments, Action::Backward(i));
            let ready = waiting.extract_if(.., |(_, last)| *last == Some(i));
            ready.for_each(|(op, _)| push(&mut segments, Action::ReduceBackward(op)));
        }
        if !wide.is_empty() {
            waiting.into_iter().for_each(|(op, _)| push(&mut segments, Action::ReduceBackward(op)));
            split(&mut segments, Barrier::CombineBackward(wide.clone()));
            wide.into_iter().for_each(|i| push(&mut segments, Action::Backward(i)));
        }
    }
    segments
}
