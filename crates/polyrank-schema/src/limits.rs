//! Bounds that the parser and the check of a stored configuration share.

/// Bytes of a configuration file.
pub(crate) const FILE_BYTES: usize = 16 << 20;
/// Columns of a schema.
pub(crate) const COLUMNS: usize = 20_000;
/// Tags of a column.
pub(crate) const COLUMN_TAGS: usize = 64;
/// Properties of a column.
pub(crate) const PROPERTIES: usize = 256;
/// Values of a property within each other.
pub(crate) const PROPERTY_DEPTH: usize = 16;
/// Features of a configuration.
pub(crate) const FEATURES: usize = 10_000;
/// Tasks of a configuration.
pub(crate) const TASKS: usize = 1_000;
/// Characters of a name of a feature, task or column.
pub(crate) const NAME_CHARS: usize = 255;
/// Characters of an option's text.
pub(crate) const TEXT_CHARS: usize = 1024;
/// Most names of a block's option.
pub(crate) const NAMES: usize = 64;
/// Most values of a column that one list gives.
pub(crate) const VALUES: usize = 100_000;
/// Operators of a configuration.
pub(crate) const OPERATORS: usize = 1_000;
/// Steps of all operators together.
pub(crate) const STEPS: usize = 10_000;
/// Columns, or files, of an operator's option.
pub(crate) const OPERATOR_COLUMNS: usize = 1_000;
/// Classes of a task.
pub(crate) const CLASSES: usize = 1_000;
/// Boundaries of one bucketized feature.
pub(crate) const BOUNDARIES: usize = 4096;
/// Counts in a list of them.
pub(crate) const COUNTS: usize = 1_000;
/// Hidden layers of one stack.
pub(crate) const LAYERS: usize = 64;
/// Width of a layer, and length of a vector feature.
pub(crate) const WIDTH: i128 = 65_536;
/// Embedding dimension.
pub(crate) const DIM: i128 = 4096;
/// Values of a list that are kept.
pub(crate) const LIST_LENGTH: i128 = 65_536;
/// Values of a list that a sequence encoder reads.
pub(crate) const SEQUENCE_LENGTH: i128 = 1000;
/// Characters of an expression: a chain of that many operators still fits any stack.
pub(crate) const EXPRESSION_CHARS: usize = 4096;
/// How deep an expression's parentheses, functions and the like nest.
pub(crate) const EXPRESSION_NESTING: usize = 32;
/// How deep the parts of an expression nest, chains of operators included.
pub(crate) const EXPRESSION_DEPTH: usize = 200;
/// Characters of a list's separator.
pub(crate) const SEPARATOR_CHARS: usize = 16;
/// Rows of the shuffle buffer.
pub(crate) const SHUFFLE_BUFFER: i128 = 100_000_000;
/// Rows of a batch.
pub(crate) const BATCH: i128 = 1_048_576;
/// Passes over the data, and epochs of patience.
pub(crate) const EPOCHS: i128 = 1_000_000;
/// Worker threads.
pub(crate) const THREADS: i128 = 1024;

/// Which finite numbers a key may hold.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    /// In words, as `a number above 0`.
    pub(crate) what: &'static str,
    holds: fn(f64) -> bool,
}

impl Range {
    pub(crate) fn holds(self, value: f64) -> bool {
        value.is_finite() && (self.holds)(value)
    }
}

pub(crate) const NUMBER: Range = Range { what: "a number", holds: |_| true };
pub(crate) const ABOVE_ZERO: Range = Range { what: "a number above 0", holds: |v| v > 0.0 };
pub(crate) const RATE: Range = Range { what: "a number above 0, at most 10", holds: |v| v > 0.0 && v <= 10.0 };
pub(crate) const NOT_NEGATIVE: Range = Range { what: "a number, 0 or above", holds: |v| v >= 0.0 };
pub(crate) const FRACTION: Range = Range { what: "a number above 0 and below 1", holds: |v| v > 0.0 && v < 1.0 };
pub(crate) const DECAY: Range = Range { what: "a number above 0, to 1", holds: |v| v > 0.0 && v <= 1.0 };
pub(crate) const DROPOUT: Range = Range { what: "a number from 0 to below 1", holds: |v| (0.0..1.0).contains(&v) };
