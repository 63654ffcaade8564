//! Columns, features, tasks, model and training configuration: parsed, validated, with defaults and presets.
//!
//! Text in, a valid [`config::Config`] out, or every problem at once, each with its key and line.

pub mod config;
pub mod preset;
pub mod spec;

pub use config::Config;
pub use preset::Preset;
pub use spec::{Block, BlockSpec, OptionSpec, Registry};
