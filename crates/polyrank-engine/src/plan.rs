//! From a graph to an order of execution and a place for every value.
//!
//! - Concat disappears: its inputs are placed side by side in its buffer, so their producers write there. A part of a
//!   value lies where the value does. Mixtures of the same experts become one op whose value has one as each part.
//! - Buffers are reused when their last reader has run. In training every value lives until its backward pass, and
//!   gradients share what is free; when scoring, values do.
//! - A batch-wide op (batch norm) ends a segment: all micro-batches finish it before the next begins. Those that do not
//!   wait for each other end it together. Gradients that no later segment reads lie where the last micro-batch's did.

mod allocator;
mod lefts;
mod levels;
mod merge;

use crate::exec::MICRO_ROWS;
use crate::graph::{Graph, Node, Value};
use crate::kernels::Isa;
use crate::kernels::arena::{Area, Place};
use crate::kernels::gemm::PANEL;
use crate::ops::Op;
use allocator::Allocator;
pub(crate) use lefts::LeftPlace;
use lefts::left_places;
use levels::{Level, levels};
pub(crate) use merge::merge_mixtures;

/// Numbers of a value with several rows a sample that a micro-batch should not exceed: a quarter of a megabyte.
const IN_CACHE: usize = 1 << 16;
/// How many times as long a micro-batch is where reading weights would cost more than values that leave the nearest cache.
const LONGER: usize = 4;

/// What to do with one op in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Forward(usize),
    /// Sums of a batch-wide op over a micro-batch, before its forward pass.
    ReduceForward(Reduced),
    Loss,
    /// Zeros for the gradient of a part that nothing learns from, where the whole value's is read.
    Clear(usize),
    Backward(usize),
    /// Sums of a batch-wide op over a micro-batch, before its backward pass.
    ReduceBackward(Reduced),
}

/// A batch-wide op that waits at a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reduced {
    pub(crate) node: usize,
    /// Which of the barrier's it is.
    pub(crate) at: usize,
}

/// What happens between two segments, and for which batch-wide ops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Barrier {
    None,
    CombineForward(Vec<usize>),
    CombineBackward(Vec<usize>),
}

/// Actions that every micro-batch runs without waiting for another.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) actions: Vec<Action>,
    pub(crate) then: Barrier,
}

/// How a node runs.
#[derive(Debug, Clone)]
pub(crate) struct PlanNode {
    pub(crate) value: Place,
    pub(crate) grad: Option<Place>,
    /// By input: whether its gradient is wanted, and if so whether to add to what is there.
    pub(crate) dx: Vec<Option<bool>>,
    /// Of a linear op: the columns of its input's gradient that anything learns from, by whole panels of weights.
    pub(crate) dx_width: Option<usize>,
    /// By parameter of the op: whether another op of the same pass has written its gradient already.
    pub(crate) param_shared: Vec<bool>,
    /// Of an op that multiplies its input rounded to bf16: where the input's rows are, for the forward pass.
    pub(crate) left: Option<LeftPlace>,
    /// Of such an op, if others multiply its output rounded: where it puts the output's rows for them.
    pub(crate) next: Option<usize>,
    /// Where the input's columns are, for the backward pass.
    pub(crate) left_turned: Option<LeftPlace>,
}

/// An executable order with places.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<PlanNode>,
    pub(crate) segments: Vec<Segment>,
    /// By head, then by objective: whether its loss adds to a gradient that an earlier one's has begun.
    pub(crate) loss_accumulates: Vec<bool>,
    /// Rows of a micro-batch, at most.
    pub(crate) micro_rows: usize,
    /// Numbers of an arena a row, by area.
    pub(crate) widths: [usize; 2],
    /// Left operands of a workspace.
    pub(crate) lefts: usize,
}

/// Gives every concat inputs of its own: an input that something else reads too, or that is read twice, is copied. So
/// is whatever any op reads twice: each input's gradient needs a place of its own.
pub(crate) fn own_concat_inputs(graph: &Graph) -> Graph {
    let mut readers = vec![0usize; graph.nodes.len()];
    let used = graph.nodes.iter().flat_map(|n| &n.inputs).chain(graph.heads.iter().map(|h| &h.output));
    let used = used.chain(graph.objectives.iter().map(|o| &o.value));
    for value in used.chain(graph.watched.iter().map(|(_, v)| v)) {
        readers[value.0] += 1;
    }
    let mut out = graph.clone();
    out.nodes.clear();
    let mut moved: Vec<Value> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (at, &from) in node.inputs.iter().enumerate() {
            let source = &graph.nodes[from.0];
            let shared = is_concat(node) && (readers[from.0] > 1 || is_view(source));
            let mut input = moved[from.0];
            if shared || node.inputs[..at].contains(&from) {
                out.nodes.push(Node {
                    name: format!("{}.copy", source.name),
                    op: Op::from(crate::ops::activation::Activate::copy()),
                    inputs: vec![input],
                    width: source.width,
                    space: source.space,
                });
                input = Value(out.nodes.len() - 1);
            }
            inputs.push(input);
        }
        let node = Node { inputs, ..node.clone() };
        out.nodes.push(node);
        moved.push(Value(out.nodes.len() - 1));
    }
    remap(&mut out, &moved);
    out
}

/// Makes what a graph declares of its values name them where they have moved.
fn remap(graph: &mut Graph, moved: &[Value]) {
    graph.heads.iter_mut().for_each(|head| head.output = moved[head.output.0]);
    graph.objectives.iter_mut().for_each(|objective| objective.value = moved[objective.value.0]);
    graph.watched.iter_mut().for_each(|(_, value)| *value = moved[value.0]);
}

/// By node: the concat that holds its value, or the op of whose value it is a part, and at which column.
fn hosts(graph: &Graph) -> Vec<Option<(usize, usize)>> {
    let mut hosts = vec![None; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        match &node.op {
            Op::Concat(_) => {
                let mut column = 0;
                for input in &node.inputs {
                    hosts[input.0] = Some((i, column));
                    column += graph.nodes[input.0].width;
                }
            }
            Op::Part(part) => hosts[i] = Some((node.inputs[0].0, part.from)),
            _ => {}
        }
    }
    hosts
}

fn is_concat(node: &Node) -> bool {
    matches!(node.op, Op::Concat(_))
}

fn is_part(node: &Node) -> bool {
    matches!(node.op, Op::Part(_))
}

/// Whether there is nothing to run: the value lies where others do.
fn is_view(node: &Node) -> bool {
    is_concat(node) || is_part(node)
}

/// Columns of a value before the first from which on no gradient is wanted, as numbers that lie at a concat's end want
/// none; rounded up to whole panels, so that what products read of packed weights is a prefix.
fn learning_width(graph: &Graph, value: Value, has_grad: &[bool]) -> usize {
    let node = &graph.nodes[value.0];
    let inputs = if is_concat(node) { node.inputs.as_slice() } else { &[] };
    let idle: usize = inputs.iter().rev().take_while(|input| !has_grad[input.0]).map(|v| graph.nodes[v.0].width).sum();
    (node.width - idle).next_multiple_of(PANEL).min(node.width)
}

/// Of values that are never computed.
const NOWHERE: Place = Place { area: Area::Passing, start: 0, ld: 0, column: 0, width: 0, most: 1 };

fn slice(host: Place, column: usize, width: usize) -> Place {
    Place { column: host.column + column, width, ..host }
}

/// Rows of a micro-batch in training.
pub(crate) fn micro_rows(graph: &Graph) -> usize {
    // AMX multiplies so fast that reading weights and adding to gradients must be worth more rows.
    let tiles = Isa::current() == Isa::Amx && graph.nodes.iter().any(|node| node.op.multiplies_rounded());
    rows_in_cache(graph, if tiles { LONGER } else { 1 })
}

/// So many times a short micro-batch's rows: fewer if a row's lists or fields are many or wide, so that their values too
/// stay in cache. (What has one row a sample has larger weights the wider it is, which many rows should share.)
fn rows_in_cache(graph: &Graph, times: usize) -> usize {
    let several = graph.nodes.iter().filter(|node| node.space.most() > 1);
    let widest = several.map(|node| node.space.most() * node.width).max().unwrap_or(1);
    (IN_CACHE / widest.max(1)).clamp(MICRO_ROWS / 4, times * MICRO_ROWS)
}

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

/// The plan that trains: forward, losses, backward.
pub(crate) fn train(graph: &Graph) -> Plan {
    let n = graph.nodes.len();
    let hosts = hosts(graph);
    let owner = |i: usize| hosts[i].map_or(i, |(host, _)| host);

    // Which values can pass a gradient on, and which receive one.
    let mut learns = vec![false; n];
    for (i, node) in graph.nodes.iter().enumerate() {
        let looked_up = matches!(&node.op, Op::Lookup(lookup) if !graph.tables[lookup.table.0].frozen);
        let own = !node.op.params().is_empty() || looked_up;
        learns[i] = !node.op.stops() && (own || node.inputs.iter().any(|v| learns[v.0]));
    }
    let mut reached = vec![false; n];
    let minimised: Vec<Value> =
        graph.heads.iter().map(|h| h.output).chain(graph.objectives.iter().map(|o| o.value)).collect();
    for value in &minimised {
        reached[value.0] = true;
    }
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if reached[i] && learns[i] {
            for input in &node.inputs {
                reached[input.0] = true;
            }
        }
    }
    let has_grad: Vec<bool> = (0..n).map(|i| reached[i] && learns[i]).collect();

    // Order: forward segments, the losses, backward segments.
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
    let levels = levels(graph);
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
            let idle = (i + 1..n).filter(|&part| is_part(&graph.nodes[part]) && graph.nodes[part].inputs == [Value(i)]);
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
    for (node, planned) in graph.nodes.iter().zip(&mut nodes).filter(|(node, _)| matches!(node.op, Op::Linear(_))) {
        planned.dx_width = Some(learning_width(graph, node.inputs[0], &has_grad));
    }
    Plan { nodes, segments, loss_accumulates, micro_rows: micro_rows(graph), widths: areas.map(|area| area.end), lefts }
}
