//! What ends a command: a message and an exit code.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use polyrank_data::DataError;
use polyrank_model::ModelError;
use polyrank_schema::ConfigErrors;
use polyrank_train::TrainError;

/// Why a command ended without doing its work.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    /// Whether the input is to blame.
    input: bool,
}

impl Failure {
    /// The input is to blame.
    pub(crate) fn input(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), input: true }
    }

    /// The system refused something about a path.
    pub(crate) fn io(path: impl Into<PathBuf>, error: std::io::Error) -> Failure {
        let path = path.into();
        use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
        let input = matches!(error.kind(), NotFound | IsADirectory | NotADirectory);
        Failure { text: format!("{}: {error}", path.display()), input }
    }

    /// Something else about a path.
    pub(crate) fn other(path: &Path, error: impl fmt::Display) -> Failure {
        Failure { text: format!("{}: {error}", path.display()), input: false }
    }

    /// What it says.
    pub(crate) fn said(&self) -> &str {
        &self.text
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(if self.input { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every line says what it is, also where a configuration has several problems.
        let lines: Vec<String> = self.text.trim_end().lines().map(|line| format!("error: {line}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

macro_rules! from_library {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure { text: error.to_string(), input: error.is_input() }
            }
        })*
    };
}
from_library!(DataError, ModelError, TrainError);

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Failure {
        Failure::input(errors.to_string())
    }
}
