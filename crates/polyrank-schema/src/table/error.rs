//! What is wrong with a schema.

use std::fmt;

use crate::error::printable;

/// Why a schema is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// Where it was read, as the file's name; empty for one made in code.
    pub origin: String,
    /// Line of the file, from 1, where there is one.
    pub line: Option<usize>,
    /// The column; empty where the problem is not one column's.
    pub column: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl SchemaError {
    pub(crate) fn of(column: &str, message: impl Into<String>) -> SchemaError {
        SchemaError { origin: String::new(), line: None, column: column.to_owned(), message: message.into() }
    }

    pub(crate) fn at(line: usize, message: impl Into<String>) -> SchemaError {
        SchemaError { line: Some(line), ..SchemaError::of("", message) }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.origin.is_empty(), self.line) {
            (false, Some(line)) => write!(f, "{}:{line}: ", self.origin)?,
            (false, None) => write!(f, "{}: ", self.origin)?,
            (true, Some(line)) => write!(f, "line {line}: ")?,
            (true, None) => {}
        }
        if !self.column.is_empty() {
            write!(f, "column \"{}\": ", printable(&self.column))?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for SchemaError {}
