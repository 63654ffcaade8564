//! The plan that scores: values share buffers as soon as their last reader has run.

use super::allocator::Allocator;
use super::lefts::left_places;
use super::{Action, Barrier, LONGER, NOWHERE, Plan, PlanNode, Segment, hosts, is_view, rows_in_cache, slice};
use crate::graph::Graph;
use crate::kernels::arena::{Area, Place};

/// Which nodes scoring needs: those that heads and watched values depend on.
fn scored(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    for value in graph.heads.iter().map(|h| h.output).chain(graph.watched.iter().map(|(_, v)| *v)) {
        needed[value.0] = true;
    }
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if needed[i] {
            node.inputs.iter().for_each(|input| needed[input.0] = true);
        }
    }
    needed
}

/// The plan that scores: forward only.
pub(crate) fn infer(graph: &Graph) -> Plan {
    let n = graph.nodes.len();
    let (hosts, scored) = (hosts(graph), scored(graph));
    // The buffer that a node's value lies in belongs to its host, if it has one.
    let owner = |i: usize| hosts[i].map_or(i, |(host, _)| host);
    let mut last_read = vec![0usize; n];
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| scored[*i]) {
        last_read[owner(i)] = last_read[owner(i)].max(i);
        for input in &node.inputs {
            last_read[owner(input.0)] = last_read[owner(input.0)].max(i);
        }
    }
    for value in graph.heads.iter().map(|h| h.output).chain(graph.watched.iter().map(|(_, v)| *v)) {
        last_read[owner(value.0)] = usize::MAX;
    }
    let mut allocator = Allocator::of(Area::Passing);
    let mut places: Vec<Option<Place>> = vec![None; n];
    let mut actions = Vec::new();
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| scored[*i]) {
        let own = owner(i);
        if places[own].is_none() {
            places[own] = Some(allocator.take(&graph.nodes[own]));
        }
        if let (Some((_, column)), Some(host)) = (hosts[i], places[own]) {
            places[i] = Some(slice(host, column, node.width));
        }
        if !is_view(node) {
            actions.push(Action::Forward(i));
        }
        for own in (0..n).filter(|&o| hosts[o].is_none() && last_read[o] == i) {
            if let Some(place) = places[own] {
                allocator.give_back(place);
            }
        }
    }
    let lefts = left_places(graph, (0..n).filter(|&i| scored[i]).map(|i| (i, 0)), true);
    let nodes = places
        .into_iter()
        .zip(lefts.of.into_iter().zip(lefts.next))
        .map(|(place, (left, next))| PlanNode {
            value: place.unwrap_or(NOWHERE),
            grad: None,
            dx: Vec::new(),
            dx_width: None,
            param_shared: Vec::new(),
            left,
            next,
            left_turned: None,
        })
        .collect();
    let segments = vec![Segment { actions, then: Barrier::None }];
    // Values are few at a time, so weights may be read less often.
    let micro_rows = rows_in_cache(graph, LONGER);
    Plan { nodes, segments, loss_accumulates: Vec::new(), micro_rows, widths: [0, allocator.end], lefts: lefts.count }
}
