//! Values of categorical columns in canonical form.
//!
//! Text counts as it stands, integers in decimal, booleans as `true` and `false`, a float that is a whole number as
//! that integer, other floats as their shortest decimal text. So 7, "7" and 7.0 are one value, whatever the file.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowNativeTypeOp};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::column::{BadCell, Cells};

/// A value in canonical form. Integers never become text on the way to an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Null, empty text, NaN.
    Missing,
    /// An integer below 0, or text that is one in decimal.
    Negative(i64),
    /// An integer from 0, or text that is one in decimal.
    Natural(u64),
    /// Any other text.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// The value that a text means.
    pub(crate) fn from_text(text: &'a str) -> Value<'a> {
        let bytes = text.as_bytes();
        match bytes.first() {
            None => Value::Missing,
            Some(b'0'..=b'9') => decimal(bytes).map_or(Value::Text(text), Value::Natural),
            Some(b'-') => match decimal(&bytes[1..]).map(|n| 0i64.checked_sub_unsigned(n)) {
                Some(Some(n)) if n < 0 => Value::Negative(n),
                _ => Value::Text(text),
            },
            Some(_) => Value::Text(text),
        }
    }

    fn from_signed(n: i64) -> Value<'static> {
        if n < 0 { Value::Negative(n) } else { Value::Natural(n as u64) }
    }

    /// XXH3-64 of the canonical text (UTF-8), with a seed. Part of the bundle format: the same for ever.
    pub(crate) fn hash(self, seed: u64) -> u64 {
        let mut digits = [0u8; 20];
        match self {
            Value::Missing => xxh3_64_with_seed(b"", seed),
            Value::Text(text) => xxh3_64_with_seed(text.as_bytes(), seed),
            Value::Natural(n) => xxh3_64_with_seed(write_decimal(n, false, &mut digits), seed),
            Value::Negative(n) => xxh3_64_with_seed(write_decimal(n.unsigned_abs(), true, &mut digits), seed),
        }
    }
}

/// The canonical text.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Missing => Ok(()),
            Value::Negative(n) => write!(f, "{n}"),
            Value::Natural(n) => write!(f, "{n}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// The integer whose canonical decimal text this is: no sign, no leading zeros, within 64 bits.
fn decimal(bytes: &[u8]) -> Option<u64> {
    match bytes {
        [] => None,
        [b'0', _, ..] => None,
        _ if bytes.len() > 20 => None,
        // Nineteen digits always fit.
        _ if bytes.len() < 20 => bytes.iter().try_fold(0u64, |n, b| {
            let digit = b.wrapping_sub(b'0');
            (digit <= 9).then(|| 10 * n + u64::from(digit))
        }),
        _ => bytes.iter().try_fold(0u64, |n, b| {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 { None } else { n.checked_mul(10)?.checked_add(u64::from(digit)) }
        }),
    }
}

fn write_decimal(mut n: u64, negative: bool, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    if negative {
        at -= 1;
        digits[at] = b'-';
    }
    &digits[at..]
}

/// A text quoted for a message, shortened.
pub(crate) fn quote(text: &str) -> String {
    let mut start: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        start.push('…');
    }
    format!("`{start}`")
}

/// The array without dictionaries, run ends, views of lists, bytes and decimals: in one of the types that columns of
/// values are read from.
pub(crate) fn plain(array: &ArrayRef) -> Result<ArrayRef, String> {
    let to = match array.data_type() {
        DataType::Dictionary(_, values) => repeated(values),
        DataType::RunEndEncoded(_, values) => repeated(values.data_type()),
        DataType::ListView(field) => DataType::List(field.clone()),
        DataType::LargeListView(field) => DataType::LargeList(field.clone()),
        DataType::Binary | DataType::BinaryView => DataType::Utf8,
        DataType::LargeBinary => DataType::LargeUtf8,
        DataType::Decimal32(_, 0) | DataType::Decimal64(_, 0) | DataType::Decimal128(_, 0) => DataType::Utf8,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Float16 => {
            DataType::Float64
        }
        _ => return Ok(array.clone()),
    };
    let cast = cast_with_options(array, &to, &CastOptions { safe: false, ..CastOptions::default() })
        .map_err(|e| format!("cannot be read as {to}: {e}"))?;
    // A dictionary's values can be encoded in turn.
    plain(&cast)
}

/// Texts that rows share stay shared: copied, a few bytes of a file could become gigabytes.
fn repeated(values: &DataType) -> DataType {
    match values {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => DataType::Utf8View,
        other => other.clone(),
    }
}

/// Calls `f` with the row and the canonical value of each cell, in order. The array is [`plain`].
pub(crate) fn visit(
    array: &dyn Array,
    cells: impl Cells,
    mut f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    match array.data_type() {
        DataType::Int8 => signed::<Int8Type>(array, cells, f),
        DataType::Int16 => signed::<Int16Type>(array, cells, f),
        DataType::Int32 => signed::<Int32Type>(array, cells, f),
        DataType::Int64 => signed::<Int64Type>(array, cells, f),
        DataType::UInt8 => unsigned::<UInt8Type>(array, cells, f),
        DataType::UInt16 => unsigned::<UInt16Type>(array, cells, f),
        DataType::UInt32 => unsigned::<UInt32Type>(array, cells, f),
        DataType::UInt64 => unsigned::<UInt64Type>(array, cells, f),
        DataType::Float32 => float::<Float32Type>(array, cells, f),
        DataType::Float64 => float::<Float64Type>(array, cells, f),
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            visit_texts(array, cells, |i| texts.value(i), |row, text| f(row, Value::from_text(text)))
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            visit_texts(array, cells, |i| texts.value(i), |row, text| f(row, Value::from_text(text)))
        }
        DataType::Utf8View => {
            let texts = array.as_string_view();
            visit_texts(array, cells, |i| texts.value(i), |row, text| f(row, Value::from_text(text)))
        }
        DataType::Boolean => {
            let bools = array.as_boolean();
            for (row, i) in cells {
                let text = if bools.value(i) { "true" } else { "false" };
                let value = if bools.is_null(i) { Value::Missing } else { Value::Text(text) };
                f(row, value).map_err(|problem| BadCell { row, problem })?;
            }
            Ok(())
        }
        DataType::Null => {
            for (row, _) in cells {
                f(row, Value::Missing).map_err(|problem| BadCell { row, problem })?;
            }
            Ok(())
        }
        other => Err(BadCell {
            row: 0,
            problem: format!("values of type {other} cannot be categories; store them as text or integers"),
        }),
    }
}

/// Calls `f` with the row and the text of each cell, null as the empty text.
pub(crate) fn visit_texts<'a>(
    array: &dyn Array,
    cells: impl Cells,
    text: impl Fn(usize) -> &'a str,
    mut f: impl FnMut(usize, &'a str) -> Result<(), String>,
) -> Result<(), BadCell> {
    let nulls = array.nulls();
    for (row, i) in cells {
        let null = nulls.is_some_and(|nulls| nulls.is_null(i));
        f(row, if null { "" } else { text(i) }).map_err(|problem| BadCell { row, problem })?;
    }
    Ok(())
}

fn signed<T: ArrowPrimitiveType<Native: Into<i64>>>(
    array: &dyn Array,
    cells: impl Cells,
    mut f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    let numbers = array.as_primitive::<T>();
    for (row, i) in cells {
        let value = if numbers.is_null(i) { Value::Missing } else { Value::from_signed(numbers.value(i).into()) };
        f(row, value).map_err(|problem| BadCell { row, problem })?;
    }
    Ok(())
}

fn unsigned<T: ArrowPrimitiveType<Native: Into<u64>>>(
    array: &dyn Array,
    cells: impl Cells,
    mut f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    let numbers = array.as_primitive::<T>();
    for (row, i) in cells {
        let value = if numbers.is_null(i) { Value::Missing } else { Value::Natural(numbers.value(i).into()) };
        f(row, value).map_err(|problem| BadCell { row, problem })?;
    }
    Ok(())
}

fn float<T: ArrowPrimitiveType<Native: Into<f64> + ArrowNativeTypeOp + std::fmt::Display>>(
    array: &dyn Array,
    cells: impl Cells,
    mut f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    use std::fmt::Write as _;
    // Beyond this, neighbouring whole numbers share a float, and two ids would silently be one.
    let (exact, power) = if size_of::<T::Native>() == 4 { (2f64.powi(24), 24) } else { (2f64.powi(53), 53) };
    let numbers = array.as_primitive::<T>();
    let mut text = String::new();
    for (row, i) in cells {
        let number = numbers.value(i);
        let wide: f64 = number.into();
        let value = if numbers.is_null(i) || wide.is_nan() {
            Ok(Value::Missing)
        } else if wide.is_infinite() {
            Err("an infinite number is no category; leave the cell empty where the value is missing".to_owned())
        } else if wide.fract() != 0.0 {
            text.clear();
            // The narrow type's own shortest text: 0.1 in 32 bits is `0.1`, as in 64.
            write!(text, "{number}").map(|()| Value::Text(text.as_str())).map_err(|e| e.to_string())
        } else if wide.abs() > exact {
            Err(format!(
                "{wide} is stored as a float, which holds whole numbers exactly only up to 2^{power}; store ids as integers or text"
            ))
        } else {
            Ok(Value::from_signed(wide as i64))
        };
        value.and_then(|value| f(row, value)).map_err(|problem| BadCell { row, problem })?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_a_canonical_integer_is_that_integer() {
        assert_eq!(Value::from_text("0"), Value::Natural(0));
        assert_eq!(Value::from_text("9999999999999999999"), Value::Natural(9_999_999_999_999_999_999));
        assert_eq!(Value::from_text("18446744073709551615"), Value::Natural(u64::MAX));
        assert_eq!(Value::from_text("-9223372036854775808"), Value::Negative(i64::MIN));
        for text in ["18446744073709551616", "-9223372036854775809", "007", "-0", "+7", "-", "7.0", "7 ", "٧", "1e3"] {
            assert_eq!(Value::from_text(text), Value::Text(text), "{text}");
        }
        assert_eq!(Value::from_text(""), Value::Missing);
    }

    #[test]
    fn integers_hash_as_their_decimal_text() {
        for n in [0i64, 7, -7, 1 << 24, (1 << 53) + 1, i64::MAX, i64::MIN] {
            assert_eq!(Value::from_signed(n).hash(5), Value::Text(&n.to_string()).hash(5), "{n}");
        }
        assert_eq!(Value::Natural(u64::MAX).hash(0), Value::Text("18446744073709551615").hash(0));
    }

    #[test]
    fn long_texts_are_shortened_in_messages() {
        assert_eq!(quote("a\nb"), "`a\\nb`");
        assert_eq!(quote(&"x".repeat(41)), format!("`{}…`", "x".repeat(40)));
    }
    #[test]
    fn a_long_text_in_a_dictionary_is_not_copied_to_every_row() {
        use std::sync::Arc;

        use arrow_array::{DictionaryArray, Int32Array, StringArray};

        let long = "x".repeat(1 << 20);
        let keys = Int32Array::from(vec![0; 1 << 12]);
        let dictionary: ArrayRef =
            Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from(vec![long.as_str()]))));
        let plain = plain(&dictionary).unwrap();
        assert_eq!(plain.as_string_view().value(4000), long);
        assert!(plain.get_array_memory_size() < 3 << 20, "{} bytes", plain.get_array_memory_size());
    }
}
