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

/// The columns with what each task's label was drawn from: a binary one's probability, a number's mean, of several classes
/// the probability of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// By task; one column, or one a class.
    columns: Vec<Vec<String>>,
}

/// How far the probabilities of several classes may sum up beside 1: those of a text file are rounded.
const OFF: f32 = 1e-3;

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
    /// The columns as `polyrank synth` names them: the label's with `_probability`, with `_mean` if it is a number, with
    /// `_probability_CLASS` for each of several classes.
    pub fn of(config: &Config) -> Truth {
        let columns = |kind: &TaskKind, label: &str| match kind {
            TaskKind::Binary { .. } => vec![format!("{label}_probability")],
            TaskKind::Regression { .. } => vec![format!("{label}_mean")],
            TaskKind::MultiClass { classes } => by_class(&format!("{label}_probability"), classes),
        };
        Truth { columns: config.tasks.iter().map(|task| columns(&task.kind, &task.column)).collect() }
    }

    /// Another column for task number `task` of `config`; of several classes the columns `COLUMN_CLASS`.
    pub fn set(&mut self, config: &Config, task: usize, column: &str) {
        if let (Some(named), Some(task)) = (self.columns.get_mut(task), config.tasks.get(task)) {
            *named = match &task.kind {
                TaskKind::MultiClass { classes } => by_class(column, classes),
                _ => vec![column.to_owned()],
            };
        }
    }
}

fn by_class(start: &str, classes: &[String]) -> Vec<String> {
    classes.iter().map(|class| format!("{start}_{class}")).collect()
}

/// Measures a predictor and the truth on labelled rows of files; `patterns` are relative to `base`.
///
/// # Errors
/// As [`evaluate`](crate::evaluate::evaluate); a column that is not there, a row without a truth where it has the label, a
/// probability that is none, probabilities of several classes that do not sum to 1, or operators that remove rows.
pub fn compare(predictor: &Predictor, patterns: &[String], base: &Path, truth: &Truth) -> Result<Compared, TrainError> {
    let tasks = &predictor.config().tasks;
    let columns: Vec<String> = truth.columns.concat();
    let mut truths: Vec<Vec<f32>> = vec![Vec::new(); tasks.len()];
    let mut collected = collect_with(predictor, patterns, base, &columns, |batch, raw| {
        if batch.rows != raw.batch.num_rows() {
            let problem = "operators remove rows, so the truth cannot be put beside the scores; remove them beforehand";
            return Err(DataError::BadFile { path: raw.file.to_path_buf(), problem: problem.to_owned() });
        }
        for (t, (task, columns)) in tasks.iter().zip(&truth.columns).enumerate() {
            let found = columns.iter().map(|column| numbers(&raw.batch, column));
            let found = found.collect::<Result<Vec<_>, _>>().map_err(|e| raw.locate(e))?;
            let labels = batch.labels.iter().skip(t).step_by(tasks.len()).enumerate();
            for (row, _) in labels.filter(|(_, label)| !label.is_nan()) {
                let of_row = || found.iter().map(|column| column[row]);
                if let Some((class, problem)) = fault(&task.kind, of_row()) {
                    let problem = format!("the truth of task `{}` {problem}", task.name);
                    return Err(raw.locate(DataError::BadCell { column: columns[class].clone(), row, problem }));
                }
            }
            truths[t].extend((0..batch.rows).flat_map(|row| found.iter().map(move |column| column[row])));
        }
        Ok(())
    })?;
    let model = collected.measure(predictor.config())?;
    collected.scores = truths;
    let truth = collected.measure(predictor.config())?;
    Ok(Compared { model, truth })
}

/// What is wrong with a row's truth, and with which of its columns.
fn fault(kind: &TaskKind, truth: impl Iterator<Item = f32> + Clone) -> Option<(usize, String)> {
    let probabilities = !matches!(kind, TaskKind::Regression { .. });
    let of_one = |x: f32| match x {
        x if x.is_nan() => Some("is missing where the label is not".to_owned()),
        x if probabilities && !(0.0..=1.0).contains(&x) => Some(format!("{x} is no probability")),
        _ => None,
    };
    if let Some((class, problem)) = truth.clone().enumerate().find_map(|(class, x)| Some((class, of_one(x)?))) {
        return Some((class, problem));
    }
    let sum: f32 = truth.sum();
    let several = matches!(kind, TaskKind::MultiClass { .. });
    (several && (sum - 1.0).abs() > OFF).then(|| (0, format!("sums to {sum} over its classes, not to 1")))
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
