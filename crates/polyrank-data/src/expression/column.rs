//! The columns that an expression reads, cell by cell.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use polyrank_schema::Expression;

use super::cell::Cell;
use crate::encode::plain;
use crate::error::DataError;

/// The columns of a batch in the order of [`Expression::columns`].
pub(super) struct Reader {
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Reader {
    pub(super) fn new(expression: &Expression, batch: &RecordBatch) -> Result<Reader, DataError> {
        let columns = expression.columns().iter().map(|name| {
            let bad = |problem: String| DataError::BadValue { column: name.clone(), problem };
            let Some(array) = batch.column_by_name(name) else {
                let hint = "texts go in 'single quotes', columns as they are or in \"double quotes\"";
                return Err(bad(format!("is not there, but `{expression}` reads it; {hint}")));
            };
            let array = plain(array).map_err(bad)?;
            if readable(array.data_type()) {
                return Ok(array);
            }
            Err(bad(format!("values of type {} cannot be used in `{expression}`", array.data_type())))
        });
        Ok(Reader { columns: columns.collect::<Result<_, _>>()?, rows: batch.num_rows() })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        let array = &self.columns[column];
        if array.is_null(row) {
            return Cell::Null;
        }
        match array.data_type() {
            DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
            DataType::Int8 => Cell::Integer(array.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Cell::Integer(array.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Cell::Integer(array.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row).into()),
            DataType::UInt8 => Cell::Integer(array.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt16 => Cell::Integer(array.as_primitive::<UInt16Type>().value(row).into()),
            DataType::UInt32 => Cell::Integer(array.as_primitive::<UInt32Type>().value(row).into()),
            DataType::UInt64 => Cell::Integer(array.as_primitive::<UInt64Type>().value(row).into()),
            DataType::Float32 => float(narrow(array.as_primitive::<Float32Type>().value(row))),
            DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => raw(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => raw(array.as_string::<i64>().value(row)),
            DataType::Utf8View => raw(array.as_string_view().value(row)),
            // Nulls alone: `readable` has passed no other type.
            _ => Cell::Null,
        }
    }
}

fn readable(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(kind, DataType::Boolean | DataType::Null | DataType::Float32 | DataType::Float64)
        || matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A narrow float as its shortest decimal text says: 0.1 in 32 bits is 0.1, as in a text file.
fn narrow(v: f32) -> f64 {
    if v.fract() == 0.0 { v.into() } else { v.to_string().parse().unwrap_or(v.into()) }
}

fn float(v: f64) -> Cell<'static> {
    if v.is_nan() { Cell::Null } else { Cell::Float(v) }
}

fn raw(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Null } else { Cell::Raw(text) }
}
