//! Measuring scores against labels, exactly, over a whole set of rows.

use std::collections::HashMap;
use std::path::Path;

use polyrank_data::encode::{Labels, NO_GROUP, transformed};
use polyrank_data::read::{RawBatch, Source};
use polyrank_data::{Batch, DataError};
use polyrank_engine::exec::score::Watched;
use polyrank_model::{Predictor, Scores};
use polyrank_schema::Config;
use polyrank_schema::config::{GroupWeight, LabelTransform, RegressionLoss, Task, TaskKind};
use serde::{Deserialize, Serialize};

use crate::dataset::{READ_ROWS, encode};
use crate::error::TrainError;
use crate::metrics::{Evaluation, Histogram, RocPoint, TaskMetrics, TaskRows, evaluate_rows};

/// Scores and labels of every row, by task.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// Number of rows.
    pub rows: u64,
    /// By task, `[rows]`, or `[rows, C]` row by row for C classes.
    pub scores: Vec<Vec<f32>>,
    /// By task, `[rows]`; NaN where missing.
    pub labels: Vec<Vec<f32>>,
    /// By task, `[rows]`, or empty where all are 1.
    pub weights: Vec<Vec<f32>>,
    /// `[rows]`, numbered in the order of first appearance, or empty where there are no groups.
    pub groups: Vec<u32>,
    /// The number of each group.
    numbers: HashMap<u128, u32>,
    /// Sums over rows of the gates' weights.
    pub watched: Watched,
}

impl Collected {
    /// Nothing yet, for T tasks.
    pub fn new(tasks: usize) -> Collected {
        let columns = vec![Vec::new(); tasks];
        Collected { scores: columns.clone(), labels: columns.clone(), weights: columns, ..Collected::default() }
    }

    /// Adds the rows of a batch.
    pub fn add(&mut self, batch: &Batch, scores: &Scores, watched: Watched) {
        let tasks = self.scores.len();
        self.rows += batch.rows as u64;
        for task in 0..tasks {
            self.scores[task].extend(scores.task(task));
            self.labels[task].extend(batch.labels.iter().skip(task).step_by(tasks));
            self.weights[task].extend(batch.weights.iter().skip(task).step_by(tasks));
        }
        for &key in &batch.groups {
            let next = self.numbers.len() as u32;
            let number = if key == NO_GROUP { TaskRows::NO_GROUP } else { *self.numbers.entry(key).or_insert(next) };
            self.groups.push(number);
        }
        if self.watched.is_empty() {
            self.watched = watched;
        } else {
            for (sum, more) in self.watched.iter_mut().flatten().zip(watched.into_iter().flatten()) {
                *sum += more;
            }
        }
    }

    /// The figures of all tasks.
    pub fn measure(&self, config: &Config) -> Result<Measured, TrainError> {
        let mut tasks = Vec::new();
        for (i, task) in config.tasks.iter().enumerate() {
            // Another task's weights make a column of ones of this one's.
            let weights: &[f32] = if config.is_weighted(task) { &self.weights[i] } else { &[] };
            let group_weight = config.data.group.as_ref().map_or(GroupWeight::Impressions, |group| group.weight);
            let (scores, labels, groups) = (&self.scores[i][..], &self.labels[i][..], &self.groups[..]);
            let rows = TaskRows { scores, labels, weights, groups, group_weight };
            let metrics = evaluate_rows(&task.kind, &rows)
                .map_err(|source| TrainError::Metric { task: task.name.clone(), source })?;
            tasks.push(MeasuredTask { name: task.name.clone(), loss: mean_loss(task, &rows), metrics });
        }
        let share = 1.0 / self.rows.max(1) as f64;
        let gates = self.watched.iter().map(|sums| sums.iter().map(|s| s * share).collect()).collect();
        Ok(Measured { rows: self.rows, tasks, gates })
    }

    /// The ROC curve and the histogram of a task's scores, for the report.
    pub fn curves(&self, config: &Config, task: usize) -> Result<(Vec<RocPoint>, Option<Histogram>), TrainError> {
        let spec = &config.tasks[task];
        let evaluation = Evaluation::new(&spec.kind, &self.scores[task], &self.labels[task])
            .map_err(|source| TrainError::Metric { task: spec.name.clone(), source })?;
        Ok((evaluation.roc_points(), evaluation.histogram(40)))
    }
}

/// The mean, by weight, of what the task minimises, over the rows that have the label; `None` if they weigh nothing.
fn mean_loss(task: &Task, rows: &TaskRows<'_>) -> Option<f64> {
    let kind = &task.kind;
    let (mut sum, mut total) = (0.0f64, 0.0f64);
    let width = if let TaskKind::MultiClass { classes } = kind { classes.len() } else { 1 };
    let rows_of = rows.scores.chunks_exact(width.max(1)).zip(rows.labels).enumerate();
    for (row, (scores, &label)) in rows_of.filter(|(_, (_, label))| !label.is_nan()) {
        let class = if width > 1 { label as usize } else { 0 };
        let (score, label) = (f64::from(scores[class]), f64::from(label));
        let weight = rows.weights.get(row).map_or(1.0, |weight| f64::from(*weight));
        let d = match task.transform {
            LabelTransform::None => score - label,
            transform => {
                f64::from(transformed(transform, score as f32)) - f64::from(transformed(transform, label as f32))
            }
        };
        let loss = match kind {
            TaskKind::Binary { .. } => {
                let p = score.clamp(1e-7, 1.0 - 1e-7);
                -(label * p.ln() + (1.0 - label) * (1.0 - p).ln())
            }
            TaskKind::MultiClass { .. } => -score.clamp(1e-7, 1.0 - 1e-7).ln(),
            TaskKind::Regression { loss: RegressionLoss::Mse } => d * d,
            TaskKind::Regression { loss: RegressionLoss::Mae } => d.abs(),
            TaskKind::Regression { loss: RegressionLoss::Huber { delta } } if d.abs() <= *delta => d * d / 2.0,
            TaskKind::Regression { loss: RegressionLoss::Huber { delta } } => delta * (d.abs() - delta / 2.0),
        };
        sum += weight * loss;
        total += weight;
    }
    (total > 0.0).then(|| sum / total)
}

/// Figures of all tasks over a set of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Number of rows.
    pub rows: u64,
    /// By task, in the order declared.
    pub tasks: Vec<MeasuredTask>,
    /// Mean weights of each gate, by expert.
    pub gates: Vec<Vec<f64>>,
}

/// Figures of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredTask {
    /// The task.
    pub name: String,
    /// Mean loss, by weight, over the rows that have the label.
    pub loss: Option<f64>,
    /// Metrics by name.
    pub metrics: TaskMetrics,
}

/// Measures a predictor on labelled rows of files; `patterns` are relative to `base`.
pub fn evaluate(predictor: &Predictor, patterns: &[String], base: &Path) -> Result<Measured, TrainError> {
    collect(predictor, patterns, base)?.measure(predictor.config())
}

/// Scores and labels of the rows of files.
pub fn collect(predictor: &Predictor, patterns: &[String], base: &Path) -> Result<Collected, TrainError> {
    collect_with(predictor, patterns, base, &[], |_, _| Ok(()))
}

/// The same, and `also` sees each batch, encoded and raw; the raw one has the columns `more` besides.
pub(crate) fn collect_with(
    predictor: &Predictor,
    patterns: &[String],
    base: &Path,
    more: &[String],
    mut also: impl FnMut(&Batch, &RawBatch) -> Result<(), DataError>,
) -> Result<Collected, TrainError> {
    let config = predictor.config();
    let source = Source::open(patterns, base, &config.data.reading)?;
    let mut columns = config.columns_needed(true);
    let new: Vec<String> = more.iter().filter(|column| !columns.contains(column)).cloned().collect();
    columns.extend(new);
    let mut collected = Collected::new(config.tasks.len());
    for raw in source.rows(&columns, READ_ROWS)? {
        let raw = raw?;
        let batch = encode(predictor.encoders(), &raw, Labels::Read)?;
        also(&batch, &raw)?;
        let (scores, watched) = predictor.score_watched(&batch)?;
        collected.add(&batch, &scores, watched);
    }
    if collected.rows == 0 {
        let files: Vec<String> = source.files().map(|f| f.display().to_string()).collect();
        return Err(DataError::Empty(format!("{}: no rows to evaluate", files.join(", "))).into());
    }
    Ok(collected)
}
