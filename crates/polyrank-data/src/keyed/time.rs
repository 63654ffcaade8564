//! Points in time as columns hold them: any numbers that rise, compared exactly.

use std::cmp::Ordering;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_cast::parse::string_to_timestamp_nanos;
use arrow_schema::DataType;

use crate::encode::column::{BadCell, each_row};
use crate::encode::number::parse;
use crate::encode::value::{Value, quote, visit};

/// A time: nanoseconds since 1970 do not fit in a float, and floats do not fit in an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Time {
    pub(crate) whole: i64,
    /// From 0 up to 1.
    pub(crate) fraction: f64,
}

impl Time {
    fn from_float(x: f64) -> Result<Time, String> {
        let whole = x.floor();
        if !(-(2f64.powi(63))..2f64.powi(63)).contains(&whole) {
            return Err(format!("{x:e} is beyond any time"));
        }
        // Just below a whole number, what is beyond the one before rounds to 1.
        let fraction = (x - whole).min(1.0 - f64::EPSILON / 2.0);
        Ok(Time { whole: whole as i64, fraction })
    }

    /// Which of two is earlier.
    pub(crate) fn order(&self, other: &Time) -> Ordering {
        self.whole.cmp(&other.whole).then(self.fraction.total_cmp(&other.fraction))
    }

    /// What a file may hold.
    pub(crate) fn check(self) -> Result<Time, String> {
        let valid = (0.0..1.0).contains(&self.fraction);
        // −0 and 0 are one number.
        if valid {
            Ok(Time { fraction: self.fraction + 0.0, ..self })
        } else {
            Err("a time's fraction is not from 0 to 1".to_owned())
        }
    }
}

/// The time of each row; `None` where it is missing. Numbers, or text that is one, in any unit; or ISO 8601 text, which
/// counts nanoseconds since 1970, so a column holds one or the other.
pub(crate) fn times(array: &dyn Array) -> Result<Vec<Option<Time>>, BadCell> {
    let mut times = Vec::with_capacity(array.len());
    let mut moments = None;
    let mut floats = |row: usize, x: Option<f64>| {
        let time = x.filter(|x| !x.is_nan()).map(Time::from_float).transpose();
        times.push(time.map_err(|problem| BadCell { row, problem })?);
        Ok(())
    };
    match array.data_type() {
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            array.iter().enumerate().try_for_each(|(row, x)| floats(row, x.map(f64::from)))?;
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            array.iter().enumerate().try_for_each(|(row, x)| floats(row, x))?;
        }
        _ => visit(array, each_row(array.len()), |_, value| {
            let is_moment = match value {
                Value::Missing => None,
                Value::Text(text) => Some(parse(text).is_err()),
                Value::Natural(_) | Value::Negative(_) => Some(false),
            };
            if is_moment.is_some_and(|is_moment| *moments.get_or_insert(is_moment) != is_moment) {
                return Err(format!("`{value}`: dates and numbers do not go together in one column of times"));
            }
            times.push(match value {
                Value::Missing => None,
                Value::Negative(n) => Some(Time { whole: n, fraction: 0.0 }),
                Value::Natural(n) => {
                    let whole = i64::try_from(n).map_err(|_| format!("{n} is beyond any time"))?;
                    Some(Time { whole, fraction: 0.0 })
                }
                Value::Text(text) => match parse(text) {
                    Ok(number) => number.map(Time::from_float).transpose()?,
                    Err(_) => match string_to_timestamp_nanos(text.trim()) {
                        Ok(whole) => Some(Time { whole, fraction: 0.0 }),
                        Err(_) => {
                            let how = "store times as numbers, such as seconds, or as 2024-03-05 13:45:10";
                            return Err(format!("{} is not a time; {how}", quote(text)));
                        }
                    },
                },
            });
            Ok(())
        })?,
    }
    Ok(times)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow_array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn times_of_all_types_compare_exactly() {
        let big = 1_700_000_000_000_000_001i64;
        let integers = times(&Int64Array::from(vec![Some(big), Some(big - 1), Some(-3), None])).unwrap();
        let texts = times(&StringArray::from(vec!["1700000000000000001", "1700000000000000000", "-2.5", ""])).unwrap();
        assert_eq!(integers[..2], texts[..2]);
        let later = |a: Option<Time>, b: Option<Time>| a.unwrap().order(&b.unwrap()).is_gt();
        assert!(later(integers[0], integers[1]) && later(texts[2], integers[2]) && texts[3].is_none());
        let floats = times(&Float64Array::from(vec![Some(-2.5), Some(f64::NAN), Some(1e18)])).unwrap();
        assert_eq!(floats[0], Some(Time { whole: -3, fraction: 0.5 }));
        let close = times(&Float64Array::from(vec![-1e-300, 0.0])).unwrap();
        assert!(close[0].unwrap().check().is_ok() && later(close[1], close[0]));
        assert_eq!((floats[1], floats[2].map(|t| t.whole)), (None, Some(1_000_000_000_000_000_000)));
    }

    #[test]
    fn dates_are_nanoseconds_and_do_not_mix_with_numbers() {
        let texts = ["1970-01-01", "1970-01-02 00:00:00.5", "1970-01-01T01:00:00+01:00", "", "1969-12-31T23:59:59Z"];
        let found = times(&StringArray::from(texts.to_vec())).unwrap();
        let whole: Vec<Option<i64>> = found.iter().map(|time| time.map(|time| time.whole)).collect();
        assert_eq!(whole, [Some(0), Some(86_400_500_000_000), Some(0), None, Some(-1_000_000_000)]);
        for (a, b) in [("1970-01-01", "5"), ("5", "1970-01-01")] {
            let bad = times(&StringArray::from(vec![a, "", b])).unwrap_err();
            assert!(bad.row == 2 && bad.problem.contains("do not go together"), "{}", bad.problem);
        }
    }

    #[test]
    fn what_is_no_time_is_an_error_with_its_row() {
        let bad = times(&StringArray::from(vec!["1", "noon"])).unwrap_err();
        assert_eq!(bad.row, 1);
        assert!(bad.problem.contains("noon"));
        assert!(times(&Float64Array::from(vec![f64::INFINITY])).is_err());
        assert!(times(&Int64Array::from(vec![Some(1)])).is_ok());
    }
}
