//! `polyrank evaluate`.

use std::path::{Path, PathBuf};

use clap::Args;
use polyrank_model::Predictor;
use polyrank_train::evaluate::{Measured, evaluate};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output;
use crate::table::{figure, render};

/// Measures a bundle on labelled rows.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// The bundle's folder
    bundle: PathBuf,
    /// Files with labels; data.test of the configuration if left out
    data: Vec<String>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let predictor = Predictor::load(&self.bundle)?;
        let data = if self.data.is_empty() { predictor.config().data.test.clone() } else { self.data };
        if data.is_empty() {
            return Err(Failure::input("name the files to evaluate on; the bundle's configuration has no data.test"));
        }
        let measured = evaluate(&predictor, &data, Path::new("."))?;
        if self.json { output::data(&json(&measured)) } else { output::data(&text(&measured)) }
    }
}

/// Figures as JSON; undefined ones are null.
pub(crate) fn json(measured: &Measured) -> String {
    let tasks: Map<String, Value> = measured
        .tasks
        .iter()
        .map(|task| {
            let metrics: Map<String, Value> =
                task.metrics.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            (task.name.clone(), Value::Object(metrics))
        })
        .collect();
    json!({ "rows": measured.rows, "tasks": tasks }).to_string()
}

/// Figures as a table.
pub(crate) fn text(measured: &Measured) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in measured.tasks.iter().flat_map(|task| task.metrics.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let rows: Vec<Vec<String>> = measured
        .tasks
        .iter()
        .map(|task| {
            let mut row = vec![task.name.clone()];
            row.extend(names.iter().map(|name| match *name {
                "rows" => task.metrics.get(name).map_or("–".to_owned(), |n| format!("{n:.0}")),
                _ => figure(task.metrics.get(name)),
            }));
            row
        })
        .collect();
    let mut header = vec!["task"];
    header.extend(&names);
    format!("{}\n{} rows", render(&header, &rows), measured.rows)
}
