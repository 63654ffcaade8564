//! What can go wrong in training and evaluation.

use std::path::PathBuf;

use polyrank_data::DataError;
use polyrank_model::ModelError;

use crate::metrics::MetricError;

/// An error of training or evaluation.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Rows or encoders.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Network, bundle or checkpoint.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A configuration.
    #[error(transparent)]
    Config(#[from] polyrank_schema::ConfigErrors),
    /// Scores or labels of a task that cannot be measured.
    #[error("task `{task}`: {source}")]
    Metric {
        /// The task.
        task: String,
        /// What is wrong.
        source: MetricError,
    },
    /// The loss, a weight or a score is no number any more.
    #[error(
        "{what} in epoch {epoch}, step {step}: training diverged; lower train.optimizer.learning_rate or set \
         train.clip_norm{kept}",
        kept = if *epoch > 1 { format!(" (the checkpoint of epoch {} is whole)", epoch - 1) } else { String::new() }
    )]
    Diverged {
        /// What happened, as `the loss became NaN`.
        what: String,
        /// The epoch, from 1.
        epoch: usize,
        /// The step within the epoch, from 1.
        step: u64,
    },
    /// A run folder that cannot be used or resumed.
    #[error("{path}: {problem}", path = path.display())]
    Run {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A cache of encoded rows that cannot be used.
    #[error("{path}: {problem}", path = path.display())]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl TrainError {
    /// Wraps a system error with the path it concerns.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> TrainError {
        TrainError::Io { path: path.into(), source }
    }

    /// Whether the input is to blame (exit code 2) rather than the machine (exit code 1).
    pub fn is_input(&self) -> bool {
        match self {
            TrainError::Data(e) => e.is_input(),
            TrainError::Model(e) => e.is_input(),
            TrainError::Config(_) | TrainError::Metric { .. } | TrainError::Run { .. } | TrainError::Cache { .. } => {
                true
            }
            TrainError::Diverged { .. } | TrainError::Io { .. } => false,
        }
    }
}
