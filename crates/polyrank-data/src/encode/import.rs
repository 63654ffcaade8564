//! Encoded rows back from the columns that [`Encoders::export_whole`] makes of them.
//!
//! The columns come from a file: nothing about them is certain, and the network is told of no id, number or label that
//! these encoders could not have made.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch};
use arrow_schema::DataType;
use polyrank_schema::config::{LabelTransform, Task, TaskKind};

use super::column::{BadCell, bad_column};
use super::encoders::Encoders;
use super::export::{group_column, weight_column};
use super::plan::missing;
use crate::batch::{Batch, Ids};
use crate::error::DataError;

/// What to do about a cell that no encoder made.
const AGAIN: &str = "write the rows again with `polyrank prepare`";

impl Encoders {
    /// The columns of encoded rows, as [`Encoders::export_whole`] calls them.
    pub fn encoded_columns(&self) -> Vec<String> {
        let layout = self.layout();
        let slots = layout.slots.iter().map(|slot| slot.feature.clone());
        let dense = layout.dense.iter().map(|dense| dense.feature.clone());
        let tasks = &self.plan.tasks;
        let weights = tasks.iter().filter(|_| self.plan.weighs()).map(|task| weight_column(&task.name));
        let group = self.plan.group_column.as_deref().map(group_column);
        slots.chain(dense).chain(tasks.iter().map(|task| task.name.clone())).chain(weights).chain(group).collect()
    }

    /// The batch that [`Encoders::export_whole`] made these columns of.
    ///
    /// # Errors
    /// A column that is missing or of another type, a cell that these encoders cannot have made.
    pub fn import(&self, batch: &RecordBatch) -> Result<Batch, DataError> {
        let (rows, layout) = (batch.num_rows(), self.layout());
        let slots = layout.slots.iter().zip(self.slot_features());
        let ids = slots.map(|(slot, feature)| {
            let most = layout.tables[slot.table].rows;
            let array = column(batch, &slot.feature)?;
            let ids = match self.plan.list(feature) {
                None => one_id(array, most).map(Ids::One),
                Some(list) => many_ids(array, most, list.max_length),
            };
            ids.map_err(|bad| bad.of(&slot.feature))
        });
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let width = layout.dense.iter().map(|dense| dense.width).sum();
        let (mut dense, mut start) = (vec![0.0; rows * width], 0);
        for own in &layout.dense {
            let numbers = numbers(column(batch, &own.feature)?, own.width).map_err(|bad| bad.of(&own.feature))?;
            for (row, numbers) in dense.chunks_exact_mut(width).zip(numbers.chunks_exact(own.width)) {
                row[start..start + own.width].copy_from_slice(numbers);
            }
            start += own.width;
        }
        let tasks = &self.plan.tasks;
        let mut labels = vec![0.0; rows * tasks.len()];
        let mut weights = vec![1.0; if self.plan.weighs() { labels.len() } else { 0 }];
        for (t, task) in tasks.iter().enumerate() {
            let array = column(batch, &task.name)?;
            fill(&mut labels[..], t, tasks.len(), array, |label| of_task(task, label))
                .map_err(|bad| bad.of(&task.name))?;
            if self.plan.weighs() {
                let name = weight_column(&task.name);
                fill(&mut weights[..], t, tasks.len(), column(batch, &name)?, weight).map_err(|bad| bad.of(&name))?;
            }
        }
        let groups = match self.plan.group_column.as_deref().map(group_column) {
            Some(name) => groups(column(batch, &name)?).map_err(|bad| bad.of(&name))?,
            None => Vec::new(),
        };
        Ok(Batch { rows, ids, dense, labels, weights, groups })
    }
}

/// What is wrong with a column, or with one of its cells.
enum Bad {
    Type(String),
    Cell(BadCell),
}

impl Bad {
    fn of(self, column: &str) -> DataError {
        match self {
            Bad::Type(problem) => bad_column(column, problem),
            Bad::Cell(cell) => cell.of(column),
        }
    }
}

fn cell(row: usize, problem: impl std::fmt::Display) -> Bad {
    Bad::Cell(BadCell { row, problem: format!("{problem}; {AGAIN}") })
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, DataError> {
    let names = batch.schema_ref().fields().iter().map(|field| field.name().as_str());
    batch.column_by_name(name).ok_or_else(|| missing(name, names))
}

fn unlike(array: &dyn Array, expected: &str) -> Bad {
    Bad::Type(format!("holds {}, encoded rows have {expected} there; {AGAIN}", array.data_type()))
}

/// Refuses a column in which any cell is null.
fn whole(array: &dyn Array) -> Result<(), Bad> {
    match (0..array.len()).find(|row| array.null_count() > 0 && array.is_null(*row)) {
        Some(row) => Err(cell(row, "null, but every row has something here")),
        None => Ok(()),
    }
}

fn one_id(array: &ArrayRef, rows: usize) -> Result<Vec<u32>, Bad> {
    let ids = array.as_primitive_opt::<UInt32Type>().ok_or_else(|| unlike(array, "ids (UInt32)"))?;
    whole(ids)?;
    within(ids.values(), rows, |at| at)?;
    Ok(ids.values().to_vec())
}

/// Refuses an id without a row in its table; `row_of` says which row an id stands in.
fn within(ids: &[u32], rows: usize, row_of: impl Fn(usize) -> usize) -> Result<(), Bad> {
    // All ids at a time: the common case has no branch an id.
    let largest = ids.iter().fold(0, |largest, id| largest.max(*id));
    if ids.is_empty() || (largest as usize) < rows {
        return Ok(());
    }
    let at = ids.iter().position(|id| *id as usize >= rows).unwrap_or(0);
    Err(cell(row_of(at), format!("the id {} is not below {rows}, the rows of its table", ids[at])))
}

fn many_ids(array: &ArrayRef, rows: usize, max_length: Option<usize>) -> Result<Ids, Bad> {
    let lists = array.as_list_opt::<i32>().ok_or_else(|| unlike(array, "lists of ids (UInt32)"))?;
    whole(lists)?;
    let (offsets, values) = flat::<UInt32Type>(lists, "lists of ids (UInt32)")?;
    let row_of = |at: usize| offsets.partition_point(|offset| *offset as usize <= at).saturating_sub(1);
    within(values, rows, row_of)?;
    if let Some(most) = max_length
        && let Some(row) = offsets.windows(2).position(|ends| (ends[1] - ends[0]) as usize > most)
    {
        let length = offsets[row + 1] - offsets[row];
        return Err(cell(row, format!("a list of {length} ids, but `max_length` is {most}")));
    }
    Ok(Ids::Many { offsets, ids: values.to_vec() })
}

/// Where each list's items begin and end, from 0, and the items of all.
fn flat<'a, T: arrow_array::ArrowPrimitiveType>(
    lists: &'a ListArray,
    expected: &str,
) -> Result<(Vec<u32>, &'a [T::Native]), Bad> {
    let items = lists.values().as_primitive_opt::<T>().ok_or_else(|| unlike(lists, expected))?;
    let offsets = lists.value_offsets();
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    let span = first as usize..last as usize;
    if items.null_count() > 0
        && let Some(at) = span.clone().find(|at| items.is_null(*at))
    {
        let row = offsets.partition_point(|offset| *offset as usize <= at).saturating_sub(1);
        return Err(cell(row, "a list with a null in it"));
    }
    let values = items.values().get(span).unwrap_or_default();
    // Arrow checks that offsets rise from 0 or above.
    Ok((offsets.iter().map(|offset| (offset - first) as u32).collect(), values))
}

/// `width` numbers a row.
fn numbers(array: &ArrayRef, width: usize) -> Result<Vec<f32>, Bad> {
    whole(array)?;
    let numbers = if width == 1 {
        let numbers = array.as_primitive_opt::<Float32Type>().ok_or_else(|| unlike(array, "numbers (Float32)"))?;
        numbers.values().to_vec()
    } else {
        let expected = format!("lists of {width} numbers (Float32)");
        // Parquet has no lists of fixed size.
        let lists = array.as_list_opt::<i32>().ok_or_else(|| unlike(array, &expected))?;
        let (offsets, values) = flat::<Float32Type>(lists, &expected)?;
        if let Some(row) = offsets.windows(2).position(|ends| (ends[1] - ends[0]) as usize != width) {
            let length = offsets[row + 1] - offsets[row];
            return Err(cell(row, format!("a list of {length} numbers, but the feature has {width}")));
        }
        values.to_vec()
    };
    match numbers.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(cell(at / width, format!("{} is no finite number", numbers[at]))),
        None => Ok(numbers),
    }
}

/// Writes a column of numbers into column `at` of a matrix of `width` columns; a null is NaN.
fn fill(
    matrix: &mut [f32],
    at: usize,
    width: usize,
    array: &ArrayRef,
    check: impl Fn(f32) -> Result<(), String>,
) -> Result<(), Bad> {
    let numbers = array.as_primitive_opt::<Float32Type>().ok_or_else(|| unlike(array, "numbers (Float32)"))?;
    let nulls = numbers.null_count() > 0;
    for (row, into) in matrix.iter_mut().skip(at).step_by(width).enumerate() {
        *into = if nulls && numbers.is_null(row) { f32::NAN } else { numbers.values()[row] };
        check(*into).map_err(|problem| cell(row, problem))?;
    }
    Ok(())
}

/// Whether a label is one that its task can have; NaN is a missing one.
fn of_task(task: &Task, label: f32) -> Result<(), String> {
    let log = task.transform == LabelTransform::Log1p;
    let fits = match &task.kind {
        TaskKind::Binary { .. } => label == 0.0 || label == 1.0,
        TaskKind::MultiClass { classes } => label >= 0.0 && label.fract() == 0.0 && (label as usize) < classes.len(),
        TaskKind::Regression { .. } => label.is_finite() && !(log && label <= -1.0),
    };
    if fits || label.is_nan() {
        return Ok(());
    }
    let expected = match &task.kind {
        TaskKind::Binary { .. } => "0 or 1".to_owned(),
        TaskKind::MultiClass { classes } => format!("the place of one of {} classes", classes.len()),
        TaskKind::Regression { .. } if log => "a finite number above -1".to_owned(),
        TaskKind::Regression { .. } => "a finite number".to_owned(),
    };
    Err(format!("the label {label} is not {expected}"))
}

fn weight(weight: f32) -> Result<(), String> {
    if weight >= 0.0 && weight.is_finite() { Ok(()) } else { Err(format!("the weight {weight} is no weight")) }
}

fn groups(array: &ArrayRef) -> Result<Vec<u128>, Bad> {
    let expected = "groups (FixedSizeBinary(16))";
    if *array.data_type() != DataType::FixedSizeBinary(16) {
        return Err(unlike(array, expected));
    }
    whole(array)?;
    let bytes = array.as_fixed_size_binary_opt().ok_or_else(|| unlike(array, expected))?;
    let key = |row: usize| bytes.value(row).try_into().map(u128::from_le_bytes);
    (0..bytes.len()).map(|row| key(row).map_err(|_| cell(row, "is no group"))).collect()
}
