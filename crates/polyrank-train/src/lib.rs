//! The training loop, metrics, checkpoints, evaluation and the report.

mod average;
pub mod cache;
mod checkpoint;
pub mod dataset;
mod error;
pub mod evaluate;
pub mod history;
pub mod metrics;
pub mod origin;
mod pretrained;
pub mod report;
pub mod reproduce;
mod rows;
pub mod run;
mod summary;
pub mod truth;

pub use error::TrainError;
pub use run::{Event, RunOptions, RunResult, Watch, run};
