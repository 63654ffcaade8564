//! Columns of ids in less memory, for rows that are kept between passes.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema};
use rayon::prelude::*;

use super::column::each_row;
use super::value::{Value, visit};
use crate::error::DataError;

/// The rows with those of `columns` whose values are all natural numbers of 32 bits, or missing, as such numbers. To an
/// encoder of categories they are the same values; text of them is parsed once and not again.
///
/// # Errors
/// None that a batch which Arrow made can have.
pub fn narrow(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch, DataError> {
    let schema = batch.schema();
    let fields: Vec<_> = schema.fields().iter().zip(batch.columns()).collect();
    let (fields, arrays): (Vec<_>, Vec<_>) = fields
        .into_par_iter()
        .map(|(field, array)| match Some(array).filter(|_| columns.contains(field.name())).and_then(numbers) {
            Some(numbers) => {
                (Arc::new(Field::new(field.name(), DataType::UInt32, true)), Arc::new(numbers) as ArrayRef)
            }
            None => (field.clone(), array.clone()),
        })
        .unzip();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(|e| DataError::Batch(e.to_string()))
}

fn numbers(array: &ArrayRef) -> Option<UInt32Array> {
    use DataType::{Int64, LargeUtf8, UInt64, Utf8, Utf8View};
    if !matches!(array.data_type(), Utf8 | LargeUtf8 | Utf8View | Int64 | UInt64) {
        return None;
    }
    let mut numbers = Vec::with_capacity(array.len());
    let mut missing = Vec::new();
    let all = visit(array, each_row(array.len()), |row, value| match value {
        Value::Natural(n) if n <= u64::from(u32::MAX) => {
            numbers.push(n as u32);
            Ok(())
        }
        Value::Missing => {
            numbers.push(0);
            missing.push(row);
            Ok(())
        }
        // Nobody reads why.
        _ => Err(String::new()),
    });
    all.ok()?;
    let nulls = (!missing.is_empty()).then(|| {
        let mut valid = vec![true; numbers.len()];
        missing.iter().for_each(|row| valid[*row] = false);
        NullBuffer::from(valid)
    });
    UInt32Array::try_new(numbers.into(), nulls).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use proptest::prelude::*;

    use super::*;

    fn values(array: &ArrayRef) -> Vec<String> {
        let mut values = Vec::new();
        visit(array, each_row(array.len()), |_, value| {
            values.push(format!("{value:?}"));
            Ok(())
        })
        .unwrap();
        values
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        let number = any::<u32>().prop_map(|n| n.to_string());
        let other = prop_oneof!["", "007", "-3", "cat", "4294967296", "7.0"].prop_map(|text: String| text);
        prop_oneof![20 => number.prop_map(Some), 1 => Just(None), 1 => other.prop_map(Some)]
    }

    proptest! {
        #[test]
        fn an_encoder_sees_the_same_values(texts in prop::collection::vec(text(), 0..40), numbers in prop::collection::vec(any::<Option<u32>>(), 1..40)) {
            let rows = texts.len().min(numbers.len());
            let ids: ArrayRef = Arc::new(StringArray::from(texts[..rows].to_vec()));
            let wide: Vec<_> = numbers[..rows].iter().map(|n| n.map(i64::from)).collect();
            let wide: ArrayRef = Arc::new(Int64Array::from(wide));
            let batch = RecordBatch::try_from_iter_with_nullable([("a", ids.clone(), true), ("b", wide.clone(), true), ("c", wide, true)]).unwrap();
            let narrowed = narrow(&batch, &["a".into(), "b".into()]).unwrap();
            for column in 0..3 {
                prop_assert_eq!(values(narrowed.column(column)), values(batch.column(column)));
            }
            let kind = |column: usize| narrowed.column(column).data_type().clone();
            prop_assert_eq!((kind(1), kind(2)), (DataType::UInt32, DataType::Int64));
            let plain = texts[..rows].iter().flatten().all(|text| text.is_empty() || text.parse::<u32>().is_ok_and(|n| n.to_string() == *text));
            prop_assert_eq!(kind(0) == DataType::UInt32, plain);
        }
    }
}
