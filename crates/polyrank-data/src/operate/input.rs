//! What a step sees of some rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema};
use polyrank_schema::Step;

use super::frame::Frame;
use crate::encode::column::{bad_column, each_row};
use crate::encode::list::{ListOptions, visit_items};
use crate::encode::number::visit_numbers;
use crate::encode::value::Value;
use crate::error::DataError;

/// Which rows are transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Rows that the operators were (or are being) fitted on: consecutive rows of the training part from this number on,
    /// counted before any operator removed one.
    Training { first_row: u64 },
    /// Any other rows: validation, evaluation, scoring.
    Scoring,
}

/// Lists as arrays hold them; a text is one value.
pub(super) const WHOLE: ListOptions =
    ListOptions { max_length: None, last: false, separator: String::new(), trim: false };

/// Whether a column holds lists.
pub(super) fn is_list(array: &ArrayRef) -> bool {
    matches!(array.data_type(), DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// A step's columns of some rows, and which rows they are.
pub(crate) struct Input<'a> {
    step: &'a Step,
    rows: usize,
    phase: Phase,
    /// The row of the raw batch that each row is; `None` if no row was removed.
    origin: Option<&'a [usize]>,
    reads: Vec<ArrayRef>,
    fits_on: Vec<ArrayRef>,
}

impl<'a> Input<'a> {
    /// The columns of a step that is applied, or also those that it is fitted on.
    pub(super) fn new(frame: &'a Frame, step: &'a Step, fits: bool) -> Result<Input<'a>, DataError> {
        let columns = |names: &[String]| names.iter().map(|name| frame.column(name)).collect::<Result<Vec<_>, _>>();
        Ok(Input {
            step,
            rows: frame.rows(),
            phase: frame.phase(),
            origin: frame.origin(),
            reads: columns(&step.reads)?,
            fits_on: if fits { columns(&step.fits_on)? } else { Vec::new() },
        })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The values of the step's `reads[i]`, in a [`plain`](crate::encode::value::plain) array.
    pub(crate) fn read(&self, i: usize) -> &ArrayRef {
        &self.reads[i]
    }

    /// The name of the step's `reads[i]`.
    pub(crate) fn name(&self, i: usize) -> &str {
        &self.step.reads[i]
    }

    /// The values of the step's `fits_on[i]`; only while it is fitted.
    pub(crate) fn fits_on(&self, i: usize) -> &ArrayRef {
        &self.fits_on[i]
    }

    /// The name of the step's `fits_on[i]`.
    pub(crate) fn fits_on_name(&self, i: usize) -> &str {
        &self.step.fits_on[i]
    }

    /// All columns by name, those that the step is fitted on too.
    pub(crate) fn batch(&self) -> Result<RecordBatch, DataError> {
        let names = self.step.reads.iter().chain(&self.step.fits_on);
        let arrays: Vec<ArrayRef> = self.reads.iter().chain(&self.fits_on).cloned().collect();
        let fields: Vec<Field> =
            names.zip(&arrays).map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|e| DataError::Batch(e.to_string()))
    }

    /// A row's number among the training rows, if it is one that the operators are fitted on.
    pub(crate) fn training_row(&self, row: usize) -> Option<u64> {
        match self.phase {
            Phase::Training { first_row } => {
                let raw = self.origin.map_or(row, |origin| origin[row]);
                Some(first_row + raw as u64)
            }
            Phase::Scoring => None,
        }
    }

    /// How many columns the step reads.
    pub(crate) fn reads(&self) -> usize {
        self.reads.len()
    }

    /// Calls `f` with the row and the canonical value of each value in `reads[i]`, in order; missing ones are passed over.
    /// In a list, each item is a value.
    pub(crate) fn values(
        &self,
        i: usize,
        f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
    ) -> Result<(), DataError> {
        present(self.read(i), self.name(i), f)
    }

    /// As [`Input::values`], of a column with one value a row.
    pub(crate) fn one_values(
        &self,
        i: usize,
        f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
    ) -> Result<(), DataError> {
        if is_list(self.read(i)) {
            return Err(bad_column(self.name(i), "holds lists, and this operator takes one value a row"));
        }
        self.values(i, f)
    }

    /// As [`Input::values`], of `fits_on[i]`.
    pub(crate) fn fits_on_values(
        &self,
        i: usize,
        f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
    ) -> Result<(), DataError> {
        present(self.fits_on(i), self.fits_on_name(i), f)
    }

    /// Calls `f` with each row's number in `reads[i]`; `None` where it is missing.
    pub(crate) fn numbers(&self, i: usize, f: impl FnMut(usize, Option<f64>)) -> Result<(), DataError> {
        let array = self.read(i);
        visit_numbers(array.as_ref(), each_row(array.len()), f).map_err(|bad| bad.of(self.name(i)))
    }
}

/// Calls `f` with each value that is there.
fn present(
    array: &ArrayRef,
    name: &str,
    mut f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), DataError> {
    let each = |row: usize, value: Value<'_>| if value == Value::Missing { Ok(()) } else { f(row, value) };
    visit_items(array.as_ref(), &WHOLE, each).map_err(|bad| bad.of(name))
}
