//! `polyrank schema`.

use std::path::PathBuf;

use clap::Args;
use polyrank_model::{bundle, registry};

use super::init::Init;
use crate::failure::Failure;
use crate::{load, output};

/// Writes what a configuration or a bundle says of its table's columns, or what data look like, as a schema.pbtxt.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// A configuration (.toml), a bundle's folder, or data: then the schema of what `polyrank init` would write
    path: PathBuf,
    /// Of data: a column that is a label, as for `polyrank init`
    #[arg(long, value_name = "NAME")]
    task: Vec<String>,
    /// Sets any key of the configuration to a TOML value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The file to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Schema {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let is_toml = self.path.extension().is_some_and(|e| e == "toml");
        let data = !is_toml && !self.path.is_dir();
        if !self.task.is_empty() && !data {
            return Err(Failure::input("--task names the labels of data; a configuration or a bundle has its own"));
        }
        if !self.set.is_empty() && !is_toml {
            return Err(Failure::input("--set changes a configuration; a bundle and data are what they are"));
        }
        let config = if self.path.is_dir() {
            bundle::load(&self.path)?.config
        } else if is_toml {
            load::config(&self.path, &self.set, &[])?.config
        } else {
            let path = self.path.to_str().ok_or_else(|| Failure::input("the path is not UTF-8"))?;
            let text = Init::of(vec![path.to_owned()], self.task).suggested()?;
            polyrank_schema::parse(&text, path, &registry(), &[])?
        };
        let text = config.table().to_pbtxt();
        match &self.output {
            None => output::data(text.trim_end()),
            Some(path) => std::fs::write(path, text).map_err(|e| Failure::io(path, e)),
        }
    }
}
