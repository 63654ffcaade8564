//! `polyrank demo`: the whole main job on made-up rows.

use std::path::{Path, PathBuf};

use clap::Args;
use polyrank_data::synth::ByteRec;
use polyrank_model::Predictor;
use polyrank_schema::config::TaskKind;
use polyrank_train::evaluate::evaluate;
use polyrank_train::metrics::evaluate_task;

use crate::commands::train::train;
use crate::commands::write::{Format, Writer};
use crate::failure::Failure;
use crate::table::{figure, render};
use crate::{load, output};

/// Makes rows, trains MMoE on finish and like, evaluates, writes a bundle and a report.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where everything goes
    #[arg(long, default_value = "demo", value_name = "DIR")]
    out: PathBuf,
    /// Rows to train on
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    rows: u64,
    /// Seed of rows and training
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const CONFIG: &str = include_str!("demo.toml");
const TASKS: [&str; 2] = ["finish", "like"];
/// Rows made at a time.
const CHUNK: u64 = 65_536;

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.out).map_err(|e| Failure::io(&self.out, e))?;
        let (valid, test) = (self.rows / 8, self.rows / 4);
        let rows = ByteRec::new(self.seed);
        output::message(&format!("making {} rows in {}", self.rows + valid + test, self.out.display()));
        write(&rows, &self.out.join("train.parquet"), 0..self.rows, false)?;
        write(&rows, &self.out.join("valid.parquet"), self.rows..self.rows + valid, false)?;
        let held_out = self.rows + valid..self.rows + valid + test;
        write(&rows, &self.out.join("test.parquet"), held_out.clone(), false)?;
        let config = self.out.join("demo.toml");
        std::fs::write(&config, CONFIG).map_err(|e| Failure::io(&config, e))?;

        let loaded = load::config(&config, &[format!("train.seed={}", self.seed)], &[])?;
        let result = train(&loaded, self.out.clone(), false)?;
        let predictor = Predictor::load(&result.bundle)?;
        let measured = evaluate(&predictor, &["test.parquet".to_owned()], &self.out)?;

        let mut lines = Vec::new();
        for (task, name) in measured.tasks.iter().zip(TASKS) {
            let best = truth(&rows, held_out.clone(), name)?;
            let row = |who: &str, auc, logloss| vec![name.to_owned(), who.to_owned(), figure(auc), figure(logloss)];
            lines.push(row("MMoE", task.metrics.get("auc"), task.metrics.get("logloss")));
            lines.push(row("true probabilities", best.0, best.1));
        }
        let table = render(&["task", "scored by", "AUC", "logloss"], &lines);
        output::data(&format!("{} test rows\n{table}", measured.rows))?;
        output::message(&format!(
            "\nwrote {bundle} and {out}/report.html; try\n  polyrank evaluate {bundle} {out}/test.parquet\n  polyrank predict {bundle} {out}/test.parquet -o scores.csv --keep uid --keep item_id",
            bundle = result.bundle.display(),
            out = self.out.display()
        ));
        Ok(())
    }
}

fn write(rows: &ByteRec, path: &Path, range: std::ops::Range<u64>, truth: bool) -> Result<(), Failure> {
    let mut writer = Writer::create(path, Format::Parquet)?;
    for from in range.clone().step_by(CHUNK as usize) {
        writer.write(&rows.rows(from..range.end.min(from + CHUNK), truth))?;
    }
    writer.finish()
}

/// AUC and logloss of the generator's own probabilities: what no model can beat for long.
fn truth(rows: &ByteRec, range: std::ops::Range<u64>, task: &str) -> Result<(Option<f64>, Option<f64>), Failure> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int8Type};
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for from in range.clone().step_by(CHUNK as usize) {
        let batch = rows.rows(from..range.end.min(from + CHUNK), true);
        let column = |name: &str| {
            batch.column_by_name(name).cloned().ok_or_else(|| Failure::input(format!("made-up rows lack `{name}`")))
        };
        let probability = column(&format!("{task}_probability"))?;
        scores.extend(probability.as_primitive::<Float64Type>().values().iter().map(|p| *p as f32));
        labels.extend(column(task)?.as_primitive::<Int8Type>().values().iter().map(|y| f32::from(*y)));
    }
    let metrics = evaluate_task(&TaskKind::Binary { positive: None }, &scores, &labels)
        .map_err(|e| Failure::input(format!("true probabilities: {e}")))?;
    Ok((metrics.get("auc"), metrics.get("logloss")))
}
