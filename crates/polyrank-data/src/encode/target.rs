//! What a task learns from rows: their labels, where `when` holds, and their weights.

use arrow_array::RecordBatch;
use polyrank_schema::config::{Task, TaskKind};

use super::column::{BadCell, each_row};
use super::label::labels;
use super::number::visit_numbers;
use super::plan::column;
use crate::error::DataError;
use crate::expression::holds;

/// Labels and weights of one task.
#[derive(Debug)]
pub(crate) struct Target {
    /// `[B]`; NaN where a label is missing, or `when` does not hold.
    pub(crate) labels: Vec<f32>,
    /// `[B]`; 0 where there is no label. Empty if every row weighs 1.
    pub(crate) weights: Vec<f32>,
}

/// A task's labels and weights. `common` is the column of weights that all tasks share.
pub(crate) fn target(task: &Task, common: Option<&str>, batch: &RecordBatch) -> Result<Target, DataError> {
    let mut labels = labels(task, &column(batch, &task.column)?).map_err(|bad| bad.of(&task.column))?;
    if let Some(when) = &task.when {
        for (label, holds) in labels.iter_mut().zip(holds(when, batch)?) {
            if holds != Some(true) {
                *label = f32::NAN;
            }
        }
    }
    let columns: Vec<&str> = common.into_iter().chain(task.weight_columns.iter().map(String::as_str)).collect();
    // The label of a class is its place, of a binary task 0 or 1.
    let classes = task.class_weights.as_ref().filter(|_| !matches!(task.kind, TaskKind::Regression { .. }));
    if columns.is_empty() && classes.is_none() {
        return Ok(Target { labels, weights: Vec::new() });
    }
    let of_class = |label: f32| classes.and_then(|weights| weights.get(label as usize).copied()).unwrap_or(1.0);
    let mut weights: Vec<f64> =
        labels.iter().map(|&label| if label.is_nan() { 0.0 } else { of_class(label) }).collect();
    for name in columns {
        multiply(&mut weights, &labels, batch, name).map_err(|error| match error {
            Multiply::Column(error) => error,
            Multiply::Cell(bad) => bad.of(name),
        })?;
    }
    Ok(Target { labels, weights: weights.into_iter().map(|weight| weight as f32).collect() })
}

enum Multiply {
    Column(DataError),
    Cell(BadCell),
}

/// Multiplies the weights of the rows that have a label by a column.
fn multiply(weights: &mut [f64], labels: &[f32], batch: &RecordBatch, name: &str) -> Result<(), Multiply> {
    let array = column(batch, name).map_err(Multiply::Column)?;
    let mut bad: Option<BadCell> = None;
    visit_numbers(array.as_ref(), each_row(array.len()), |row, weight| {
        if labels[row].is_nan() || bad.is_some() {
            return;
        }
        match weight {
            None => bad = Some(BadCell { row, problem: MISSING.to_owned() }),
            Some(weight) if weight < 0.0 => {
                let problem = format!("the weight {weight} is negative; weights are 0 or above");
                bad = Some(BadCell { row, problem });
            }
            Some(weight) => {
                weights[row] *= weight;
                if weights[row] > f64::from(f32::MAX) {
                    let problem =
                        format!("the weights of the row multiply to {:e}, beyond 32-bit floats", weights[row]);
                    bad = Some(BadCell { row, problem });
                }
            }
        }
    })
    .map_err(Multiply::Cell)?;
    bad.map_or(Ok(()), |bad| Err(Multiply::Cell(bad)))
}

const MISSING: &str = "the weight of a labelled row is missing; give it one (0 leaves the row out, 1 counts it once)";
