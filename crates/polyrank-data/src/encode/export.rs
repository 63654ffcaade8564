//! Rows for other programs: as they are after the operators, or encoded, a column a feature.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, ListArray, RecordBatch, RecordBatchOptions,
    UInt32Array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};

use super::encoders::{Encoders, Labels};
use super::plan::column;
use crate::batch::{Batch, Ids};
use crate::error::DataError;
use crate::operate::input::Phase;

impl Encoders {
    /// The columns that features and tasks read, after the operators: each once, features first, in the order declared.
    /// `first_row` is that of training rows, as in [`Encoders::transform_training`]; `None` for other rows.
    pub fn columns(&self, batch: &RecordBatch, first_row: Option<u64>) -> Result<RecordBatch, DataError> {
        let phase = first_row.map_or(Phase::Scoring, |first_row| Phase::Training { first_row });
        let prepared = self.operators().apply(batch, Labels::Read, phase)?;
        let features = self.plan.features.iter().map(|feature| &feature.column);
        let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
        for name in features.chain(self.plan.tasks.iter().map(|task| &task.column)) {
            if columns.iter().all(|(there, _)| there != name) {
                columns.push((name, column(&prepared.batch, name)?));
            }
        }
        record(prepared.batch.num_rows(), columns)
    }

    /// Encoded rows, a column a feature of the network in the order declared: ids (`UInt32`), lists of them, numbers (`Float32`), or
    /// lists of as many as the feature has. Then the labels that the rows have, a column a task, null where missing or
    /// outside the task's space, and `weight:TASK` for each, if the configuration weighs rows.
    ///
    /// # Errors
    /// Two of these columns with one name.
    pub fn export(&self, batch: &Batch) -> Result<RecordBatch, DataError> {
        self.exported(batch, false)
    }

    /// As [`Encoders::export`], with all else that a batch knows of its rows, for [`Encoders::import`]: `group:COLUMN` is
    /// what each row's group is known by, 16 bytes, the lowest first.
    ///
    /// # Errors
    /// Two of these columns with one name.
    pub fn export_whole(&self, batch: &Batch) -> Result<RecordBatch, DataError> {
        self.exported(batch, true)
    }

    fn exported(&self, batch: &Batch, whole: bool) -> Result<RecordBatch, DataError> {
        let layout = self.layout();
        let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
        for (feature, _) in self.plan.features.iter().zip(&self.omitted).filter(|(_, omitted)| !**omitted) {
            let slot = layout.slots.iter().position(|slot| slot.feature == feature.name);
            let array = match slot.and_then(|slot| batch.ids.get(slot)) {
                Some(ids) => ids_column(ids)?,
                None => {
                    let before = layout.dense.iter().take_while(|dense| dense.feature != feature.name);
                    let start = before.map(|dense| dense.width).sum();
                    let own = layout.dense.iter().find(|dense| dense.feature == feature.name);
                    numbers_column(batch, start, own.map_or(0, |dense| dense.width))?
                }
            };
            columns.push((&feature.name, array));
        }
        let tasks = &self.plan.tasks;
        let weights: Vec<String> = tasks.iter().map(|task| weight_column(&task.name)).collect();
        let group = self.plan.group_column.as_deref().map(group_column);
        let of_task = |matrix: &[f32], t: usize| -> ArrayRef {
            let numbers: Vec<f32> = matrix.chunks_exact(tasks.len()).map(|row| row[t]).collect();
            if numbers.iter().any(|x| x.is_nan()) {
                return Arc::new(numbers.iter().map(|x| (!x.is_nan()).then_some(*x)).collect::<Float32Array>());
            }
            Arc::new(Float32Array::from(numbers))
        };
        for (t, task) in tasks.iter().enumerate().filter(|_| !batch.labels.is_empty()) {
            columns.push((&task.name, of_task(&batch.labels, t)));
        }
        for (t, name) in weights.iter().enumerate().filter(|_| !batch.weights.is_empty()) {
            columns.push((name, of_task(&batch.weights, t)));
        }
        if let Some(name) = group.as_deref().filter(|_| whole) {
            let keys = FixedSizeBinaryArray::try_from_iter(batch.groups.iter().map(|key| key.to_le_bytes()));
            columns.push((name, Arc::new(keys.map_err(|e| DataError::Batch(e.to_string()))?)));
        }
        let mut names = columns.iter().enumerate().map(|(i, (name, _))| (i, *name));
        if let Some((_, name)) = names.find(|(i, name)| columns[..*i].iter().any(|(other, _)| other == name)) {
            let problem = format!("two columns would be called `{name}`; give the feature or the task another `name`");
            return Err(DataError::Batch(problem));
        }
        record(batch.rows, columns)
    }
}

/// The column of a task's weights.
pub(super) fn weight_column(task: &str) -> String {
    format!("weight:{task}")
}

/// The column of what groups by a column are known by.
pub(super) fn group_column(column: &str) -> String {
    format!("group:{column}")
}

fn record(rows: usize, columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, DataError> {
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(|e| DataError::Batch(e.to_string()))
}

fn ids_column(ids: &Ids) -> Result<ArrayRef, DataError> {
    match ids {
        Ids::One(ids) => Ok(Arc::new(UInt32Array::from(ids.clone()))),
        Ids::Many { offsets, ids } => {
            let offsets = offsets.iter().map(|offset| i32::try_from(*offset)).collect::<Result<Vec<_>, _>>();
            let offsets = offsets.map_err(|_| DataError::Batch("more than 2^31 ids in one batch".to_owned()))?;
            let field = Arc::new(Field::new_list_field(DataType::UInt32, true));
            let values = Arc::new(UInt32Array::from(ids.clone()));
            let lists = ListArray::try_new(field, OffsetBuffer::new(ScalarBuffer::from(offsets)), values, None);
            lists.map(|lists| Arc::new(lists) as ArrayRef).map_err(|e| DataError::Batch(e.to_string()))
        }
    }
}

/// Columns `start` to `start + width` of the dense input.
fn numbers_column(batch: &Batch, start: usize, width: usize) -> Result<ArrayRef, DataError> {
    let whole = batch.dense.len() / batch.rows.max(1);
    let rows = (0..batch.rows).flat_map(|row| &batch.dense[row * whole + start..][..width]);
    let numbers = Arc::new(Float32Array::from_iter_values(rows.copied()));
    if width == 1 {
        return Ok(numbers);
    }
    let field = Arc::new(Field::new_list_field(DataType::Float32, true));
    let size = i32::try_from(width).map_err(|e| DataError::Batch(e.to_string()))?;
    let lists = FixedSizeListArray::try_new(field, size, numbers, None);
    lists.map(|lists| Arc::new(lists) as ArrayRef).map_err(|e| DataError::Batch(e.to_string()))
}
