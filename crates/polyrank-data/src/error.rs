//! What can go wrong between a file and a batch; every variant carries the facts that its message names.

use std::path::PathBuf;

/// An error of reading, fitting or encoding rows.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A path or glob names no file.
    #[error("`{pattern}` matches no file; write a path or glob relative to {base}", base = base.display())]
    NoFile {
        /// As written.
        pattern: String,
        /// What it is relative to.
        base: PathBuf,
    },
    /// A row that cannot be read.
    #[error("{path}:{line}{column}: {problem}", path = path.display(), column = column.as_ref().map(|c| format!(", column `{c}`")).unwrap_or_default())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// Its line (text) or row (binary formats), from 1.
        line: u64,
        /// The column, if one is to blame.
        column: Option<String>,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A column that the configuration names and the file lacks.
    #[error("{path}: no column `{column}`{hint}", path = path.display(), hint = nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The most similar column that is there.
        nearest: Option<String>,
    },
    /// A file that is not what it should be.
    #[error("{path}: {problem}", path = path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A value that a feature or label cannot take.
    #[error("column `{column}`: {problem}")]
    BadValue {
        /// The column.
        column: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A value that a feature or label cannot take, with its row.
    #[error("column `{column}`, row {number} of the batch: {problem}", number = row + 1)]
    BadCell {
        /// The column.
        column: String,
        /// Its row within the batch, from 0; whoever read the batch knows the file and line.
        row: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A row for which an expression has no value.
    #[error("expression `{expression}`, row {number} of the batch: {problem}", number = row + 1)]
    BadExpression {
        /// The expression.
        expression: String,
        /// Its row within the batch, from 0; whoever read the batch knows the file and line.
        row: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An operator that cannot do what it should.
    #[error("operator `{operator}`: {problem}")]
    Operator {
        /// Its type.
        operator: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Encoded batches that do not belong together.
    #[error("batches cannot be joined: {0}")]
    Batch(String),
    /// Rows that cannot be divided into training and validation.
    #[error("splitting rows: {0}")]
    Split(String),
    /// Rows that cannot be made up as asked for.
    #[error("made-up rows: {0}")]
    Synth(String),
    /// Nothing to work on.
    #[error("{0}")]
    Empty(String),
}

impl DataError {
    /// Wraps a system error with the path it concerns.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> DataError {
        DataError::Io { path: path.into(), source }
    }

    /// Whether the input is to blame (exit code 2) rather than the machine (exit code 1).
    pub fn is_input(&self) -> bool {
        match self {
            DataError::Io { source, .. } => matches!(
                source.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
            ),
            _ => true,
        }
    }
}
