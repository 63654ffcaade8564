//! Numbers of dense columns: any numeric type, booleans as 0 and 1, or text that is a number.
//!
//! Null, empty and NaN are missing. Infinities, and numbers that 32-bit floats cannot hold, are errors.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowNativeTypeOp, RecordBatch};
use arrow_schema::DataType;

use super::column::{BadCell, Cells, each_row};
use super::plan::column;
use super::value::{quote, visit_texts};
use crate::DataError;

/// The numbers of a column of raw rows, `[B]`; NaN where one is missing.
///
/// # Errors
/// No such column, or a cell that is no number.
pub fn numbers(batch: &RecordBatch, name: &str) -> Result<Vec<f32>, DataError> {
    let array = column(batch, name)?;
    let mut out = Vec::with_capacity(array.len());
    visit_numbers(array.as_ref(), each_row(array.len()), |_, x| out.push(x.map_or(f32::NAN, |x| x as f32)))
        .map_err(|bad| bad.of(name))?;
    Ok(out)
}

/// Calls `f` with the row and the number of each cell, in order; `None` for a missing one. The array is
/// [`plain`](super::value::plain).
pub(crate) fn visit_numbers(
    array: &dyn Array,
    cells: impl Cells,
    mut f: impl FnMut(usize, Option<f64>),
) -> Result<(), BadCell> {
    match array.data_type() {
        DataType::Float32 => primitive::<Float32Type>(array, cells, |x| x as f64, f),
        DataType::Float64 => primitive::<Float64Type>(array, cells, |x| x, f),
        DataType::Int8 => primitive::<Int8Type>(array, cells, |x| x as f64, f),
        DataType::Int16 => primitive::<Int16Type>(array, cells, |x| x as f64, f),
        DataType::Int32 => primitive::<Int32Type>(array, cells, |x| x as f64, f),
        DataType::Int64 => primitive::<Int64Type>(array, cells, |x| x as f64, f),
        DataType::UInt8 => primitive::<UInt8Type>(array, cells, |x| x as f64, f),
        DataType::UInt16 => primitive::<UInt16Type>(array, cells, |x| x as f64, f),
        DataType::UInt32 => primitive::<UInt32Type>(array, cells, |x| x as f64, f),
        DataType::UInt64 => primitive::<UInt64Type>(array, cells, |x| x as f64, f),
        DataType::Boolean => {
            let bools = array.as_boolean();
            cells.for_each(|(row, i)| f(row, (!bools.is_null(i)).then(|| f64::from(u8::from(bools.value(i))))));
            Ok(())
        }
        DataType::Null => {
            cells.for_each(|(row, _)| f(row, None));
            Ok(())
        }
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            visit_texts(array, cells, |i| texts.value(i), |row, text| parse(text).map(|x| f(row, x)))
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            visit_texts(array, cells, |i| texts.value(i), |row, text| parse(text).map(|x| f(row, x)))
        }
        DataType::Utf8View => {
            let texts = array.as_string_view();
            visit_texts(array, cells, |i| texts.value(i), |row, text| parse(text).map(|x| f(row, x)))
        }
        other => Err(BadCell { row: 0, problem: format!("values of type {other} are not numbers") }),
    }
}

/// The number that a text is; `None` if it is empty or `nan`.
pub(crate) fn parse(text: &str) -> Result<Option<f64>, String> {
    if let Some(number) = whole(text.as_bytes()) {
        return Ok(Some(number));
    }
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number =
        text.parse().map_err(|_| format!("{} is not a number; leave it empty if it is missing", quote(text)))?;
    check(number)
}

/// The number that a few digits are: as the general way has it, and the usual case.
fn whole(digits: &[u8]) -> Option<f64> {
    // Below 2^53: each is a float.
    if !(1..=15).contains(&digits.len()) {
        return None;
    }
    let mut number = 0u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = 10 * number + u64::from(digit);
    }
    Some(number as f64)
}

/// The number if it is one that the network can take; `None` for NaN.
fn check(number: f64) -> Result<Option<f64>, String> {
    if number.is_nan() {
        return Ok(None);
    }
    if number.abs() > f64::from(f32::MAX) {
        return Err(format!("{number:e} is beyond what a 32-bit float holds; leave it empty if it is missing"));
    }
    Ok(Some(number))
}

fn primitive<T: ArrowPrimitiveType<Native: ArrowNativeTypeOp>>(
    array: &dyn Array,
    cells: impl Cells,
    to_f64: impl Fn(T::Native) -> f64,
    mut f: impl FnMut(usize, Option<f64>),
) -> Result<(), BadCell> {
    let numbers = array.as_primitive::<T>();
    for (row, i) in cells {
        let number = if numbers.is_null(i) { None } else { Some(to_f64(numbers.value(i))) };
        match number.map_or(Ok(None), check) {
            Ok(number) => f(row, number),
            Err(problem) => return Err(BadCell { row, problem }),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_numbers() {
        assert_eq!(parse(" 1.5 "), Ok(Some(1.5)));
        assert_eq!(parse("-2e3"), Ok(Some(-2000.0)));
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("NaN"), Ok(None));
        assert!(parse("inf").unwrap_err().contains("32-bit"));
        assert!(parse("1e39").unwrap_err().contains("32-bit"));
        assert!(parse("1,5").unwrap_err().contains("not a number"));
        for text in ["0", "007", "999999999999999", "9999999999999999", "12345678901234567890", "4 "] {
            assert_eq!(parse(text), Ok(text.trim().parse().ok()), "{text}");
        }
    }
}
