//! `polyrank train`.

use std::path::PathBuf;

use clap::Args;
use polyrank_train::{RunOptions, RunResult, TrainError, run};

use crate::failure::Failure;
use crate::load::{self, Loaded};
use crate::progress::Progress;
use crate::table::{figure, render};
use crate::{interrupt, output};

/// Trains a configuration.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The configuration
    config: PathBuf,
    /// Training files, instead of data.train
    #[arg(long, num_args = 1.., value_name = "FILE")]
    train: Vec<String>,
    /// Validation files, instead of data.valid
    #[arg(long, num_args = 1.., value_name = "FILE")]
    valid: Vec<String>,
    /// The folder that `polyrank prepare --cache` wrote of these rows: they are not read and encoded again
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// The run folder
    #[arg(long, default_value = "run", value_name = "DIR")]
    out: PathBuf,
    /// Seed of everything random, instead of train.seed
    #[arg(long)]
    seed: Option<u64>,
    /// Sets any key of the configuration to a TOML value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Goes on from the latest checkpoint in the run folder
    #[arg(long)]
    resume: bool,
}

impl Train {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut sets = self.set;
        sets.extend(self.seed.map(|seed| format!("train.seed={seed}")));
        let loaded = load::config(&self.config, &sets, &[("train", &self.train), ("valid", &self.valid)])?;
        let result = train(&loaded, self.out, self.cache, self.resume)?;
        output::message(&summary(&loaded, &result));
        Ok(())
    }
}

/// Trains with progress and Ctrl-C.
pub(crate) fn train(loaded: &Loaded, out: PathBuf, cache: Option<PathBuf>, resume: bool) -> Result<RunResult, Failure> {
    let options = RunOptions { out, base: loaded.base.clone(), cache, resume, stop: interrupt::flag()? };
    let mut progress = Progress::new(&loaded.config);
    let result: Result<RunResult, TrainError> = run(&loaded.config, &options, &mut |event| progress.show(event));
    progress.finish();
    Ok(result?)
}

/// The figures of the epoch that was kept, and where everything is.
fn summary(loaded: &Loaded, result: &RunResult) -> String {
    let kept = result.history.best.and_then(|b| result.history.epochs.get(b - 1));
    let mut text = String::new();
    if let Some((epoch, valid)) = kept.and_then(|e| Some((e, e.valid.as_ref()?))) {
        let rows: Vec<Vec<String>> = (loaded.config.tasks.iter().zip(&valid.tasks))
            .map(|(task, measured)| {
                let metrics = &measured.metrics;
                let mut row = vec![task.name.clone()];
                row.extend(["auc", "logloss", "rmse", "mae"].map(|metric| figure(metrics.get(metric))));
                row
            })
            .collect();
        text += &format!(
            "\nvalidation rows, epoch {}:\n{}\n\n",
            epoch.epoch,
            render(&["task", "AUC", "logloss", "RMSE", "MAE"], &rows)
        );
    }
    let folder = result.bundle.parent().map(|p| p.display().to_string()).unwrap_or_default();
    let interrupted = if result.interrupted { "; go on with --resume" } else { "" };
    text + &format!("wrote {} and {folder}/report.html{interrupted}", result.bundle.display())
}
