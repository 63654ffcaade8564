//! Networks composed of blocks, with the arguments of Merlin Models' blocks of the same names.
//!
//! ```
//! # use polyrank::blocks::{CgcBlock, InputBlock, MlpBlock, Model, OutputBlock};
//! # use polyrank::{Column, Schema, Tag};
//! # let column = |name: &str, tags: [Tag; 2]| Column::new(name).with_tags(tags);
//! # let schema = Schema::new(vec![column("user", [Tag::User, Tag::Id]), column("click", [Tag::Target, Tag::Binary]),
//! #     column("like", [Tag::Target, Tag::Binary])])?;
//! let inputs = InputBlock::new(&schema);
//! let cgc = CgcBlock::new(MlpBlock::new([64])).num_task_experts(1).num_shared_experts(2);
//! let model = Model::new(inputs, cgc, OutputBlock::new(&schema));
//! # assert!(model.to_toml(&polyrank::blocks::Training::on(["rows.parquet"])).contains("cgc"));
//! # Ok::<(), polyrank::SchemaError>(())
//! ```
//!
//! A block notes what is said of it, and nothing else: what is left open gets the configuration's defaults, those of the
//! preset in force ([`Model::preset`]). [`Model::to_toml`] shows the configuration that comes of it.

mod experts;
mod inputs;
mod mlp;
mod outputs;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use polyrank_model::registry;
use polyrank_schema::{Config, ConfigErrors, Preset, Problem, Schema, SetOverride, parse_with_files};
use polyrank_train::{RunOptions, RunResult, TrainError};
use toml::{Table, Value};

pub use experts::{CgcBlock, MmoeBlock, NamedBlock, PleBlock};
pub use inputs::InputBlock;
pub use mlp::MlpBlock;
pub use outputs::OutputBlock;

/// What messages call a configuration that was composed.
const ORIGIN: &str = "the composed model";
/// The name under which the configuration finds its schema.
const SCHEMA: &str = "schema.pbtxt";

/// What lies between inputs and outputs: an MLP that all tasks share, or a multi-task block.
#[derive(Debug, Clone)]
pub struct Body {
    /// `model.multi_task`.
    block: Table,
    /// Keys of `[model]` besides, as `activation`.
    model: Table,
    /// What was asked of it that it cannot be, by key.
    faults: Vec<(String, String)>,
}

/// A network: inputs, what lies between, outputs.
#[derive(Debug, Clone)]
pub struct Model {
    inputs: InputBlock,
    body: Body,
    outputs: OutputBlock,
    model: Table,
}

/// What to train on, and how.
#[derive(Debug, Clone, Default)]
pub struct Training {
    data: Table,
    train: Table,
    sets: Vec<SetOverride>,
}

impl Training {
    /// On these files: paths or globs, relative to the working folder.
    pub fn on<S: Into<String>>(files: impl IntoIterator<Item = S>) -> Training {
        let mut training = Training::default();
        training.data.insert("train".to_owned(), texts(files));
        training
    }

    /// With these files to validate on.
    pub fn valid<S: Into<String>>(mut self, files: impl IntoIterator<Item = S>) -> Training {
        self.data.insert("valid".to_owned(), texts(files));
        self
    }

    /// With `rows` rows a step.
    pub fn batch_size(self, rows: usize) -> Training {
        self.with("batch_size", whole(rows))
    }

    /// With `epochs` passes over the rows.
    pub fn epochs(self, epochs: usize) -> Training {
        self.with("epochs", whole(epochs))
    }

    /// With this optimizer, as `adam`; [`Training::set`] sets its options.
    pub fn optimizer(self, name: &str) -> Training {
        self.with("optimizer", Value::String(name.to_owned()))
    }

    /// Any key of the configuration, as `--set` does: `train.optimizer.learning_rate=0.01`.
    ///
    /// # Errors
    ///
    /// Text that is no `KEY=VALUE`.
    pub fn set(mut self, text: &str) -> Result<Training, ConfigErrors> {
        self.sets.push(SetOverride::parse(text)?);
        Ok(self)
    }

    fn with(mut self, key: &str, value: Value) -> Training {
        self.train.insert(key.to_owned(), value);
        self
    }
}

impl Model {
    /// A network of `inputs`, `body` and `outputs`.
    pub fn new(inputs: InputBlock, body: impl Into<Body>, outputs: OutputBlock) -> Model {
        Model { inputs, body: body.into(), outputs, model: Table::new() }
    }

    /// With the defaults of this preset; [`Preset::Merlin`] has those of the blocks' namesakes.
    pub fn preset(self, preset: Preset) -> Model {
        self.with("preset", Value::String(preset.name().to_owned()))
    }

    /// With this interaction between inputs and body, as `dcn_v2`.
    pub fn interaction(self, interaction: NamedBlock) -> Model {
        self.with("interaction", Value::Table(interaction.table()))
    }

    fn with(mut self, key: &str, value: Value) -> Model {
        self.model.insert(key.to_owned(), value);
        self
    }

    /// The configuration's text. It reads its schema, [`Model::schema`], from a `schema.pbtxt` beside it.
    pub fn to_toml(&self, training: &Training) -> String {
        let mut data = training.data.clone();
        data.insert("schema".to_owned(), Value::String(SCHEMA.to_owned()));
        let mut model = self.body.model.clone();
        model.extend(self.outputs.model());
        model.insert("multi_task".to_owned(), Value::Table(self.body.block.clone()));
        model.extend(self.model.clone());
        let mut root = Table::new();
        root.insert("data".to_owned(), Value::Table(data));
        root.insert("features".to_owned(), self.inputs.features());
        root.insert("tasks".to_owned(), self.outputs.tasks());
        root.insert("model".to_owned(), Value::Table(model));
        root.insert("train".to_owned(), Value::Table(training.train.clone()));
        root.to_string()
    }

    /// What the network knows of its columns.
    pub fn schema(&self) -> Schema {
        self.inputs.schema() + self.outputs.schema()
    }

    /// The configuration, read from [`Model::to_toml`] as any other.
    ///
    /// # Errors
    ///
    /// Every problem that it has, each with its key.
    pub fn config(&self, training: &Training) -> Result<Config, ConfigErrors> {
        let faults = self.inputs.faults().chain(self.body.faults.iter().cloned()).chain(self.outputs.faults());
        let problem = |(key, message)| Problem { line: None, column: None, set: None, key, message, hint: None };
        let faults: Vec<Problem> = faults.map(problem).collect();
        if !faults.is_empty() {
            return Err(ConfigErrors { origin: ORIGIN.to_owned(), problems: faults });
        }
        let schema = self.schema().to_pbtxt();
        let open = |_: &str| Ok(schema.clone());
        let config = parse_with_files(&self.to_toml(training), ORIGIN, &registry(), &training.sets, &open);
        // Nobody wrote the lines.
        config.map_err(|errors| ConfigErrors {
            problems: errors.problems.into_iter().map(|p| Problem { line: None, ..p }).collect(),
            ..errors
        })
    }

    /// Trains the network; `out` gets bundle, checkpoints, log and report, as from `polyrank train`.
    ///
    /// # Errors
    ///
    /// Problems of the configuration, of the rows or of the folder.
    pub fn fit(&self, training: &Training, out: &Path) -> Result<RunResult, TrainError> {
        let options = RunOptions {
            out: out.to_owned(),
            base: ".".into(),
            cache: None,
            resume: false,
            stop: Arc::new(AtomicBool::new(false)),
        };
        polyrank_train::run(&self.config(training)?, &options, &mut |_| {})
    }
}

/// That a schema has no column of one of these names, for each such name.
fn unknown<'a>(schema: &'a Schema, names: impl Iterator<Item = &'a String>) -> impl Iterator<Item = String> {
    names.filter_map(|name| schema.select_names(&[name]).err().map(|error| error.message))
}

fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Value {
    Value::Array(texts.into_iter().map(|text| Value::String(text.into())).collect())
}

/// A count as TOML has it; one that is too large is for the reader to refuse.
fn whole(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn wholes(numbers: &[usize]) -> Value {
    Value::Array(numbers.iter().map(|number| whole(*number)).collect())
}
