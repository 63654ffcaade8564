//! Columns, features, tasks, model and training configuration: parsed, validated, with defaults and presets.
//!
//! Text in, a valid [`config::Config`] out, or every problem at once, each with its key and line.

mod block;
mod check;
mod choices;
mod columns;
pub mod config;
mod cross;
mod error;
pub mod expression;
pub mod flow;
mod limits;
mod metric;
mod named;
pub mod operator;
mod parse;
pub mod preset;
mod read;
mod set;
pub mod spec;
pub mod table;
mod tree;

pub use config::Config;
pub use error::{ConfigErrors, Problem};
pub use expression::{Expression, ExpressionError};
pub use metric::{Metric, MetricKind, WEIGHTED};
pub use operator::{Operator, OperatorSpec, Step};
pub use parse::{OpenFile, parse, parse_with_files};
pub use preset::Preset;
pub use set::SetOverride;
pub use spec::{Block, BlockSpec, OptionSpec, Registry};
pub use table::{Column, Schema, Select, Tag};
