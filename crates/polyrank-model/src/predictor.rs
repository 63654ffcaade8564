//! The predictor: raw rows in, scores out. Evaluation, batch scoring and serving all go through it.

use std::path::Path;

use arrow_array::RecordBatch;
use polyrank_data::Batch;
use polyrank_data::encode::{Encoders, Labels, restored};
use polyrank_engine::exec::score::Watched;
use polyrank_engine::{Network, Real, Scorer};
use polyrank_schema::Config;
use polyrank_schema::config::{Task, TaskKind};

use crate::bundle;
use crate::error::ModelError;
use crate::feed::feed;

/// Scores rows; shareable between threads.
pub struct Predictor {
    config: Config,
    encoders: Encoders,
    network: Network<f32>,
    scorer: Scorer<f32>,
}

/// Scores of B rows for T tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// By task, how many scores a row has: C for C classes, else 1; O together.
    pub widths: Vec<usize>,
    /// `[B, O]` row by row: a probability for a binary task, one for each class of a multi-class one, a prediction for
    /// regression.
    pub values: Vec<f32>,
}

impl Scores {
    /// The scores of one task, `[B]`, or `[B, C]` row by row for C classes.
    pub fn task(&self, task: usize) -> Vec<f32> {
        let from: usize = self.widths[..task].iter().sum();
        let rows = self.values.chunks_exact(self.widths.iter().sum::<usize>().max(1));
        rows.flat_map(|row| &row[from..from + self.widths[task]]).copied().collect()
    }
}

impl Predictor {
    /// The predictor of a bundle.
    pub fn load(dir: &Path) -> Result<Predictor, ModelError> {
        let bundle = bundle::load(dir)?;
        Ok(Predictor::new(bundle.config, bundle.encoders, bundle.network))
    }

    /// A predictor of parts in memory.
    pub fn new(config: Config, encoders: Encoders, network: Network<f32>) -> Predictor {
        let scorer = Scorer::new(&network);
        Predictor { config, encoders, network, scorer }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The fitted encoders.
    pub fn encoders(&self) -> &Encoders {
        &self.encoders
    }

    /// The network.
    pub fn network(&self) -> &Network<f32> {
        &self.network
    }

    /// Scores raw rows; their label columns, if any, are not looked at.
    pub fn score(&self, rows: &RecordBatch) -> Result<Scores, ModelError> {
        self.score_encoded(&self.encoders.transform(rows, Labels::Ignore)?)
    }

    /// Scores encoded rows.
    pub fn score_encoded(&self, batch: &Batch) -> Result<Scores, ModelError> {
        Ok(scores(&self.config, self.scorer.score(&self.network, &feed(batch))?))
    }

    /// Scores encoded rows; also the sums over rows of each watched value's columns (gate weights).
    pub fn score_watched(&self, batch: &Batch) -> Result<(Scores, Watched), ModelError> {
        let (out, watched) = self.scorer.score_watched(&self.network, &feed(batch))?;
        Ok((scores(&self.config, out), watched))
    }
}

/// From heads' outputs to scores.
pub fn scores(config: &Config, mut outputs: Vec<f32>) -> Scores {
    let widths: Vec<usize> = config.tasks.iter().map(Task::outputs).collect();
    for row in outputs.chunks_exact_mut(widths.iter().sum::<usize>().max(1)) {
        let mut rest = row;
        for (task, &width) in config.tasks.iter().zip(&widths) {
            let values;
            (values, rest) = std::mem::take(&mut rest).split_at_mut(width);
            match task.kind {
                TaskKind::Binary { .. } => values[0] = values[0].sigmoid(),
                TaskKind::MultiClass { .. } => softmax(values),
                TaskKind::Regression { .. } => values[0] = restored(task.transform, values[0]),
            }
        }
    }
    Scores { widths, values: outputs }
}

fn softmax(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = Real::exp(*value - most));
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}
