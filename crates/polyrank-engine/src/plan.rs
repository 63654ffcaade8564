//! From a graph to an order of execution and a place for every value.
//!
//! - Concat disappears: its inputs are placed side by side in its buffer, so their producers write there.
//! - Buffers are reused when their last reader has run. In training every value lives until its backward pass, and
//!   gradients share what is free; when scoring, values do.
//! - A batch-wide op (batch norm) ends a segment: all micro-batches finish it before the next begins.

use crate::graph::{Graph, Node, Value};
use crate::kernels::arena::Place;
use crate::ops::Op;

/// What to do with one op in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Forward(usize),
    /// Sums of a batch-wide op over a micro-batch, before its forward pass.
    ReduceForward(usize),
    Loss,
    Backward(usize),
    /// Sums of a batch-wide op over a micro-batch, before its backward pass.
    ReduceBackward(usize),
}

/// What happens between two segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barrier {
    None,
    CombineForward(usize),
    CombineBackward(usize),
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
    /// By parameter of the op: whether another op of the same pass has written its gradient already.
    pub(crate) param_shared: Vec<bool>,
}

/// An executable order with places.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<PlanNode>,
    pub(crate) segments: Vec<Segment>,
    /// By head: whether its loss adds to a gradient that another head's has begun.
    pub(crate) head_accumulates: Vec<bool>,
    /// Numbers of an arena a row.
    pub(crate) width: usize,
}

/// Gives every concat inputs of its own: an input that something else reads too, or that is read twice, is copied. So
/// is whatever any op reads twice: each input's gradient needs a place of its own.
pub(crate) fn own_concat_inputs(graph: &Graph) -> Graph {
    let mut readers = vec![0usize; graph.nodes.len()];
    let used = graph.nodes.iter().flat_map(|n| &n.inputs).chain(graph.heads.iter().map(|h| &h.output));
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
            let shared = is_concat(node) && (readers[from.0] > 1 || is_concat(source));
            let mut input = moved[from.0];
            if shared || node.inputs[..at].contains(&from) {
                out.nodes.push(Node {
                    name: format!("{}.copy", source.name),
                    op: Op::from(crate::ops::activation::Activate::copy()),
                    inputs: vec![input],
                    width: source.width,
                });
                input = Value(out.nodes.len() - 1);
            }
            inputs.push(input);
        }
        let node = Node { inputs, ..node.clone() };
        out.nodes.push(node);
        moved.push(Value(out.nodes.len() - 1));
    }
    for head in &mut out.heads {
        head.output = moved[head.output.0];
    }
    for (_, value) in &mut out.watched {
        *value = moved[value.0];
    }
    out
}

/// By node: the concat that holds its value, and at which column.
fn hosts(graph: &Graph) -> Vec<Option<(usize, usize)>> {
    let mut hosts = vec![None; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        if let Op::Concat(_) = node.op {
            let mut column = 0;
            for input in &node.inputs {
                hosts[input.0] = Some((i, column));
                column += graph.nodes[input.0].width;
            }
        }
    }
    hosts
}

fn is_concat(node: &Node) -> bool {
    matches!(node.op, Op::Concat(_))
}

/// Buffers of an arena, handed out and taken back in execution order.
#[derive(Default)]
struct Allocator {
    /// (start, length) of free stretches, by start.
    free: Vec<(usize, usize)>,
    end: usize,
}

impl Allocator {
    /// A buffer for rows of `width` numbers: rows start on cache lines, an odd number of them apart, so that a column
    /// of many rows spreads over all cache sets.
    fn take(&mut self, width: usize) -> Place {
        let lines = width.div_ceil(16) | 1;
        let ld = 16 * lines;
        // The smallest stretch that fits.
        let best = (0..self.free.len()).filter(|&i| self.free[i].1 >= ld).min_by_key(|&i| self.free[i].1);
        let start = match best {
            Some(i) => {
                let (start, length) = self.free[i];
                if length == ld {
                    self.free.remove(i);
                } else {
                    self.free[i] = (start + ld, length - ld);
                }
                start
            }
            None => {
                let start = self.end;
                self.end += ld;
                start
            }
        };
        Place { start, ld, column: 0, width }
    }

    fn give_back(&mut self, place: Place) {
        let at = self.free.partition_point(|f| f.0 < place.start);
        self.free.insert(at, (place.start, place.ld));
        let mut i = 0;
        while i + 1 < self.free.len() {
            if self.free[i].0 + self.free[i].1 == self.free[i + 1].0 {
                self.free[i].1 += self.free[i + 1].1;
                self.free.remove(i + 1);
            } else {
                i += 1;
            }
        }
    }
}

fn slice(host: Place, column: usize, width: usize) -> Place {
    Place { column: host.column + column, width, ..host }
}

/// The plan that scores: forward only.
pub(crate) fn infer(graph: &Graph) -> Plan {
    let n = graph.nodes.len();
    let hosts = hosts(graph);
    // The buffer that a node's value lies in belongs to its host, if it has one.
    let owner = |i: usize| hosts[i].map_or(i, |(host, _)| host);
    let mut last_read = vec![0usize; n];
    for (i, node) in graph.nodes.iter().enumerate() {
        last_read[owner(i)] = last_read[owner(i)].max(i);
        for input in &node.inputs {
            last_read[owner(input.0)] = last_read[owner(input.0)].max(i);
        }
    }
    for value in graph.heads.iter().map(|h| h.output).chain(graph.watched.iter().map(|(_, v)| *v)) {
        last_read[owner(value.0)] = usize::MAX;
    }
    let mut allocator = Allocator::default();
    let mut places: Vec<Option<Place>> = vec![None; n];
    let mut actions = Vec::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let own = owner(i);
        if places[own].is_none() {
            places[own] = Some(allocator.take(graph.nodes[own].width));
        }
        if let (Some((_, column)), Some(host)) = (hosts[i], places[own]) {
            places[i] = Some(slice(host, column, node.width));
        }
        if !is_concat(node) {
            actions.push(Action::Forward(i));
        }
        for own in (0..n).filter(|&o| hosts[o].is_none() && last_read[o] == i) {
            if let Some(place) = places[own] {
                allocator.give_back(place);
            }
        }
    }
    let nodes = places
        .into_iter()
        .map(|place| PlanNode {
            value: place.unwrap_or(Place { start: 0, ld: 0, column: 0, width: 0 }),
            grad: None,
            dx: Vec::new(),
            param_shared: Vec::new(),
        })
        .collect();
    let segments = vec![Segment { actions, then: Barrier::None }];
    Plan { nodes, segments, head_accumulates: Vec::new(), width: allocator.end }
}

/// The plan that trains: forward, losses, backward.
pub(crate) fn train(graph: &Graph) -> Plan {
    let n = graph.nodes.len();
    let hosts = hosts(graph);
    let owner = |i: usize| hosts[i].map_or(i, |(host, _)| host);

    // Which values can pass a gradient on, and which receive one.
    let mut learns = vec![false; n];
    for (i, node) in graph.nodes.iter().enumerate() {
        let own = !node.op.params().is_empty() || matches!(node.op, Op::Lookup(_));
        learns[i] = own || node.inputs.iter().any(|v| learns[v.0]);
    }
    let mut reached = vec![false; n];
    for head in &graph.heads {
        reached[head.output.0] = true;
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
    for (i, node) in graph.nodes.iter().enumerate() {
        if node.op.batch_wide() {
            push(&mut segments, Action::ReduceForward(i));
            split(&mut segments, Barrier::CombineForward(i));
        }
        if !is_concat(node) {
            push(&mut segments, Action::Forward(i));
        }
    }
    push(&mut segments, Action::Loss);
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if !has_grad[i] || is_concat(node) {
            continue;
        }
        if node.op.batch_wide() {
            push(&mut segments, Action::ReduceBackward(i));
            split(&mut segments, Barrier::CombineBackward(i));
        }
        push(&mut segments, Action::Backward(i));
    }

    // Places of values: all live at once, because backward passes read them.
    let mut allocator = Allocator::default();
    let mut values: Vec<Option<Place>> = vec![None; n];
    for i in (0..n).filter(|&i| hosts[i].is_none()) {
        values[i] = Some(allocator.take(graph.nodes[i].width));
    }
    let place_slices = |places: &mut Vec<Option<Place>>| {
        for i in 0..n {
            if let Some((host, column)) = hosts[i] {
                places[i] = places[host].map(|host| slice(host, column, graph.nodes[i].width));
            }
        }
    };
    place_slices(&mut values);

    // Places of gradients: taken when first written, given back when their own node's backward pass has run. A concat's
    // gradient lives until its first input's (the last to run).
    let mut grads: Vec<Option<Place>> = vec![None; n];
    let mut written = vec![false; n];
    let mut head_accumulates = Vec::new();
    for head in &graph.heads {
        let own = owner(head.output.0);
        if has_grad[head.output.0] && grads[own].is_none() {
            grads[own] = Some(allocator.take(graph.nodes[own].width));
        }
        head_accumulates.push(std::mem::replace(&mut written[own], true));
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
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if !has_grad[i] || is_concat(node) {
            continue;
        }
        for (slot, input) in dx[i].iter_mut().zip(&node.inputs) {
            if has_grad[input.0] {
                let own = owner(input.0);
                if grads[own].is_none() {
                    grads[own] = Some(allocator.take(graph.nodes[own].width));
                }
                *slot = Some(std::mem::replace(&mut written[own], true));
            }
        }
        param_shared[i] = node.op.params().iter().map(|p| std::mem::replace(&mut param_written[p.0], true)).collect();
        let own = owner(i);
        if own == i {
            if let Some(place) = grads[i] {
                allocator.give_back(place);
            }
        } else {
            live_inputs[own] -= 1;
            if let (0, Some(place)) = (live_inputs[own], grads[own]) {
                allocator.give_back(place);
            }
        }
    }
    place_slices(&mut grads);

    let nodes = values
        .into_iter()
        .zip(grads)
        .zip(dx)
        .zip(param_shared)
        .map(|(((value, grad), dx), param_shared)| PlanNode {
            value: value.unwrap_or(Place { start: 0, ld: 0, column: 0, width: 0 }),
            grad,
            dx,
            param_shared,
        })
        .collect();
    Plan { nodes, segments, head_accumulates, width: allocator.end }
}
