//! Expressions over the columns of a row: `click == 1 AND play_time > 0.5 * duration`.
//!
//! The grammar is SQL's, read by `sqlparser`; the language is a small part of it that can only compute: columns,
//! constants, arithmetic, comparisons, three-valued logic, `CASE`, casts and the functions of [`FUNCTIONS`]. There are no
//! loops, no names besides columns and functions, and nothing that reaches outside the row, so an expression from a
//! hostile configuration costs time in proportion to its length.

mod ast;
mod function;
mod sql;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::printable;
use crate::limits::EXPRESSION_CHARS;
use crate::named::Written;

pub use ast::{Arithmetic, Comparison, Literal, Node, Truth, Type};
pub use function::{FUNCTIONS, Function, FunctionSpec};

/// A valid expression. Stored and compared as its text.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    columns: Vec<String>,
    root: Node,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// Line and character, both from 1, where one is to blame.
    pub place: Option<(u64, u64)>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Expression {
    /// Reads an expression of at most 4,096 characters, nested at most 32 deep.
    ///
    /// # Errors
    /// What is wrong first, where, and what to do.
    pub fn parse(text: &str) -> Result<Expression, ExpressionError> {
        if text.chars().nth(EXPRESSION_CHARS).is_some() {
            let message = format!("longer than {EXPRESSION_CHARS} characters");
            let hint = Some("compute a column of its own first".to_owned());
            return Err(ExpressionError { place: None, message, hint });
        }
        let (root, columns) = sql::read(text)?;
        Ok(Expression { text: text.to_owned(), columns, root })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns that it reads, each once, in the order of first use; [`Node::Column`] counts them from 0.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What it computes.
    pub fn root(&self) -> &Node {
        &self.root
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Written for Expression {
    fn written(&self) -> String {
        self.text.written()
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expression, D::Error> {
        let text = String::deserialize(deserializer)?;
        Expression::parse(&text)
            .map_err(|error| serde::de::Error::custom(format!("expression \"{}\": {error}", printable(&text))))
    }
}

impl ExpressionError {
    /// Where it stands, and what is wrong, without the hint.
    pub fn problem(&self) -> String {
        match self.place {
            Some((1, character)) => format!("character {character}: {}", self.message),
            Some((line, character)) => format!("line {line}, character {character}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem())?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExpressionError {}
