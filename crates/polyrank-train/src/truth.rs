//! A bundle beside what the labels were drawn from: how far it is from the best that any model can reach.

use std::path::Path;

use polyrank_data::DataError;
use polyrank_data::encode::numbers;
use polyrank_model::Predictor;
use polyrank_schema::Config;
use polyrank_schema::config::TaskKind;

use crate::TrainError;
use crate::evaluate::{Measured, MeasuredTask, collect_with};
use crate::metrics;

/// The columns with what each task's label was drawn from: a binary one's probability, a number's mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// By task.
    columns: Vec<String>,
}

/// The figures of a bundle, and those of the truth on the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The bundle's.
    pub model: Measured,
    /// Those of what the labels were drawn from.
    pub truth: Measured,
}

/// One metric of one task: the bundle's, the truth's, and by how much the bundle's is worse.
#[derive(Debug, Clone, Copy)]
pub struct Regret<'a> {
    /// The metric's name, as in the figures: with `weighted_` where it counts rows by their weights.
    pub name: &'a str,
    /// Of the bundle.
    pub model: Option<f64>,
    /// Of the truth.
    pub truth: Option<f64>,
    /// Below 0 where the bundle is better, as by luck on few rows; `None` where either is undefined.
    pub regret: Option<f64>,
}

impl Truth {
    /// The columns as `polyrank synth` names them: the label's with `_probability`, with `_mean` if it is a number.
    pub fn of(config: &Config) -> Truth {
        let column = |kind: &TaskKind, label: &str| match kind {
            TaskKind::Regression { .. } => format!("{label}_mean"),
            _ => format!("{label}_probability"),
        };
        Truth { columns: config.tasks.iter().map(|task| column(&task.kind, &task.column)).collect() }
    }

    /// Another column for task number `task`.
    pub fn set(&mut self, task: usize, column: &str) {
        if let Some(named) = self.columns.get_mut(task) {
            column.clone_into(named);
        }
    }
}

/// Measures a predictor and the truth on labelled rows of files; `patterns` are relative to `base`.
///
/// # Errors
/// As [`evaluate`](crate::evaluate::evaluate); a column that is not there, a row without a truth where it has the label, a
/// probability that is none, a task of several classes, or operators that remove rows.
pub fn compare(predictor: &Predictor, patterns: &[String], base: &Path, truth: &Truth) -> Result<Compared, TrainError> {
    let tasks = &predictor.config().tasks;
    if let Some(task) = tasks.iter().find(|task| matches!(task.kind, TaskKind::MultiClass { .. })) {
        let problem = "a task of several classes has no truth in one column; evaluate without the truth".to_owned();
        return Err(DataError::BadValue { column: task.column.clone(), problem }.into());
    }
    let mut truths: Vec<Vec<f32>> = vec![Vec::new(); tasks.len()];
    let mut collected = collect_with(predictor, patterns, base, &truth.columns, |batch, raw| {
        if batch.rows != raw.batch.num_rows() {
            let problem = "operators remove rows, so the truth cannot be put beside the scores; remove them beforehand";
            return Err(DataError::BadFile { path: raw.file.to_path_buf(), problem: problem.to_owned() });
        }
        for (t, (task, column)) in tasks.iter().zip(&truth.columns).enumerate() {
            let found = numbers(&raw.batch, column).map_err(|e| raw.locate(e))?;
            let labels = batch.labels.iter().skip(t).step_by(tasks.len());
            let fault = |x: f32| match task.kind {
                _ if x.is_nan() => Some("is missing where the label is not".to_owned()),
                TaskKind::Binary { .. } if !(0.0..=1.0).contains(&x) => Some(format!("{x} is no probability")),
                _ => None,
            };
            let checked = found.iter().zip(labels).enumerate().filter(|(_, (_, label))| !label.is_nan());
            if let Some((row, problem)) = checked.map(|(row, (x, _))| (row, fault(*x))).find(|(_, p)| p.is_some()) {
                let problem = format!("the truth of task `{}` {}", task.name, problem.unwrap_or_default());
                return Err(raw.locate(DataError::BadCell { column: column.clone(), row, problem }));
            }
            truths[t].extend(found);
        }
        Ok(())
    })?;
    let model = collected.measure(predictor.config())?;
    collected.scores = truths;
    let truth = collected.measure(predictor.config())?;
    Ok(Compared { model, truth })
}

impl Compared {
    /// By task: its figures, and each metric that has a better side.
    pub fn regrets(&self) -> impl Iterator<Item = (&MeasuredTask, Vec<Regret<'_>>)> {
        self.model.tasks.iter().zip(&self.truth.tasks).map(|(task, truth)| {
            let regrets = task.metrics.iter().filter_map(|(name, model)| {
                let metric = metrics::find(name)?;
                let truth = truth.metrics.get(name);
                metric.regret(0.0, 0.0)?;
                let regret = model.zip(truth).and_then(|(model, truth)| metric.regret(model, truth));
                Some(Regret { name, model, truth, regret })
            });
            (task, regrets.collect())
        })
    }
}
