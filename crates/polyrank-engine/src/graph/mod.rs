//! A network as a graph: which values there are, which op makes each, with which parameters.
//!
//! A graph is built once, value by value, by whoever knows the architecture. Shape errors are found here and name the
//! block. A value is `[B, width]`, one row a sample, or has several rows for each (see [`Space`]).

mod build;
mod choose;
mod gates;
mod interactions;
mod sequences;
mod space;

pub use build::{GraphError, Layer};
pub use gates::Stretch;
pub use space::Space;

use crate::loss::Loss;
use crate::ops::Op;
use crate::ops::lookup::{Ids, Lookup};

/// A value of the graph, `[B, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub(crate) usize);

/// A trained parameter of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Param(pub(crate) usize);

/// An embedding table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub(crate) usize);

/// Statistics that a batch-wide op keeps for scoring: a mean and a variance a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Running(pub(crate) usize);

/// How the numbers of a parameter or a table start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All the same.
    Constant(f64),
    /// U(−limit, limit).
    Uniform(f64),
    /// N(0, std²).
    Normal(f64),
    /// All the same but one.
    Apart {
        /// Which one.
        at: usize,
        /// Its value.
        value: f64,
        /// The others'.
        others: f64,
    },
}

/// A parameter's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A weight matrix: inputs × outputs.
    Matrix(usize, usize),
    /// One number a column.
    Vector(usize),
}

/// A declared parameter.
#[derive(Debug, Clone)]
pub struct ParamDecl {
    /// Its name, unique in the graph, as `experts.0.1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// How it starts.
    pub init: Init,
    /// Whether the L1 and L2 penalties apply to it.
    pub penalised: bool,
}

/// A declared embedding table.
#[derive(Debug, Clone)]
pub struct TableDecl {
    /// Its name, unique in the graph, as `table.uid`.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Its dimension (D).
    pub dim: usize,
    /// How its rows start.
    pub init: Init,
    /// Whether training leaves its rows as they are: no gradient, no penalty, no optimizer state.
    pub frozen: bool,
    /// Number format of its rows.
    pub precision: Precision,
}

/// How several embeddings of a row become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Exactly one id a row.
    One,
    /// Sum; zeros for no ids.
    Sum,
    /// Mean; zeros for no ids.
    Mean,
    /// Maximum column by column; zeros for no ids.
    Max,
    /// None: every id keeps its own embedding, in the slot's [`Space::List`].
    Each,
}

/// One op of the graph and the value that it makes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) op: Op,
    pub(crate) inputs: Vec<Value>,
    pub(crate) width: usize,
    pub(crate) space: Space,
}

/// One task's output and the loss that trains it.
#[derive(Debug, Clone)]
pub struct Head {
    /// The task.
    pub name: String,
    /// The logit (binary) or the prediction (regression), `[B, 1]`; the logits of C classes, `[B, C]`.
    pub output: Value,
    /// What is minimised.
    pub loss: Loss,
    /// The weight of its loss.
    pub weight: f64,
}

/// Something that is minimised besides the heads' losses: the sum of a value over its rows.
#[derive(Debug, Clone)]
pub struct Objective {
    /// Its name.
    pub name: String,
    /// Its numbers are summed, and divided by the rows of the batch unless losses are summed.
    pub value: Value,
    /// Its weight.
    pub weight: f64,
}

/// Ids drawn at random at each training step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sampled {
    /// One for each id of this slot, and another than it.
    pub(crate) like: usize,
    /// From these rows of a table.
    pub(crate) first: u32,
    pub(crate) rows: u32,
}

/// A network.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) params: Vec<ParamDecl>,
    /// Parameters of layers that run as one: columns of one matrix, or of one vector, in this order.
    pub(crate) beside: Vec<Vec<Param>>,
    pub(crate) tables: Vec<TableDecl>,
    /// Columns of each kept pair of statistics, with its name.
    pub(crate) running: Vec<(String, usize)>,
    pub(crate) heads: Vec<Head>,
    pub(crate) objectives: Vec<Objective>,
    pub(crate) sampled: Vec<Sampled>,
    /// Values whose means training reports (gate weights), by name.
    pub(crate) watched: Vec<(String, Value)>,
    /// Slots of ids that the feed must have.
    pub(crate) slots: usize,
    /// Columns of numbers that the feed must have.
    pub(crate) dense_width: usize,
    /// Whether a parameter of a known name is that one.
    pub(crate) sharing: bool,
    /// Number format of the layers that are added.
    pub(crate) precision: Precision,
    /// Number format of the tables that are added.
    pub(crate) table_precision: Precision,
}

/// The number format in which linear layers multiply, or in which embedding tables keep their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits.
    #[default]
    Fp32,
    /// Layers: numbers and weights rounded to bf16 for the product and for both of its gradients; sums, biases, the weights
    /// themselves and everything else stay in fp32. Layers of fewer than 8 inputs or units stay in fp32 altogether.
    ///
    /// Tables: rows of bf16 numbers, which a step rounds at random, so that small steps count; optimizer state in fp32.
    Bf16,
}

impl Graph {
    /// A graph without values whose layers are added in a number format.
    pub fn in_precision(precision: Precision) -> Graph {
        Graph { precision, ..Graph::default() }
    }

    /// The same, with tables in a number format that are added from now on.
    #[must_use]
    pub fn with_tables_in(mut self, precision: Precision) -> Graph {
        self.table_precision = precision;
        self
    }

    /// Width of a value.
    pub fn width(&self, value: Value) -> usize {
        self.nodes[value.0].width
    }

    /// What a value has one row for.
    pub fn space(&self, value: Value) -> Space {
        self.nodes[value.0].space
    }

    /// The declared parameters.
    pub fn params(&self) -> &[ParamDecl] {
        &self.params
    }

    /// The declared embedding tables.
    pub fn tables(&self) -> &[TableDecl] {
        &self.tables
    }

    /// The slots of ids that are looked up in a table, by its number among [`Graph::tables`].
    pub fn slots_of(&self, table: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().filter_map(move |node| match &node.op {
            Op::Lookup(Lookup { ids: Ids::Slot(slot), table: of, .. }) if of.0 == table => Some(*slot),
            _ => None,
        })
    }

    /// The heads, one a task.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Columns of all heads' outputs side by side (O).
    pub fn outputs(&self) -> usize {
        self.heads.iter().map(|head| self.width(head.output)).sum()
    }

    /// What is minimised besides the heads' losses.
    pub fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    /// Names of the watched values.
    pub fn watched(&self) -> impl Iterator<Item = (&str, usize)> {
        self.watched.iter().map(|(name, value)| (name.as_str(), self.width(*value)))
    }

    /// One line a node: name, op, width, parameters, floating-point operations a row forward.
    pub fn summary(&self) -> Vec<NodeSummary> {
        self.nodes
            .iter()
            .map(|node| NodeSummary {
                name: node.name.clone(),
                op: node.op.name(),
                inputs: node.inputs.iter().map(|v| self.nodes[v.0].name.clone()).collect(),
                width: node.width,
                space: node.space,
                params: node.op.params().iter().map(|p| self.params[p.0].shape.len()).sum(),
                flops: node.op.flops(&self.input_widths(node), node.width),
                batch_wide: node.op.batch_wide(),
            })
            .collect()
    }

    pub(crate) fn input_widths(&self, node: &Node) -> Vec<usize> {
        node.inputs.iter().map(|v| self.nodes[v.0].width).collect()
    }
}

/// What [`Graph::summary`] says of a node.
#[derive(Debug, Clone)]
pub struct NodeSummary {
    /// Its name.
    pub name: String,
    /// Its op.
    pub op: &'static str,
    /// The names of the values that it reads.
    pub inputs: Vec<String>,
    /// Width of its value.
    pub width: usize,
    /// What its value has one row for.
    pub space: Space,
    /// Numbers in its parameters (tables not counted).
    pub params: usize,
    /// Floating-point operations a row of its space, forward.
    pub flops: u64,
    /// Whether it needs the whole batch in training, so that the values of all its rows are held.
    pub batch_wide: bool,
}

impl Shape {
    /// How many numbers.
    #[allow(clippy::len_without_is_empty, reason = "a parameter is never empty")]
    pub fn len(self) -> usize {
        match self {
            Shape::Matrix(k, n) => k * n,
            Shape::Vector(n) => n,
        }
    }

    /// Columns of a matrix, or numbers of a vector.
    pub(crate) fn columns(self) -> usize {
        match self {
            Shape::Matrix(_, n) | Shape::Vector(n) => n,
        }
    }

    /// The dimensions, as a file states them.
    pub fn dims(self) -> Vec<usize> {
        match self {
            Shape::Matrix(k, n) => vec![k, n],
            Shape::Vector(n) => vec![n],
        }
    }
}
