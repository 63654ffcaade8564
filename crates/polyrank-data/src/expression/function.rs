//! The functions of [`polyrank_schema::expression::FUNCTIONS`].

use std::borrow::Cow;
use std::cmp::Ordering;

use polyrank_schema::expression::Function;

use super::cell::{Cell, Number, compare, finite, number, text, truth};
use super::math;

/// Calls a function of `n` values, which are evaluated as they are needed.
pub(super) fn call<'a>(
    function: Function,
    n: usize,
    value: impl Fn(usize) -> Result<Cell<'a>, String>,
) -> Result<Cell<'a>, String> {
    let float = |f: fn(f64) -> f64| Ok(number(&value(0)?)?.map_or(Cell::Null, |v| finite(f(v.float()))));
    let whole = |f: fn(f64) -> f64| {
        Ok(match number(&value(0)?)? {
            None => Cell::Null,
            Some(Number::Integer(v)) => Cell::Integer(v),
            // Whole numbers of 64 bits stay whole numbers.
            Some(Number::Float(v)) if v.abs() < 9.2e18 => Cell::Integer(f(v) as i128),
            Some(Number::Float(v)) => finite(f(v)),
        })
    };
    let words = |f: fn(&str) -> Cow<'_, str>| {
        Ok(text(&value(0)?).map_or(Cell::Null, |text| Cell::Text(Cow::Owned(f(&text).into_owned()))))
    };
    match function {
        Function::Abs => Ok(match number(&value(0)?)? {
            None => Cell::Null,
            Some(Number::Integer(v)) => Cell::Integer(v.saturating_abs()),
            Some(Number::Float(v)) => finite(v.abs()),
        }),
        Function::Ln => float(math::ln),
        Function::Log1p => float(math::log1p),
        Function::Exp => float(math::exp),
        Function::Sqrt => float(f64::sqrt),
        Function::Floor => whole(f64::floor),
        Function::Ceil => whole(f64::ceil),
        Function::Round => whole(f64::round),
        Function::Least => extreme(n, value, Ordering::Less),
        Function::Greatest => extreme(n, value, Ordering::Greater),
        Function::Coalesce => {
            for i in 0..n {
                let cell = value(i)?;
                if cell != Cell::Null {
                    return Ok(cell);
                }
            }
            Ok(Cell::Null)
        }
        Function::NullIf => {
            let cell = value(0)?;
            let same = compare(&cell, &value(1)?)?.is_some_and(Ordering::is_eq);
            Ok(if same { Cell::Null } else { cell })
        }
        Function::If => value(if truth(&value(0)?)? == Some(true) { 1 } else { 2 }),
        Function::Length => Ok(text(&value(0)?).map_or(Cell::Null, |text| Cell::Integer(text.chars().count() as i128))),
        Function::Lower => words(|text| text.to_lowercase().into()),
        Function::Upper => words(|text| text.to_uppercase().into()),
        Function::Trim => words(|text| text.trim().into()),
        Function::Substring => {
            let (whole, from) = (text(&value(0)?), number(&value(1)?)?);
            let length = if n == 3 { number(&value(2)?)? } else { Some(Number::Float(f64::INFINITY)) };
            Ok(match (whole, from, length) {
                (Some(text), Some(from), Some(length)) => Cell::Text(substring(&text, from, length).into()),
                _ => Cell::Null,
            })
        }
    }
}

/// The value before (`Less`) or after (`Greater`) all others; nulls are passed over.
fn extreme<'a>(
    n: usize,
    value: impl Fn(usize) -> Result<Cell<'a>, String>,
    wanted: Ordering,
) -> Result<Cell<'a>, String> {
    let mut best = Cell::Null;
    for i in 0..n {
        let cell = value(i)?;
        match compare(&cell, &best)? {
            Some(order) if order != wanted => {}
            // What compares with nothing is a NaN, or stands first.
            None if best != Cell::Null => {}
            _ => best = cell,
        }
    }
    Ok(best)
}

/// SQL's substring: positions count from 1, and those before the text count too.
fn substring(text: &str, from: Number, length: Number) -> String {
    let (from, length) = (from.float().trunc(), length.float().trunc().max(0.0));
    let skip = (from - 1.0).max(0.0);
    let take = (from + length - 1.0 - skip).max(0.0);
    // Casts of floats saturate.
    text.chars().skip(skip as usize).take(take as usize).collect()
}
