//! `polyrank demo`: the whole main job on made-up rows.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use polyrank_data::synth::{ByteRec, blocks};
use polyrank_model::Predictor;
use polyrank_train::truth::{Truth, compare};

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

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.out).map_err(|e| Failure::io(&self.out, e))?;
        let (valid, test) = (self.rows / 8, self.rows / 4);
        let rows = Arc::new(ByteRec::new(self.seed));
        output::message(&format!("making {} rows in {}", self.rows + valid + test, self.out.display()));
        write(&rows, &self.out.join("train.parquet"), 0..self.rows, false)?;
        write(&rows, &self.out.join("valid.parquet"), self.rows..self.rows + valid, false)?;
        let held_out = self.rows + valid..self.rows + valid + test;
        write(&rows, &self.out.join("test.parquet"), held_out, true)?;
        let config = self.out.join("demo.toml");
        std::fs::write(&config, CONFIG).map_err(|e| Failure::io(&config, e))?;

        let loaded = load::config(&config, &[format!("train.seed={}", self.seed)], &[])?;
        let result = train(&loaded, self.out.clone(), None, false)?;
        let predictor = Predictor::load(&result.bundle)?;
        let truth = Truth::of(predictor.config());
        let compared = compare(&predictor, &["test.parquet".to_owned()], &self.out, &truth)?;

        let mut lines = Vec::new();
        for (model, truth) in compared.model.tasks.iter().zip(&compared.truth.tasks) {
            for (who, task) in [("MMoE", model), ("true probabilities", truth)] {
                let figures = ["auc", "logloss"].map(|metric| figure(task.metrics.get(metric)));
                lines.push([task.name.clone(), who.to_owned()].into_iter().chain(figures).collect());
            }
        }
        let table = render(&["task", "scored by", "AUC", "logloss"], &lines);
        output::data(&format!("{} test rows\n{table}", compared.model.rows))?;
        output::message(&format!(
            "\nwrote {bundle} and {out}/report.html; try\n  polyrank evaluate {bundle} {out}/test.parquet --truth\n  polyrank predict {bundle} {out}/test.parquet -o scores.csv --keep uid --keep item_id",
            bundle = result.bundle.display(),
            out = self.out.display()
        ));
        Ok(())
    }
}

fn write(rows: &Arc<ByteRec>, path: &Path, range: Range<u64>, truth: bool) -> Result<(), Failure> {
    let mut writer = Writer::create(path, Format::Parquet)?;
    for batch in blocks(rows.clone(), range, truth) {
        writer.write(&batch)?;
    }
    writer.finish()
}
