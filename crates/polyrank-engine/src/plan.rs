//! From a graph to an order of execution and a place for every value.
//!
//! - Concat disappears: its inputs are placed side by side in its buffer, so their producers write there. A part of a
//!   value lies where the value does. Mixtures of the same experts become one op whose value has each as a part, and so do
//!   narrow layers of one value.
//! - Buffers are reused when their last reader has run. In training every value lives until its backward pass, and
//!   gradients share what is free; when scoring, values do.
//! - A batch-wide op (batch norm) ends a segment: all micro-batches finish it before the next begins. Those that do not
//!   wait for each other end it together. Gradients that no later segment reads lie where the last micro-batch's did.

mod allocator;
mod infer;
mod lefts;
mod levels;
mod merge;
mod segments;
mod train;

use crate::exec::MICRO_ROWS;
use crate::graph::{Graph, Node, Value};
use crate::kernels::Isa;
use crate::kernels::arena::{Area, Place};
use crate::ops::Op;
pub(crate) use infer::infer;
pub(crate) use lefts::LeftPlace;
pub(crate) use merge::merge;
pub(crate) use train::train;

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
    /// Of a linear op: the columns of its input's gradient that anything learns from; as many for all ops of the same weights.
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
    // What is merged counts by its parts.
    let mut merged = vec![false; graph.nodes.len()];
    graph.nodes.iter().filter(|node| is_part(node)).for_each(|part| merged[part.inputs[0].0] = true);
    let several = graph.nodes.iter().zip(merged).filter(|(node, merged)| node.space.most() > 1 && !merged);
    let several = several.map(|(node, _)| node);
    let widest = several.map(|node| node.space.most() * node.width).max().unwrap_or(1);
    (IN_CACHE / widest.max(1)).clamp(MICRO_ROWS / 4, times * MICRO_ROWS)
}
