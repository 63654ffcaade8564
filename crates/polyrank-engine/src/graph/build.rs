//! Building a graph: every method adds one value and checks its shape.

use super::{Graph, Head, Init, Node, Param, ParamDecl, Pooling, Running, Shape, Table, TableDecl, Value};
use crate::loss::Loss;
use crate::ops::{self, Op};

/// A graph that cannot be: names the block and says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{block}: {problem}")]
pub struct GraphError {
    /// The block.
    pub block: String,
    /// What is wrong.
    pub problem: String,
}

/// How a linear layer starts and whether relu follows at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// Outputs.
    pub units: usize,
    /// Weights.
    pub weight: Init,
    /// Biases; `None` for a layer without.
    pub bias: Option<Init>,
    /// Whether relu is part of the layer (it then costs nothing).
    pub relu: bool,
}

/// Columns of a value, at most: far beyond any network, and sums and products of two stay within `usize`.
const MOST_COLUMNS: usize = 1 << 24;

impl Graph {
    fn add(&mut self, name: &str, op: impl Into<Op>, inputs: &[Value]) -> Result<Value, GraphError> {
        let op = op.into();
        let widths: Vec<usize> = inputs.iter().map(|v| self.nodes[v.0].width).collect();
        let width = op.width(&widths).map_err(|problem| GraphError { block: name.to_owned(), problem })?;
        if width > MOST_COLUMNS {
            let problem = format!("would be {width} columns wide, at most {MOST_COLUMNS} are possible");
            return Err(GraphError { block: name.to_owned(), problem });
        }
        self.nodes.push(Node { name: name.to_owned(), op, inputs: inputs.to_vec(), width });
        Ok(Value(self.nodes.len() - 1))
    }

    fn param(&mut self, name: String, shape: Shape, init: Init, penalised: bool) -> Result<Param, GraphError> {
        if self.params.iter().any(|p| p.name == name) || self.tables.iter().any(|t| t.name == name) {
            return Err(GraphError { block: name, problem: "two parameters or tables have this name".to_owned() });
        }
        if shape.dims().iter().any(|d| *d > MOST_COLUMNS) {
            let problem = format!("has shape {:?}, at most {MOST_COLUMNS} a side are possible", shape.dims());
            return Err(GraphError { block: name, problem });
        }
        if shape.len() == 0 {
            return Err(GraphError { block: name, problem: "a parameter would be empty".to_owned() });
        }
        self.params.push(ParamDecl { name, shape, init, penalised });
        Ok(Param(self.params.len() - 1))
    }

    /// An embedding table of `rows` × `dim`.
    pub fn table(&mut self, name: &str, rows: usize, dim: usize, init: Init) -> Result<Table, GraphError> {
        let taken = self.tables.iter().any(|t| t.name == name) || self.params.iter().any(|p| p.name == name);
        let problem = if taken {
            "two parameters or tables have this name"
        } else if rows == 0 || dim == 0 {
            "a table needs rows and a dimension"
        } else if u32::try_from(rows).is_err() || dim > MOST_COLUMNS {
            "a table holds at most 2^32 − 1 rows and 2^24 columns"
        } else {
            self.tables.push(TableDecl { name: name.to_owned(), rows, dim, init });
            return Ok(Table(self.tables.len() - 1));
        };
        Err(GraphError { block: name.to_owned(), problem: problem.to_owned() })
    }

    /// The feed's dense columns `from .. from + width`: `[B, width]`.
    pub fn dense(&mut self, name: &str, from: usize, width: usize) -> Result<Value, GraphError> {
        if from > MOST_COLUMNS {
            let problem = format!("starts at column {from}, at most {MOST_COLUMNS} are possible");
            return Err(GraphError { block: name.to_owned(), problem });
        }
        let value = self.add(name, ops::dense::Dense { from, width }, &[])?;
        self.dense_width = self.dense_width.max(from + width);
        Ok(value)
    }

    /// The embeddings of the feed's slot `slot`: `[B, D]`.
    pub fn lookup(&mut self, name: &str, slot: usize, table: Table, pooling: Pooling) -> Result<Value, GraphError> {
        self.slots = self.slots.max(slot + 1);
        let dim = self.tables[table.0].dim;
        self.add(name, ops::lookup::Lookup { slot, table, dim, pooling }, &[])
    }

    /// Values side by side: `[B, Σ width]`.
    pub fn concat(&mut self, name: &str, values: &[Value]) -> Result<Value, GraphError> {
        match values {
            [one] => Ok(*one),
            _ => self.add(name, ops::concat::Concat, values),
        }
    }

    /// `x·W + b`, `[B, units]`; parameters `NAME.weight` `[in, out]` and `NAME.bias` `[out]`.
    pub fn linear(&mut self, name: &str, x: Value, layer: Layer) -> Result<Value, GraphError> {
        let shape = Shape::Matrix(self.width(x), layer.units);
        let weight = self.param(format!("{name}.weight"), shape, layer.weight, true)?;
        let bias = match layer.bias {
            Some(init) => Some(self.param(format!("{name}.bias"), Shape::Vector(layer.units), init, false)?),
            None => None,
        };
        self.add(name, ops::linear::Linear { weight, bias, units: layer.units, relu: layer.relu }, &[x])
    }

    /// An activation without parameters.
    pub fn activate(&mut self, name: &str, x: Value, function: ops::activation::Function) -> Result<Value, GraphError> {
        self.add(name, ops::activation::Activate { function }, &[x])
    }

    /// `max(x, 0) + alpha·min(x, 0)` with one slope a column (He et al. 2015); parameter `NAME.prelu.alpha`.
    pub fn prelu(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let alpha =
            self.param(format!("{name}.prelu.alpha"), Shape::Vector(self.width(x)), Init::Constant(0.25), false)?;
        self.add(&format!("{name}.prelu"), ops::prelu::Prelu { alpha }, &[x])
    }

    /// Dice (Zhou et al. 2018, DIN, Eq. 3): `p·x + (1 − p)·alpha·x` with p the sigmoid of x normalised over the batch;
    /// parameter `NAME.dice.alpha`.
    pub fn dice(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let normalised = self.normalise(&format!("{name}.dice"), x, false, 1e-8)?;
        let alpha =
            self.param(format!("{name}.dice.alpha"), Shape::Vector(self.width(x)), Init::Constant(0.0), false)?;
        self.add(&format!("{name}.dice.mix"), ops::dice::Dice { alpha }, &[x, normalised])
    }

    /// Batch normalisation (Ioffe and Szegedy 2015): exact over the batch in training, running statistics (momentum
    /// 0.1) when scoring; parameters `NAME.norm.scale` and `NAME.norm.shift`.
    pub fn batch_norm(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        self.normalise(&format!("{name}.norm"), x, true, 1e-5)
    }

    fn normalise(&mut self, name: &str, x: Value, affine: bool, epsilon: f64) -> Result<Value, GraphError> {
        let width = self.width(x);
        let affine = if affine {
            let scale = self.param(format!("{name}.scale"), Shape::Vector(width), Init::Constant(1.0), false)?;
            let shift = self.param(format!("{name}.shift"), Shape::Vector(width), Init::Constant(0.0), false)?;
            Some((scale, shift))
        } else {
            None
        };
        self.running.push((name.to_owned(), width));
        let running = Running(self.running.len() - 1);
        self.add(name, ops::batch_norm::BatchNorm { affine, running, epsilon }, &[x])
    }

    /// Dropout: each number is dropped with `probability` in training, the others scaled by 1 / (1 − probability).
    pub fn dropout(&mut self, name: &str, x: Value, probability: f64) -> Result<Value, GraphError> {
        let thing = self.nodes.len() as u64;
        self.add(name, ops::dropout::Dropout { probability, thing }, &[x])
    }

    /// `softmax(x / temperature)` over the columns.
    pub fn softmax(&mut self, name: &str, x: Value, temperature: f64) -> Result<Value, GraphError> {
        self.add(name, ops::softmax::Softmax { temperature }, &[x])
    }

    /// `Σ_e gate[e] · expert_e`: gate `[B, E]`, experts `[B, D]` each.
    pub fn mixture(&mut self, name: &str, gate: Value, experts: &[Value]) -> Result<Value, GraphError> {
        let mut inputs = vec![gate];
        inputs.extend_from_slice(experts);
        self.add(name, ops::mixture::Mixture, &inputs)
    }

    /// Declares a task's output.
    pub fn head(&mut self, name: &str, output: Value, loss: Loss, weight: f64) -> Result<(), GraphError> {
        if self.width(output) != 1 {
            let problem = format!("a head needs one column, got {}", self.width(output));
            return Err(GraphError { block: name.to_owned(), problem });
        }
        self.heads.push(Head { name: name.to_owned(), output, loss, weight });
        Ok(())
    }

    /// Asks training to report the column means of a value (a gate's weights).
    pub fn watch(&mut self, name: &str, value: Value) {
        self.watched.push((name.to_owned(), value));
    }
}
