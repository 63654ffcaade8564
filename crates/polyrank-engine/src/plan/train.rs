//! The plan that trains: segments of actions, and places of values and gradients.

use super::allocator::Allocator;
use super::lefts::left_places;
use super::levels::{Level, levels};
use super::segments::segments;
use super::{Action, NOWHERE, Plan, PlanNode, hosts, is_concat, is_part, is_view, micro_rows, slice};
use crate::graph::{Graph, Value};
use crate::kernels::arena::{Area, Place};
use crate::ops::Op;

/// Columns of a value before the first from which on no gradient is wanted, as numbers that lie at a concat's end want
/// none.
fn learning_width(graph: &Graph, value: Value, has_grad: &[bool]) -> usize {
    let node = &graph.nodes[value.0];
    let inputs = if is_concat(node) { node.inputs.as_slice() } else { &[] };
    let idle: usize = inputs.iter().rev().take_while(|input| !has_grad[input.0]).map(|v| graph.nodes[v.0].width).sum();
    node.width - idle
}

/// By node: whether its value can pass a gradient on, and receives one.
fn learning(graph: &Graph, minimised: &[Value]) -> Vec<bool> {
    let n = graph.nodes.len();
    let mut learns = vec![false; n];
    for (i, node) in graph.nodes.iter().enumerate() {
        let looked_up = matches!(&node.op, Op::Lookup(lookup) if !graph.tables[lookup.table.0].frozen);
        let own = !node.op.params().is_empty() || looked_up;
        learns[i] = !node.op.stops() && (own || node.inputs.iter().any(|v| learns[v.0]));
    }
    let mut reached = vec![false; n];
    for value in minimised {
        reached[value.0] = true;
    }
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if reached[i] && learns[i] {
            for input in &node.inputs {
                reached[input.0] = true;
            }
        }
    }
    (0..n).map(|i| reached[i] && learns[i]).collect()
}

/// The plan that trains: forward, losses, backward.
pub(crate) fn train(graph: &Graph) -> Plan {
    let n = graph.nodes.len();
    let hosts = hosts(graph);
    let owner = |i: usize| hosts[i].map_or(i, |(host, _)| host);

    let minimised: Vec<Value> =
        graph.heads.iter().map(|h| h.output).chain(graph.objectives.iter().map(|o| o.value)).collect();
    let has_grad = learning(graph, &minimised);
    let goes_back = |i: &usize| has_grad[*i] && !is_view(&graph.nodes[*i]);
    let levels = levels(graph);
    let segments = segments(graph, &levels, &hosts, &has_grad);
    let order: Vec<usize> = levels.iter().flat_map(Level::nodes).collect();

    let (mut forward_at, mut backward_at, mut loss_at) = (vec![0; n], vec![0; n], 0);
    for (at, segment) in segments.iter().enumerate() {
        for action in &segment.actions {
            match *action {
                Action::Forward(i) => forward_at[i] = at,
                Action::Loss => loss_at = at,
                Action::Backward(i) => backward_at[i] = at,
                Action::ReduceForward(_) | Action::ReduceBackward(_) | Action::Clear(_) => {}
            }
        }
    }

    // Places of values: all live at once, because backward passes read them.
    let mut areas = [Area::Held, Area::Passing].map(Allocator::of);
    let mut values: Vec<Option<Place>> = vec![None; n];
    for i in (0..n).filter(|&i| hosts[i].is_none()) {
        values[i] = Some(areas[Area::Held as usize].take(&graph.nodes[i]));
    }
    let place_slices = |places: &mut Vec<Option<Place>>| {
        for i in 0..n {
            if let Some((host, column)) = hosts[i] {
                places[i] = places[host].map(|host| slice(host, column, graph.nodes[i].width));
            }
        }
    };
    place_slices(&mut values);

    // Gradients that are written and read in several segments.
    let mut touched: Vec<Option<usize>> = vec![None; n];
    let mut stays = vec![false; n];
    let mut touch = |i: usize, at: usize| stays[owner(i)] |= *touched[owner(i)].get_or_insert(at) != at;
    minimised.iter().for_each(|value| touch(value.0, loss_at));
    for i in (0..n).filter(goes_back) {
        let node = &graph.nodes[i];
        touch(i, backward_at[i]);
        if node.op.batch_wide() {
            touch(i, backward_at[i] - 1);
        }
        node.inputs.iter().for_each(|input| touch(input.0, backward_at[i]));
    }
    let area = |own: usize| if stays[own] { Area::Held } else { Area::Passing } as usize;

    // Places of gradients: taken when first written, given back when their own node's backward pass has run. A concat's
    // gradient lives until its first input's (the last to run).
    let mut grads: Vec<Option<Place>> = vec![None; n];
    let mut written = vec![false; n];
    // What is written at once: a concat's gradient as a whole, a part's alone.
    let whole = |i: usize| if is_part(&graph.nodes[i]) { i } else { owner(i) };
    let mut loss_accumulates = Vec::new();
    for value in &minimised {
        let own = owner(value.0);
        if has_grad[value.0] && grads[own].is_none() {
            grads[own] = Some(areas[area(own)].take(&graph.nodes[own]));
        }
        loss_accumulates.push(std::mem::replace(&mut written[whole(value.0)], true));
    }
    let mut param_written = vec![false; graph.params.len()];
    let mut dx: Vec<Vec<Option<bool>>> = graph.nodes.iter().map(|node| vec![None; node.inputs.len()]).collect();
    let mut param_shared = vec![Vec::new(); n];
    let mut live_inputs: Vec<usize> = vec![0; n];
    for i in 0..n {
        if let Some((host, _)) = hosts[i] {
            live_inputs[host] += usize::from(has_grad[i]);
        }
    }
    for i in order.iter().copied().rev().filter(goes_back) {
        let node = &graph.nodes[i];
        for (slot, input) in dx[i].iter_mut().zip(&node.inputs) {
            if has_grad[input.0] {
                let own = owner(input.0);
                if grads[own].is_none() {
                    grads[own] = Some(areas[area(own)].take(&graph.nodes[own]));
                }
                *slot = Some(std::mem::replace(&mut written[whole(input.0)], true));
            }
        }
        param_shared[i] = node.op.params().iter().map(|p| std::mem::replace(&mut param_written[p.0], true)).collect();
        let own = owner(i);
        if own == i {
            if let Some(place) = grads[i] {
                areas[area(i)].give_back(place);
            }
        } else {
            live_inputs[own] -= 1;
            if let (0, Some(place)) = (live_inputs[own], grads[own]) {
                areas[area(own)].give_back(place);
            }
        }
    }
    place_slices(&mut grads);

    let forward = left_places(graph, order.iter().map(|&i| (i, forward_at[i])), true);
    let back = order.iter().rev().filter(|&&i| has_grad[i]);
    let backward = left_places(graph, back.map(|&i| (i, backward_at[i])), false);
    let lefts = forward.count.max(backward.count);
    let mut nodes: Vec<PlanNode> = values
        .into_iter()
        .zip(grads)
        .zip(dx)
        .zip(param_shared)
        .zip(forward.of.into_iter().zip(forward.next).zip(backward.of))
        .map(|((((value, grad), dx), param_shared), ((left, next), left_turned))| {
            let value = value.unwrap_or(NOWHERE);
            PlanNode { value, grad, dx, dx_width: None, param_shared, left, next, left_turned }
        })
        .collect();
    // Weights are transposed once for all ops that multiply by them.
    let mut widths = vec![0; graph.params.len()];
    let weights = graph.nodes.iter().enumerate().filter_map(|(i, node)| match &node.op {
        Op::Linear(linear) => Some((i, linear.weight.0)),
        _ => None,
    });
    for (i, weight) in weights.clone() {
        widths[weight] = widths[weight].max(learning_width(graph, graph.nodes[i].inputs[0], &has_grad));
    }
    weights.for_each(|(i, weight)| nodes[i].dx_width = Some(widths[weight]));
    Plan { nodes, segments, loss_accumulates, micro_rows: micro_rows(graph), widths: areas.map(|area| area.end), lefts }
}
