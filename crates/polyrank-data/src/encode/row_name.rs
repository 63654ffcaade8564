//! The inverse of encoding: what each row of an embedding table stands for.

use std::fmt;

use super::encoders::{Encoder, Encoders};

/// What a row of an embedding table stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum RowName {
    /// Row 0, never looked up for a value.
    Padding,
    /// Row 1: null, empty, NaN.
    Missing,
    /// One of the rows that unseen, rare or impossible values share, from 0.
    Unseen(u32),
    /// One value, as its canonical text.
    Value(String),
    /// All values with this hash, from 0.
    Bucket(u32),
    /// Numbers from `from` to below `to`.
    Interval {
        /// No lower bound if absent.
        from: Option<f64>,
        /// No upper bound if absent.
        to: Option<f64>,
    },
}

impl RowName {
    /// `padding`, `missing`, `unseen`, `value`, `bucket` or `interval`.
    pub fn kind(&self) -> &'static str {
        match self {
            RowName::Padding => "padding",
            RowName::Missing => "missing",
            RowName::Unseen(_) => "unseen",
            RowName::Value(_) => "value",
            RowName::Bucket(_) => "bucket",
            RowName::Interval { .. } => "interval",
        }
    }
}

/// The value, the number of a row among its like, or an interval as `[0.5, 2)`; nothing for padding and missing.
impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowName::Padding | RowName::Missing => Ok(()),
            RowName::Unseen(n) | RowName::Bucket(n) => n.fmt(f),
            RowName::Value(text) => f.write_str(text),
            RowName::Interval { from, to } => {
                match from {
                    Some(from) => write!(f, "[{from}, ")?,
                    None => f.write_str("(-inf, ")?,
                }
                match to {
                    Some(to) => write!(f, "{to})"),
                    None => f.write_str("inf)"),
                }
            }
        }
    }
}

impl Encoders {
    /// What the rows of a table of the layout stand for, in their order; `None` for a number that is no table.
    ///
    /// Encoding a [`RowName::Value`] gives its row back.
    pub fn row_names(&self, table: usize) -> Option<Box<dyn Iterator<Item = RowName> + '_>> {
        let name = &self.layout().tables.get(table)?.name;
        let feature = self.plan.features.iter().position(|feature| feature.name == *name)?;
        let rest: Box<dyn Iterator<Item = RowName> + '_> = match &self.columns[feature].encoder {
            Encoder::Categorical(encoder) => encoder.row_names(),
            Encoder::Bucketize(buckets) => Box::new(buckets.row_names()),
            Encoder::Dense(_) | Encoder::PiecewiseLinear(_) | Encoder::Vector(_) => return None,
        };
        Some(Box::new([RowName::Padding, RowName::Missing].into_iter().chain(rest)))
    }
}
