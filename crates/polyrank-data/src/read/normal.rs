//! Columns of binary files, brought into the few types that readers give.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, Schema};

use super::{bad_file, guard::guarded};
use crate::error::DataError;

/// The type in which a column of type `from` is given; `None` if it cannot be.
///
/// Dates, times, timestamps and durations become the integers that they are stored as, in the file's own unit.
/// Decimals become integers if they have no fraction, else floats. Bytes count as text.
pub(super) fn plain_type(from: &DataType) -> Option<DataType> {
    use DataType as T;
    let item = match from {
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) | T::ListView(item) | T::LargeListView(item) => {
            item.data_type()
        }
        _ => return plain_scalar(from),
    };
    Some(T::List(Arc::new(Field::new_list_field(plain_scalar(item)?, true))))
}

fn plain_scalar(from: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match from {
        T::Boolean => T::Boolean,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => T::Int64,
        T::UInt64 => T::UInt64,
        T::Float16 | T::Float32 => T::Float32,
        T::Float64 => T::Float64,
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Binary | T::LargeBinary | T::BinaryView => T::Utf8,
        T::Date32 | T::Date64 | T::Time32(_) | T::Time64(_) | T::Timestamp(..) | T::Duration(_) => T::Int64,
        T::Decimal32(_, scale) | T::Decimal64(_, scale) | T::Decimal128(_, scale) | T::Decimal256(_, scale) => {
            if *scale <= 0 { T::Int64 } else { T::Float64 }
        }
        T::Dictionary(_, value) => plain_scalar(value)?,
        T::RunEndEncoded(_, values) => plain_scalar(values.data_type())?,
        _ => return None,
    })
}

/// The columns of a decoded batch in the order of `names`, each in its plain type. `order` says where they stand.
pub(super) fn normalise(
    path: &Path,
    batch: &RecordBatch,
    names: &[String],
    order: &[usize],
    first_row: u64,
) -> Result<RecordBatch, DataError> {
    let mut arrays = Vec::with_capacity(names.len());
    for (name, &position) in names.iter().zip(order) {
        let array = batch
            .columns()
            .get(position)
            .ok_or_else(|| bad_file(path, format!("column `{name}` is in the schema but not in the data")))?;
        let to = readable(path, name, array.data_type())?;
        let cast = guarded(path, "rows", || plain(array, &to)).map_err(|error| {
            let last = first_row.saturating_add(batch.num_rows() as u64).saturating_sub(1);
            bad_file(
                path,
                format!("column `{name}`, rows {first_row} to {last}: cannot be read as {to}: {}", reason(error)),
            )
        })?;
        arrays.push(cast);
    }
    let fields: Vec<Field> =
        names.iter().zip(&arrays).map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| bad_file(path, error.to_string()))
}

fn reason(error: DataError) -> String {
    match error {
        DataError::BadFile { problem, .. } => problem,
        other => other.to_string(),
    }
}

fn plain(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, arrow_schema::ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    // A cast that would lose or change a value must say so.
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let mut array = array.clone();
    // Dictionaries and runs are resolved first: casts between types do not all see through them.
    loop {
        array = match array.data_type() {
            DataType::Dictionary(_, value) => cast_with_options(&array, value, &strict)?,
            DataType::RunEndEncoded(_, values) => cast_with_options(&array, values.data_type(), &strict)?,
            DataType::Time32(_) | DataType::Date32 => {
                let days = cast_with_options(&array, &DataType::Int32, &strict)?;
                return cast_with_options(&days, to, &strict);
            }
            _ => return cast_with_options(&array, to, &strict),
        };
    }
}

/// The plain type of a column, or the error that says which types there are.
pub(super) fn readable(path: &Path, name: &str, from: &DataType) -> Result<DataType, DataError> {
    plain_type(from).ok_or_else(|| {
        let problem = format!("column `{name}` is of type {from}, which cannot be read");
        bad_file(path, problem + "; write it as numbers, text, booleans, or lists of those")
    })
}
