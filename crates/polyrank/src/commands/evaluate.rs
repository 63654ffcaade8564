//! `polyrank evaluate`.

use std::path::{Path, PathBuf};

use clap::Args;
use polyrank_model::Predictor;
use polyrank_schema::Config;
use polyrank_train::evaluate::{Measured, evaluate};
use polyrank_train::truth::{Compared, Truth, compare};
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
    /// Also measures what labels were drawn from, columns TASK_probability, TASK_mean and TASK_probability_CLASS as
    /// `synth` writes them, and how far the bundle is from it
    #[arg(long)]
    truth: bool,
    /// Another column with what a task's labels were drawn from, of several classes the columns COLUMN_CLASS; with --truth
    /// in force
    #[arg(long, value_name = "TASK=COLUMN")]
    truth_column: Vec<String>,
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let predictor = Predictor::load(&self.bundle)?;
        let data = if self.data.is_empty() { predictor.config().data.test.clone() } else { self.data };
        if data.is_empty() {
            return Err(Failure::input("name the files to evaluate on; the bundle's configuration has no data.test"));
        }
        if self.truth || !self.truth_column.is_empty() {
            let truth = truth(predictor.config(), &self.truth_column)?;
            let compared = compare(&predictor, &data, Path::new("."), &truth)?;
            return output::data(&if self.json { json_of_both(&compared) } else { text_of_both(&compared) });
        }
        let measured = evaluate(&predictor, &data, Path::new("."))?;
        output::data(&if self.json { json(&measured).to_string() } else { text(&measured) })
    }
}

/// The columns that hold the truth; `named` are `TASK=COLUMN` texts.
fn truth(config: &Config, named: &[String]) -> Result<Truth, Failure> {
    let mut truth = Truth::of(config);
    for text in named {
        let (task, column) = text
            .split_once('=')
            .ok_or_else(|| Failure::input(format!("--truth-column {text}: write TASK=COLUMN, as like=like_p")))?;
        let Some(index) = config.tasks.iter().position(|known| known.name == task) else {
            let names: Vec<&str> = config.tasks.iter().map(|task| task.name.as_str()).collect();
            let tasks = names.join(", ");
            return Err(Failure::input(format!("--truth-column {text}: no task is named `{task}`; there are {tasks}")));
        };
        truth.set(config, index, column);
    }
    Ok(truth)
}

/// Figures of a bundle as JSON, with those of the truth and the differences beside them.
fn json_of_both(compared: &Compared) -> String {
    let mut whole = json(&compared.model);
    let regrets: Map<String, Value> = compared
        .regrets()
        .map(|(task, regrets)| {
            let by_metric = regrets.iter().map(|regret| (regret.name.to_owned(), json!(regret.regret)));
            (task.name.clone(), Value::Object(by_metric.collect()))
        })
        .collect();
    whole["truth"] = json(&compared.truth)["tasks"].take();
    whole["regret"] = Value::Object(regrets);
    whole.to_string()
}

/// Figures of a bundle as a table, and below them, metric by metric, those of the truth.
fn text_of_both(compared: &Compared) -> String {
    let mut rows = Vec::new();
    for (task, regrets) in compared.regrets() {
        rows.extend(regrets.iter().map(|r| {
            let figures = [r.model, r.truth, r.regret].map(figure);
            [task.name.clone(), r.name.to_owned()].into_iter().chain(figures).collect::<Vec<_>>()
        }));
    }
    let table = render(&["task", "metric", "model", "truth", "regret"], &rows);
    format!("{}\n\n{table}", text(&compared.model))
}

/// Figures as JSON; undefined ones are null.
fn json(measured: &Measured) -> Value {
    let tasks: Map<String, Value> = measured
        .tasks
        .iter()
        .map(|task| {
            let metrics: Map<String, Value> =
                task.metrics.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            (task.name.clone(), Value::Object(metrics))
        })
        .collect();
    json!({ "rows": measured.rows, "tasks": tasks })
}

/// Figures as a table.
fn text(measured: &Measured) -> String {
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
