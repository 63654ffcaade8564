//! Rows on their way through the operators.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use arrow_select::filter::filter;

use super::input::Phase;
use super::operator::Output;
use crate::encode::column::bad_column;
use crate::encode::plan::{missing, plain_column};
use crate::error::DataError;
use polyrank_schema::Step;

/// Columns by name, which operators add to, replace and drop.
pub(super) struct Frame {
    columns: BTreeMap<String, ArrayRef>,
    rows: usize,
    phase: Phase,
    origin: Option<Vec<usize>>,
}

impl Frame {
    pub(super) fn new(batch: &RecordBatch, phase: Phase) -> Frame {
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().map(|field| field.name().clone()).zip(batch.columns().iter().cloned());
        Frame { columns: columns.collect(), rows: batch.num_rows(), phase, origin: None }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The raw row of each row; `None` if no row was removed.
    pub(super) fn origin(&self) -> Option<&[usize]> {
        self.origin.as_deref()
    }

    /// A column as values are read from it.
    pub(super) fn column(&self, name: &str) -> Result<ArrayRef, DataError> {
        match self.columns.get(name) {
            Some(array) => plain_column(array, name),
            None => Err(missing(name, self.columns.keys().map(String::as_str))),
        }
    }

    /// Takes in what a step made.
    pub(super) fn apply(&mut self, step: &Step, output: Output) -> Result<(), DataError> {
        match output {
            Output::Columns(arrays) => {
                let fits = arrays.len() == step.writes.len() && arrays.iter().all(|array| array.len() == self.rows);
                if !fits {
                    let name = step.writes.first().map_or("", String::as_str);
                    return Err(bad_column(name, "an operator made other columns or rows than it should"));
                }
                for name in &step.drops {
                    self.columns.remove(name);
                }
                self.columns.extend(step.writes.iter().cloned().zip(arrays));
                Ok(())
            }
            Output::Rows(keep) => self.keep(keep),
        }
    }

    fn keep(&mut self, keep: Vec<bool>) -> Result<(), DataError> {
        if keep.iter().all(|keep| *keep) {
            return Ok(());
        }
        let raw = |row: usize| self.origin.as_ref().map_or(row, |origin| origin[row]);
        let kept: Vec<usize> = keep.iter().enumerate().filter(|(_, keep)| **keep).map(|(row, _)| raw(row)).collect();
        let keep = BooleanArray::from(keep);
        for (name, array) in &mut self.columns {
            *array = filter(array, &keep).map_err(|e| bad_column(name, format!("rows cannot be removed: {e}")))?;
        }
        self.rows = kept.len();
        self.origin = Some(kept);
        Ok(())
    }

    /// The columns as they are now, and the raw row of each row if any was removed.
    pub(super) fn finish(self) -> Result<(RecordBatch, Option<Vec<usize>>), DataError> {
        let fields: Vec<Field> =
            self.columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let arrays = self.columns.into_values().collect();
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|e| DataError::Batch(e.to_string()))?;
        Ok((batch, self.origin))
    }
}

/// An error of some rows as one of the raw rows that they come from.
pub(super) fn of_raw_row(error: DataError, origin: Option<&[usize]>) -> DataError {
    let Some(origin) = origin else { return error };
    let raw = |row: usize| origin.get(row).copied().unwrap_or(row);
    match error {
        DataError::BadCell { column, row, problem } => DataError::BadCell { column, row: raw(row), problem },
        DataError::BadExpression { expression, row, problem } => {
            DataError::BadExpression { expression, row: raw(row), problem }
        }
        error => error,
    }
}
