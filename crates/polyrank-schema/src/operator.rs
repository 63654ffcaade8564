//! Operators: what is done to raw columns between reading and encoding, in the order written.
//!
//! Whoever owns an operator states its options once, as an [`OperatorSpec`], and which columns become which. From the
//! latter everything else follows: which raw columns are read, what must be fitted before what, what scoring needs
//! without labels, and that no label reaches a feature.

use serde::{Deserialize, Serialize};

use crate::spec::{Block, BlockSpec};

/// An operator as configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// How messages, `--set` and `explain` call it: its `name`, or else its type.
    pub name: String,
    /// Its type and options.
    pub block: Block,
    /// What it consists of; follows from the block.
    pub steps: Vec<Step>,
}

/// A part of an operator that is fitted and applied by itself: of an operator over several columns that do not know of
/// each other, one for each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Columns that it reads of every row.
    pub reads: Vec<String>,
    /// Columns that it looks at only while it is fitted.
    pub fits_on: Vec<String>,
    /// Columns that it makes, or replaces if it reads them.
    pub writes: Vec<String>,
    /// Columns that later operators, features and tasks no longer find.
    pub drops: Vec<String>,
    /// What it does besides.
    pub effect: Effect,
}

/// What a step does besides making columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing.
    #[default]
    Columns,
    /// It decides which rows are kept, in training and evaluation; `predict` scores every row.
    Rows,
    /// It decides, when fitted, whether the features that read its columns are left out.
    Features,
}

impl Step {
    /// A step that makes columns of columns.
    pub fn new(reads: Vec<String>, writes: Vec<String>) -> Step {
        Step { reads, writes, ..Step::default() }
    }
}

/// An operator that a configuration can name by `type` in `[[operators]]`.
#[derive(Debug, Clone, Copy)]
pub struct OperatorSpec {
    /// Name, options and their check.
    pub block: BlockSpec,
    /// Its steps, for a block that passed the check.
    pub steps: fn(&Block) -> Vec<Step>,
    /// Whether it must see the training rows before it can be applied.
    pub fits: fn(&Block) -> bool,
    /// Whether what it makes gives no label away although it is fitted on labels, by how it is built.
    pub hides_labels: fn(&Block) -> bool,
}

/// The answer of operators that always (do not) have to be fitted, or (do not) hide labels.
pub fn always(_: &Block) -> bool {
    true
}

/// As [`always`], the other way round.
pub fn never(_: &Block) -> bool {
    false
}
