//! What can go wrong between a configuration and a score.

use std::path::PathBuf;

use polyrank_data::DataError;
use polyrank_engine::{FeedError, GraphError, TensorError};
use polyrank_schema::ConfigErrors;

/// An error of building, saving, loading or scoring.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Rows or encoders.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network that cannot be.
    #[error("model: {0}")]
    Graph(#[from] GraphError),
    /// A batch that does not fit the network.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A bundle or checkpoint file that is not what it should be.
    #[error("{path}: {problem}", path = path.display())]
    BadFile {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A tensor that does not belong to the network.
    #[error("{path}: {source}", path = path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: TensorError,
    },
    /// Architectures that cannot be made alike.
    #[error("model: {0}")]
    Matching(String),
    /// A network that the machine cannot hold.
    #[error("model: {0}")]
    Memory(String),
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration in a bundle.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
}

impl ModelError {
    /// Wraps a system error with the path it concerns.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> ModelError {
        ModelError::Io { path: path.into(), source }
    }

    /// A file that is not what it should be.
    pub fn bad_file(path: impl Into<PathBuf>, problem: impl Into<String>) -> ModelError {
        ModelError::BadFile { path: path.into(), problem: problem.into() }
    }

    /// Whether the input is to blame (exit code 2) rather than the machine (exit code 1).
    pub fn is_input(&self) -> bool {
        match self {
            ModelError::Data(e) => e.is_input(),
            ModelError::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => true,
        }
    }
}
