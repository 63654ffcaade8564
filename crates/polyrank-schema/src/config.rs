//! A configuration after validation: what to read, which features, which tasks, which network, how to train it.
//!
//! A [`Config`] comes only from [`crate::parse`] (or from a bundle that one was saved in), so whoever holds one can
//! rely on it: names are unique, references resolve, numbers are within bounds, defaults and the preset are filled in.

use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::operator::Operator;
use crate::preset::Preset;
use crate::spec::Block;
use crate::table::Schema;

/// A valid configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What to read and how.
    pub data: Data,
    /// What is known of the table's columns; often nothing.
    #[serde(default, skip_serializing_if = "Schema::is_empty")]
    pub schema: Schema,
    /// What is done to raw columns before they are encoded, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<Operator>,
    /// The features, in the order declared, one entry each.
    pub features: Vec<Feature>,
    /// The tasks (T of them), in the order declared.
    pub tasks: Vec<Task>,
    /// The network.
    pub model: Model,
    /// How to train it.
    pub train: Train,
    /// Every choice that the user did not write, for `explain`.
    pub in_force: Vec<InForce>,
}

/// A choice that a preset or a default put in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InForce {
    /// The key, as `model.multi_task.experts`.
    pub key: String,
    /// Its value, as it would be written.
    pub value: String,
    /// `default`, or `preset NAME`.
    pub because: String,
}

/// `[data]`: what to read and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// Paths or globs of the training rows, relative to the configuration file's folder.
    pub train: Vec<String>,
    /// Where validation rows come from.
    pub valid: Validation,
    /// Paths or globs of the test rows; only evaluation reads them.
    pub test: Vec<String>,
    /// How to read text.
    pub reading: Reading,
    /// Rows that the shuffle buffer holds.
    pub shuffle_buffer: usize,
    /// The column of every task's row weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<String>,
    /// The groups of rows that ranking is measured in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// Groups of rows, as those of a user: AUC within each, averaged, is GAUC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The column whose values are the groups; a row without a value is in none.
    pub column: String,
    /// What a group's AUC weighs in the average.
    pub weight: GroupWeight,
}

/// What a group's AUC weighs in GAUC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupWeight {
    /// Its labelled rows.
    Impressions,
    /// Its positive rows.
    Positives,
}

/// Where validation rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// Nowhere: training reports training figures only.
    None,
    /// Paths or globs of their own.
    Files(Vec<String>),
    /// A part of the training rows, within (0, 1).
    Fraction {
        /// The part.
        fraction: f64,
        /// Which rows it takes.
        split: Split,
    },
}

/// Which rows of the training files become validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// A seeded random choice, row by row.
    Random,
    /// The last rows, in file order.
    Tail,
    /// All rows of a seeded random choice of this column's values.
    Group(String),
}

/// How to read raw rows; saved in the bundle, so that scoring reads them the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Names of the columns of text files without a header.
    pub columns: Option<Vec<String>>,
    /// Separator of text files; from the file's name if absent (`,` for .csv, tab for .tsv and .txt).
    pub separator: Option<char>,
    /// Texts that mean missing, besides the empty text.
    pub null_values: Vec<String>,
    /// Whether spaces around a text field are dropped.
    pub trim: bool,
    /// What to do with a malformed row.
    pub on_bad_row: OnBadRow,
}

impl Default for Reading {
    fn default() -> Self {
        Reading { columns: None, separator: None, null_values: Vec::new(), trim: true, on_bad_row: OnBadRow::Error }
    }
}

/// What to do with a malformed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRow {
    /// Stop, naming file, line and column.
    Error,
    /// Leave it out and count it.
    Skip,
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name, unique.
    pub name: String,
    /// The column that it reads.
    pub column: String,
    /// What it is to the network.
    pub kind: FeatureKind,
    /// What it describes.
    pub side: Side,
    /// What its embedding rows start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<Pretrained>,
}

/// Vectors that rows of an embedding table start from; only training reads the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pretrained {
    /// Path or glob of the vectors, relative to the configuration file's folder.
    pub file: String,
    /// Its column of values; the feature's column's name if absent.
    pub key: Option<String>,
    /// Its column of vectors.
    pub column: String,
    /// Whether training goes on with the table, or leaves all of its rows as they start.
    pub trainable: bool,
}

/// What a feature is to the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Values looked up in an embedding table.
    Categorical {
        /// How values become ids (`vocabulary`, `hash`, `identity`).
        encoder: Block,
        /// Embedding dimension (D); from the cardinality if absent.
        dim: Option<usize>,
        /// Several values a row.
        list: Option<List>,
        /// The feature whose encoder and table this one uses; `None` for its own. Never a chain: the named feature has
        /// its own.
        table: Option<String>,
    },
    /// A number that enters the network scaled (`none`, `min_max`, `standard`, `log`), one column of input, or cut into
    /// several (`piecewise_linear`).
    Dense {
        /// How it is scaled or cut.
        encoder: Block,
        /// What makes an embedding of it; absent if it enters as it stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        embedding: Option<Block>,
    },
    /// A number that is cut into buckets and looked up in an embedding table.
    Bucketized {
        /// `bucketize` with `boundaries` or `quantiles`.
        encoder: Block,
        /// Embedding dimension (D); from the number of buckets if absent.
        dim: Option<usize>,
    },
    /// A fixed-length list of numbers that enters the network as it stands, `size` columns of input.
    Vector {
        /// Its length.
        size: usize,
    },
}

/// Several values a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// How their embeddings become one.
    pub combiner: Combiner,
    /// How many values are kept, the first ones, or the last ones for a sequence encoder; all if absent.
    pub max_length: Option<usize>,
    /// What separates them in text columns.
    pub separator: String,
}

/// How the embeddings of several values become one; an empty list gives zeros.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combiner {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// Their largest, column by column.
    Max,
    /// A sequence encoder: what its block makes of them in their order, the oldest first.
    Sequence(Block),
}

/// What a feature describes: what serving may compute once for all candidates of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The user or the request.
    Context,
    /// The candidate.
    Item,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique; also the name of its score column, or the start of their names.
    pub name: String,
    /// The label's column.
    pub column: String,
    /// What is learned.
    pub kind: TaskKind,
    /// What becomes of its label before it is learned; regression.
    #[serde(default, skip_serializing_if = "LabelTransform::is_none")]
    pub transform: LabelTransform,
    /// The weight of its loss, above 0.
    pub weight: f64,
    /// What becomes of that weight from epoch to epoch.
    #[serde(default, skip_serializing_if = "WeightSchedule::is_constant")]
    pub weight_schedule: WeightSchedule,
    /// Columns of row weights, multiplied with each other and with `data.weight_column`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weight_columns: Vec<String>,
    /// Row weights of the negative and of the positive class, or of each of several classes, multiplied too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<Vec<f64>>,
    /// Where the task is trained and measured; everywhere if absent. A row where it is unknown is outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
}

/// What becomes of a number before it is learned. Scores and metrics are in the label's units again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelTransform {
    /// Nothing.
    #[default]
    None,
    /// ln(1 + y).
    Log1p,
}

impl LabelTransform {
    /// Whether labels are learned as they are.
    pub fn is_none(&self) -> bool {
        *self == LabelTransform::None
    }
}

/// What becomes of a task's weight from epoch to epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightSchedule {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by a rate after each epoch (Tang et al. 2020, PLE, Eq. 10).
    Decay {
        /// The rate γ: within (0, 10].
        rate: f64,
    },
}

impl WeightSchedule {
    fn is_constant(&self) -> bool {
        *self == WeightSchedule::Constant
    }

    /// What the weight is multiplied by in an epoch, counted from 1: γ^(epoch − 1).
    pub fn factor(self, epoch: usize) -> f64 {
        match self {
            WeightSchedule::Constant => 1.0,
            // One multiplication an epoch: the system's power function differs between systems.
            WeightSchedule::Decay { rate } => (1..epoch).fold(1.0, |factor, _| factor * rate),
        }
    }
}

impl Config {
    /// Whether rows of a task can weigh other than 1.
    pub fn is_weighted(&self, task: &Task) -> bool {
        self.data.weight_column.is_some() || !task.weight_columns.is_empty() || task.class_weights.is_some()
    }
}

/// What a task learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// The probability that the label is positive; the head gives a logit.
    Binary {
        /// Label texts that are positive; if absent the label must be a number, 0 or 1 (or true or false).
        positive: Option<Vec<String>>,
    },
    /// A number.
    Regression {
        /// What is minimised.
        loss: RegressionLoss,
    },
    /// The probabilities of C classes, one of which the label is; the head gives C logits.
    MultiClass {
        /// The label texts (C of them, at least 2), in the order of the scores.
        classes: Vec<String>,
    },
}

impl Task {
    /// Numbers that the head gives a row: C for C classes, else 1.
    pub fn outputs(&self) -> usize {
        match &self.kind {
            TaskKind::MultiClass { classes } => classes.len(),
            TaskKind::Binary { .. } | TaskKind::Regression { .. } => 1,
        }
    }

    /// The names of its score columns, one an output: the task's name, or `TASK_CLASS` for each class.
    pub fn score_columns(&self) -> Vec<String> {
        match &self.kind {
            TaskKind::MultiClass { classes } => classes.iter().map(|class| format!("{}_{class}", self.name)).collect(),
            TaskKind::Binary { .. } | TaskKind::Regression { .. } => vec![self.name.clone()],
        }
    }
}

/// What a regression task minimises, with d = prediction − label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegressionLoss {
    /// d².
    Mse,
    /// |d|.
    Mae,
    /// d²/2 where |d| ≤ delta, else delta·(|d| − delta/2).
    Huber {
        /// Where it turns from a parabola into a line, above 0.
        delta: f64,
    },
}

/// `[model]`: the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The set of choices that fills in what is not written.
    pub preset: Preset,
    /// What happens between the input and the multi-task block.
    pub interaction: Block,
    /// The multi-task block.
    pub multi_task: Block,
    /// Hidden layers of each task's tower; empty for none.
    pub tower_units: Vec<usize>,
    /// Where towers' hidden layers are made otherwise than the others.
    #[serde(default, skip_serializing_if = "TowerLayers::is_as_others")]
    pub tower_layers: TowerLayers,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Probability that a hidden unit is dropped in training, within [0, 1).
    pub dropout: f64,
    /// Whether hidden layers are batch-normalised (never a gate's output).
    pub batch_norm: bool,
    /// What follows a hidden layer's linear part.
    pub layer_order: LayerOrder,
    /// How the weights of layers start.
    pub layer_init: LayerInit,
    /// How embedding rows start.
    pub embedding_init: EmbeddingInit,
    /// Strength of l2·Σw² over the weights (not biases) of layers.
    pub l2: f64,
    /// Strength of l1·Σ|w| over the weights (not biases) of layers.
    pub l1: f64,
    /// Strength of l2·Σw² over embedding rows.
    pub l2_embedding: f64,
    /// Strength of l1·Σ|w| over embedding rows.
    pub l1_embedding: f64,
    /// Which embedding rows are regularised.
    pub embedding_penalty: PenaltyScope,
    /// What embedding dimensions are when a feature gives none.
    pub auto_dim: AutoDim,
}

/// Where the hidden layers of towers are made otherwise than the others; as the others where a field is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TowerLayers {
    /// Their activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// Probability that one of their units is dropped in training, within [0, 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Whether they are batch-normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_norm: Option<bool>,
}

impl TowerLayers {
    /// Whether they are made as all others.
    pub fn is_as_others(&self) -> bool {
        *self == TowerLayers::default()
    }
}

/// Activation of hidden layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the field's own")]
pub enum Activation {
    Linear,
    Relu,
    LeakyRelu,
    Prelu,
    Sigmoid,
    Tanh,
    Gelu,
    Silu,
    Dice,
}

/// What follows a hidden layer's linear part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerOrder {
    /// linear → norm → activation → dropout.
    NormActivationDropout,
    /// linear → activation → dropout → norm.
    ActivationDropoutNorm,
}

/// How the weights of layers start; biases start at 0 unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerInit {
    /// He (uniform) before relu-like activations, Glorot (uniform) elsewhere.
    Auto,
    /// Glorot (uniform).
    Glorot,
    /// N(0, std²); biases and bias-free last layers U(±1/√fan_in): DeepCTR-Torch.
    Normal {
        /// The standard deviation.
        std: f64,
    },
}

/// How embedding rows start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingInit {
    /// N(0, std²).
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// U(−limit, limit).
    Uniform {
        /// The limit.
        limit: f64,
    },
}

/// Which embedding rows are regularised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyScope {
    /// The rows that the batch looked up, each once.
    Batch,
    /// Every row, every step: cost grows with the vocabulary.
    Table,
}

/// What an embedding dimension is when a feature gives none (`card` = rows of its table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoDim {
    /// ceil(2·card^0.25), rounded up to a multiple of 8.
    Root,
    /// 4: DeepCTR-Torch's default.
    Four,
}

/// `[train]`: how to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// Rows a step (B).
    pub batch_size: usize,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Worker threads; all cores if absent.
    pub threads: Option<usize>,
    /// Optimizer of the layers.
    pub optimizer: Block,
    /// Optimizer of the embedding tables.
    pub embedding_optimizer: Block,
    /// What the learning rates are multiplied by after each epoch.
    #[serde(default = "no_decay")]
    pub learning_rate_decay: f64,
    /// The first epoch, from 1, of those whose last weights are averaged; `None` to keep one epoch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_from: Option<usize>,
    /// What a task's loss, summed with the rows' weights, is divided by.
    pub normaliser: Normaliser,
    /// Largest global norm of a step's gradient; none if absent.
    pub clip_norm: Option<f64>,
    /// Whether rows are shuffled each epoch.
    pub shuffle: bool,
    /// When to stop early.
    pub early_stopping: Option<EarlyStopping>,
    /// The metric that decides which epoch's weights are kept, as `mean.auc` or `like.logloss`; the last epoch's if
    /// there are no validation rows.
    pub best_metric: String,
    /// Number format of the arithmetic.
    pub precision: Precision,
    /// Number format of embedding tables' rows.
    #[serde(default = "full", skip_serializing_if = "is_full")]
    pub table_precision: Precision,
}

fn no_decay() -> f64 {
    1.0
}

fn full() -> Precision {
    Precision::Fp32
}

fn is_full(precision: &Precision) -> bool {
    *precision == Precision::Fp32
}

/// What a task's summed loss is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// The summed weights of the rows that have the label.
    WeightSum,
    /// The rows of the batch.
    Batch,
    /// The rows that have the label.
    Count,
    /// Nothing.
    Sum,
}

/// When to stop early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// The metric, as `mean.auc` or `like.logloss`.
    pub metric: String,
    /// Epochs without an improvement before stopping, at least 1.
    pub patience: usize,
    /// What counts as an improvement.
    pub min_delta: f64,
}

/// Number format of the arithmetic, or of embedding tables' rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    Fp32,
    /// Arithmetic: linear layers multiply numbers rounded to bf16 and sum in 32 bits; weights and all else are 32-bit floats.
    /// Tables: rows are bf16 numbers, which a training step rounds at random; optimizer state is 32-bit floats.
    Bf16,
}

impl Precision {
    /// Every format.
    pub const ALL: [Precision; 2] = [Precision::Fp32, Precision::Bf16];

    /// Its name, as configurations and bundles write it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Fp32 => "fp32",
            Precision::Bf16 => "bf16",
        }
    }
}
