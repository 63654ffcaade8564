//! `polyrank schema`.

use std::path::PathBuf;

use clap::Args;
use polyrank_model::bundle;

use crate::failure::Failure;
use crate::{load, output};

/// Writes what a configuration or a bundle says of its table's columns as a schema.pbtxt.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// A configuration, or a bundle's folder
    path: PathBuf,
    /// Sets any key of the configuration to a TOML value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The file to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Schema {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let config = if self.path.is_dir() {
            if !self.set.is_empty() {
                return Err(Failure::input("--set changes a configuration; a bundle is what it is"));
            }
            bundle::load(&self.path)?.config
        } else {
            load::config(&self.path, &self.set, &[])?.config
        };
        let text = config.table().to_pbtxt();
        match &self.output {
            None => output::data(text.trim_end()),
            Some(path) => std::fs::write(path, text).map_err(|e| Failure::io(path, e)),
        }
    }
}
