//! How a block of options (`{ type = "mmoe", experts = 3 }`) is described, checked and read.
//!
//! Whoever owns a block (an encoder, an architecture, an optimizer) states its name and options once, as a
//! [`BlockSpec`]. The parser checks a configuration against these tables, `explain` prints them, and the owner reads
//! the result back from a [`Block`]. So an architecture stays one file and one line in a registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::{Feature, Task};
use crate::operator::OperatorSpec;
use crate::preset::Preset;

/// What an option may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptionKind {
    /// A whole number within bounds, both included.
    Int {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A finite number within bounds, both included.
    Float {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// `true` or `false`.
    Bool,
    /// One of the names.
    Name(&'static [&'static str]),
    /// Up to 64 layer widths, each from 1 to 65,536; empty means no hidden layer.
    Units,
    /// A whole number within bounds, both included, or a list of up to 1,000 of them; held as a list.
    Counts {
        /// Smallest allowed.
        min: usize,
        /// Largest allowed.
        max: usize,
    },
    /// Finite numbers, strictly rising (bucket boundaries), from 1 to 4,096 of them.
    Rising,
    /// Any text of up to 1,024 characters.
    Text,
    /// Up to 64 names of features or tasks.
    Names,
    /// Values of a column: from 1 to 100,000 different texts, numbers, or true and false; held as texts.
    Values,
    /// The name of a column.
    Column,
    /// The names of 1 to 1,000 columns; one name stands for a list of one.
    Columns,
    /// 1 to 1,000 paths or globs, relative to the configuration's folder; one stands for a list of one.
    Paths,
    /// A finite number, a text, true or false.
    Scalar,
}

/// A value of an option.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A name or text.
    Text(String),
    /// Layer widths or counts.
    Units(Vec<usize>),
    /// Numbers.
    Numbers(Vec<f64>),
    /// Names or values.
    Names(Vec<String>),
}

/// What an option holds when nothing was written.
#[derive(Debug, Clone, Copy)]
pub enum OptionDefault {
    /// Must be written.
    Required,
    /// May be left out, and then is absent.
    Absent,
    /// The same under every preset.
    Always(Literal),
    /// Decided by the preset.
    ByPreset(fn(Preset) -> Literal),
}

/// An option value that a `const` table can hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A name or text.
    Text(&'static str),
    /// Layer widths or counts.
    Units(&'static [usize]),
    /// Absent.
    None,
}

/// One option of a block.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The key in the configuration.
    pub key: &'static str,
    /// What it may hold.
    pub kind: OptionKind,
    /// What it holds when left out.
    pub default: OptionDefault,
    /// One line for `explain`, `init` and the reference.
    pub doc: &'static str,
}

/// A block that a configuration can name by `type`.
#[derive(Debug, Clone, Copy)]
pub struct BlockSpec {
    /// The value of `type`.
    pub name: &'static str,
    /// One line for `explain`, `init` and the reference.
    pub doc: &'static str,
    /// Its options, in the order to print them.
    pub options: &'static [OptionSpec],
    /// What must hold among the options (and the number of tasks) beyond each one's own bounds; the message says what
    /// to do.
    pub check: fn(&Block, BlockContext<'_>) -> Result<(), String>,
}

/// What a block's own check may look at besides its options.
#[derive(Debug, Clone, Copy)]
pub struct BlockContext<'a> {
    /// The tasks (T of them); none where a block belongs to a feature.
    pub tasks: &'a [Task],
    /// The features; none where a block belongs to one.
    pub features: &'a [Feature],
}

impl BlockContext<'_> {
    /// Of a block that belongs to a feature.
    pub const NONE: BlockContext<'static> = BlockContext { tasks: &[], features: &[] };
}

/// A [`BlockSpec`] check for blocks whose options need no more than their own bounds.
pub fn no_further_check(_: &Block, _: BlockContext<'_>) -> Result<(), String> {
    Ok(())
}

/// A block as configured: every option present that has a value, defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The value of `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The options by key.
    #[serde(flatten)]
    pub options: BTreeMap<String, OptionValue>,
}

impl Block {
    /// The whole number under `key`, 0 if there is none.
    pub fn int(&self, key: &str) -> i64 {
        match self.options.get(key) {
            Some(OptionValue::Int(v)) => *v,
            _ => 0,
        }
    }

    /// The non-negative whole number under `key` as a size, 0 if there is none.
    pub fn size(&self, key: &str) -> usize {
        usize::try_from(self.int(key)).unwrap_or(0)
    }

    /// The number under `key` (whole numbers count), 0 if there is none.
    pub fn float(&self, key: &str) -> f64 {
        match self.options.get(key) {
            Some(OptionValue::Float(v)) => *v,
            Some(OptionValue::Int(v)) => *v as f64,
            _ => 0.0,
        }
    }

    /// Whether `key` is `true`.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.options.get(key), Some(OptionValue::Bool(true)))
    }

    /// The text under `key`, empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        match self.options.get(key) {
            Some(OptionValue::Text(v)) => v,
            _ => "",
        }
    }

    /// The layer widths or counts under `key`, empty if there are none.
    pub fn units(&self, key: &str) -> &[usize] {
        match self.options.get(key) {
            Some(OptionValue::Units(v)) => v,
            _ => &[],
        }
    }

    /// The numbers under `key`, if any were given.
    pub fn numbers(&self, key: &str) -> Option<&[f64]> {
        match self.options.get(key) {
            Some(OptionValue::Numbers(v)) => Some(v),
            _ => None,
        }
    }

    /// The names or values under `key`, none if nothing was given.
    pub fn names(&self, key: &str) -> &[String] {
        match self.options.get(key) {
            Some(OptionValue::Names(v)) => v,
            _ => &[],
        }
    }

    /// Whether `key` holds a value.
    pub fn has(&self, key: &str) -> bool {
        self.options.contains_key(key)
    }
}

/// Every block that a configuration can name, by the place where it can be named.
#[derive(Debug, Clone, Copy)]
pub struct Registry<'a> {
    /// `operators`.
    pub operators: &'a [OperatorSpec],
    /// `features.encoder` of categorical features.
    pub categorical_encoders: &'a [BlockSpec],
    /// `features.encoder` of dense features.
    pub dense_encoders: &'a [BlockSpec],
    /// `features.embedding` of dense features.
    pub number_embeddings: &'a [BlockSpec],
    /// `features.list.combiner`, besides the poolings.
    pub sequences: &'a [BlockSpec],
    /// `model.interaction`.
    pub interactions: &'a [BlockSpec],
    /// `model.multi_task`.
    pub multi_tasks: &'a [BlockSpec],
    /// `train.optimizer` and `train.embedding_optimizer`.
    pub optimizers: &'a [BlockSpec],
}
