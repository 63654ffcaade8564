//! Building a graph: every method adds one value and checks its shape.

use super::{
    Graph, Head, Init, Node, Objective, Param, ParamDecl, Pooling, Precision, Running, Sampled, Shape, Space, Table,
    TableDecl, Value,
};
use crate::loss::Loss;
use crate::ops::lookup::Ids;
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

/// Inputs and units of the smallest layer that is rounded: below, a product is a small part of what is around it.
const HALF_WIDTH: usize = 8;

/// Columns of a value, at most: far beyond any network, and sums and products of two stay within `usize`.
const MOST_COLUMNS: usize = 1 << 24;

impl Graph {
    pub(super) fn add(&mut self, name: &str, op: impl Into<Op>, inputs: &[Value]) -> Result<Value, GraphError> {
        let op = op.into();
        let widths: Vec<usize> = inputs.iter().map(|v| self.nodes[v.0].width).collect();
        let spaces: Vec<Space> = inputs.iter().map(|v| self.nodes[v.0].space).collect();
        let fail = |problem| GraphError { block: name.to_owned(), problem };
        let (width, space) = (op.width(&widths).map_err(fail)?, op.space(&spaces).map_err(fail)?);
        if op.batch_wide() && space == Space::Once {
            return Err(fail("takes statistics over rows, and this value belongs to none".to_owned()));
        }
        if width > MOST_COLUMNS {
            let problem = format!("would be {width} columns wide, at most {MOST_COLUMNS} are possible");
            return Err(GraphError { block: name.to_owned(), problem });
        }
        self.nodes.push(Node { name: name.to_owned(), op, inputs: inputs.to_vec(), width, space });
        Ok(Value(self.nodes.len() - 1))
    }

    pub(super) fn param(
        &mut self,
        name: String,
        shape: Shape,
        init: Init,
        penalised: bool,
    ) -> Result<Param, GraphError> {
        if self.sharing
            && let Some(at) = self.params.iter().position(|p| p.name == name)
        {
            let found = self.params[at].shape;
            if found == shape {
                return Ok(Param(at));
            }
            let problem = format!("has shape {:?}, and what would share it needs {:?}", found.dims(), shape.dims());
            return Err(GraphError { block: name, problem });
        }
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
            let precision = self.table_precision;
            self.tables.push(TableDecl { name: name.to_owned(), rows, dim, init, frozen: false, precision });
            return Ok(Table(self.tables.len() - 1));
        };
        Err(GraphError { block: name.to_owned(), problem: problem.to_owned() })
    }

    /// Makes training leave a table's rows as they are.
    pub fn freeze(&mut self, table: Table) {
        self.tables[table.0].frozen = true;
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
        self.add(name, ops::lookup::Lookup { ids: Ids::Slot(slot), table, dim, pooling, space: Space::Rows }, &[])
    }

    /// The embedding of every id of the feed's slot `slot`, in the space of a list, which is this slot's or one of
    /// equally many ids a row.
    pub fn lookup_each(&mut self, name: &str, slot: usize, table: Table, space: Space) -> Result<Value, GraphError> {
        self.slots = self.slots.max(slot + 1);
        self.each(name, Ids::Slot(slot), table, space)
    }

    /// The embeddings of ids drawn anew each training step, one for each id of a list and another than it, evenly from
    /// the rows of the table from `first` on. Only objectives may depend on it.
    pub fn lookup_negatives(
        &mut self,
        name: &str,
        table: Table,
        first: usize,
        space: Space,
    ) -> Result<Value, GraphError> {
        let Space::List { slot: like, .. } = space else {
            return Err(GraphError { block: name.to_owned(), problem: "needs a list to be drawn for".to_owned() });
        };
        let rows = self.tables[table.0].rows;
        if first + 2 > rows {
            let problem = format!("cannot draw others than a given one from rows {first} to {rows} of a table");
            return Err(GraphError { block: name.to_owned(), problem });
        }
        self.sampled.push(Sampled { like, first: first as u32, rows: rows as u32 });
        self.each(name, Ids::Sampled(self.sampled.len() - 1), table, space)
    }

    fn each(&mut self, name: &str, ids: Ids, table: Table, space: Space) -> Result<Value, GraphError> {
        let dim = self.tables[table.0].dim;
        self.add(name, ops::lookup::Lookup { ids, table, dim, pooling: Pooling::Each, space }, &[])
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
        let half = self.rounds(self.width(x), layer.units);
        self.add(
            name,
            ops::linear::Linear { weight, bias, beside: Vec::new(), units: layer.units, relu: layer.relu, half },
            &[x],
        )
    }

    /// Whether a product of so many steps and units is of numbers rounded to bf16.
    pub(super) fn rounds(&self, steps: usize, units: usize) -> bool {
        self.precision == Precision::Bf16 && steps.min(units) >= HALF_WIDTH
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
        self.add(name, ops::mixture::Mixture::one(experts.len()), &inputs)
    }

    /// `Σ_i factor_i · x_i`.
    pub fn sum(&mut self, name: &str, terms: &[(f64, Value)]) -> Result<Value, GraphError> {
        let inputs: Vec<Value> = terms.iter().map(|term| term.1).collect();
        self.add(name, ops::sum::Sum { factors: terms.iter().map(|term| term.0).collect() }, &inputs)
    }

    /// `a ⊙ b`; where a `[.., G]` is narrower than b `[.., G·D]`, each of its numbers scales D of b's.
    pub fn multiply(&mut self, name: &str, a: Value, b: Value) -> Result<Value, GraphError> {
        self.add(name, ops::multiply::Multiply, &[a, b])
    }

    /// `x + b` with one trained number a column; parameter `NAME.bias`, 0 at first.
    pub fn shift(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let bias = self.param(format!("{name}.bias"), Shape::Vector(self.width(x)), Init::Constant(0.0), false)?;
        self.add(name, ops::shift::Shift { bias }, &[x])
    }

    /// `Σ_i w_i · x_i` with trained weights, the same for all rows; parameter `NAME.weights`, one number an input.
    /// Their initial values: all `init`.
    pub fn blend(&mut self, name: &str, values: &[Value], init: Init) -> Result<Value, GraphError> {
        let weights = self.param(format!("{name}.weights"), Shape::Vector(values.len()), init, false)?;
        self.add(name, ops::blend::Blend { weights }, values)
    }

    /// The value itself, through which no gradient passes.
    pub fn stop_gradient(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        self.add(name, ops::stop::Stop, &[x])
    }

    /// Layer normalisation (Ba et al. 2016): over the columns of each row; parameters `NAME.scale` and `NAME.shift`.
    pub fn layer_norm(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let shape = Shape::Vector(self.width(x));
        let scale = self.param(format!("{name}.scale"), shape, Init::Constant(1.0), false)?;
        let shift = self.param(format!("{name}.shift"), shape, Init::Constant(0.0), false)?;
        self.add(name, ops::layer_norm::LayerNorm { scale, shift }, &[x])
    }

    /// Each row of the batch, repeated for all that it has in a space.
    pub fn spread(&mut self, name: &str, x: Value, to: Space) -> Result<Value, GraphError> {
        self.add(name, ops::spread::Spread { from: self.space(x), to }, &[x])
    }

    /// What each row of the batch has in the value's space, made one: `[B, width]`.
    pub fn collect(&mut self, name: &str, x: Value, how: ops::collect::Collecting) -> Result<Value, GraphError> {
        let from = self.space(x);
        self.add(name, ops::collect::Collect { from, how }, &[x])
    }

    /// Softmax over all that a row of the batch has in the value's space, column by column.
    pub fn list_softmax(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let over = self.space(x);
        self.add(name, ops::list_softmax::ListSoftmax { over }, &[x])
    }

    /// `[B, rows·width]` as `rows` rows of `width` columns each.
    pub fn fold(&mut self, name: &str, x: Value, rows: usize, along: ops::fold::Along) -> Result<Value, GraphError> {
        self.add(name, ops::fold::Fold { rows, along }, &[x])
    }

    /// The way back from [`Graph::fold`].
    pub fn unfold(&mut self, name: &str, x: Value, along: ops::fold::Along) -> Result<Value, GraphError> {
        let rows = self.space(x).most();
        self.add(name, ops::fold::Unfold { rows, along }, &[x])
    }

    /// The logit of the product of the probabilities of two logits.
    pub fn conjunction(&mut self, name: &str, a: Value, b: Value) -> Result<Value, GraphError> {
        self.add(name, ops::conjunction::Conjunction, &[a, b])
    }

    /// A task's labels, 0 where they are missing: `[B, 1]`. Only objectives may depend on it.
    pub fn label(&mut self, name: &str, task: usize) -> Result<Value, GraphError> {
        self.add(name, ops::label::Label { task, presence: false }, &[])
    }

    /// 1 where a task has its label, else 0: `[B, 1]`. Only objectives may depend on it.
    pub fn labelled(&mut self, name: &str, task: usize) -> Result<Value, GraphError> {
        self.add(name, ops::label::Label { task, presence: true }, &[])
    }

    /// A loss as a value, number by number; no gradient goes to the labels.
    pub fn loss(&mut self, name: &str, output: Value, label: Value, loss: Loss) -> Result<Value, GraphError> {
        if loss == Loss::CrossEntropy {
            let problem = "a loss over several classes is a head's".to_owned();
            return Err(GraphError { block: name.to_owned(), problem });
        }
        self.add(name, ops::pointwise_loss::PointwiseLoss { loss }, &[output, label])
    }

    /// Declares a task's output.
    pub fn head(&mut self, name: &str, output: Value, loss: Loss, weight: f64) -> Result<(), GraphError> {
        let width = self.width(output);
        let (fits, needs) = match loss {
            Loss::CrossEntropy => (width > 1, "of several classes needs a column a class and one row"),
            _ => (width == 1, "needs one column a row"),
        };
        if !fits || self.space(output) != Space::Rows {
            let problem = format!("a head {needs}, got {width}");
            return Err(GraphError { block: name.to_owned(), problem });
        }
        if self.only_in_training(output) {
            let problem = "a head cannot depend on labels or on ids drawn in training: scoring has none".to_owned();
            return Err(GraphError { block: name.to_owned(), problem });
        }
        self.heads.push(Head { name: name.to_owned(), output, loss, weight });
        Ok(())
    }

    /// Whether a value depends on what there is in training alone.
    fn only_in_training(&self, value: Value) -> bool {
        let mut needed = vec![false; value.0 + 1];
        needed[value.0] = true;
        (0..=value.0).rev().any(|i| {
            let node = &self.nodes[i];
            if needed[i] {
                node.inputs.iter().for_each(|input| needed[input.0] = true);
            }
            let drawn = |op: &Op| matches!(op, Op::Lookup(ops::lookup::Lookup { ids: Ids::Sampled(_), .. }));
            needed[i] && (matches!(node.op, Op::Label(_)) || drawn(&node.op))
        })
    }

    /// Declares something to minimise besides the heads' losses: the sum of a value's numbers.
    pub fn objective(&mut self, name: &str, value: Value, weight: f64) {
        self.objectives.push(Objective { name: name.to_owned(), value, weight });
    }

    /// Asks training to report the column means of a value (a gate's weights).
    pub fn watch(&mut self, name: &str, value: Value) {
        self.watched.push((name.to_owned(), value));
    }
}
