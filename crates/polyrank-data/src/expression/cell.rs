//! One value, and how values turn into each other and compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use polyrank_schema::expression::Type;

use crate::encode::quote;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Boolean(bool),
    /// A whole number; what columns hold has up to 64 bits.
    Integer(i128),
    /// Never NaN.
    Float(f64),
    /// A cell of a text column as it stands, never empty: a number where numbers are asked for.
    Raw(&'a str),
    /// A text that was written or made as one.
    Text(Cow<'a, str>),
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    pub(super) fn float(self) -> f64 {
        match self {
            Number::Integer(v) => v as f64,
            Number::Float(v) => v,
        }
    }

    fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Integer(a), Number::Integer(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => order(a, b),
            (Number::Integer(a), Number::Float(b)) => exactly(a, b),
            (Number::Float(a), Number::Integer(b)) => exactly(b, a).reverse(),
        }
    }
}

fn order(a: f64, b: f64) -> Ordering {
    // Neither is NaN.
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// A whole number beside a float, without rounding either.
fn exactly(a: i128, b: f64) -> Ordering {
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0; // 2^127
    if b >= BEYOND {
        Ordering::Less
    } else if b < -BEYOND {
        Ordering::Greater
    } else {
        a.cmp(&(b.trunc() as i128)).then_with(|| order(0.0, b.fract()))
    }
}

/// A float as a cell: null where it is no finite number.
pub(super) fn finite<'a>(v: f64) -> Cell<'a> {
    if v.is_finite() { Cell::Float(v) } else { Cell::Null }
}

/// The number that a text is; `None` for none, `Some(None)` for NaN.
fn parse(text: &str) -> Option<Option<Number>> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(|v| Some(Number::Integer(v)));
    }
    let float: f64 = text.parse().ok()?;
    Some((!float.is_nan()).then_some(Number::Float(float)))
}

/// A value as a number; `None` for null.
pub(super) fn number(cell: &Cell<'_>) -> Result<Option<Number>, String> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Boolean(v) => Ok(Some(Number::Integer((*v).into()))),
        Cell::Integer(v) => Ok(Some(Number::Integer(*v))),
        Cell::Float(v) => Ok(Some(Number::Float(*v))),
        Cell::Raw(text) => text_number(text),
        Cell::Text(text) => text_number(text),
    }
}

fn text_number(text: &str) -> Result<Option<Number>, String> {
    let boolean = |v: bool| Ok(Some(Number::Integer(v.into())));
    match parse(text) {
        Some(number) => Ok(number),
        None if text.trim().eq_ignore_ascii_case("true") => boolean(true),
        None if text.trim().eq_ignore_ascii_case("false") => boolean(false),
        None => Err(format!("{} is not a number, nor true or false; TRY_CAST(… AS FLOAT) makes it null", quote(text))),
    }
}

/// Whether a value is true, as a number is unless it is 0; `None` for null.
pub(super) fn truth(cell: &Cell<'_>) -> Result<Option<bool>, String> {
    Ok(number(cell)?.map(|v| v.float() != 0.0))
}

/// A value as text in canonical form; `None` for null.
pub(super) fn text<'a>(cell: &Cell<'a>) -> Option<Cow<'a, str>> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Boolean(v) => Cow::Borrowed(if *v { "true" } else { "false" }),
        Cell::Integer(v) => Cow::Owned(v.to_string()),
        // Adding 0 turns −0 into 0.
        Cell::Float(v) => Cow::Owned((v + 0.0).to_string()),
        Cell::Raw(text) => Cow::Borrowed(text),
        Cell::Text(text) => text.clone(),
    })
}

/// How two values compare; `None` if one is null. As numbers if one of them is a number or both are cells of text
/// columns that hold numbers, as booleans if one is, else as texts.
pub(super) fn compare(a: &Cell<'_>, b: &Cell<'_>) -> Result<Option<Ordering>, String> {
    let is_number = |cell: &Cell<'_>| matches!(cell, Cell::Integer(_) | Cell::Float(_));
    let is_boolean = |cell: &Cell<'_>| matches!(cell, Cell::Boolean(_));
    if matches!(a, Cell::Null) || matches!(b, Cell::Null) {
        return Ok(None);
    }
    if is_number(a) || is_number(b) {
        return Ok(number(a)?.zip(number(b)?).map(|(a, b)| a.compare(b)));
    }
    if is_boolean(a) || is_boolean(b) {
        return Ok(truth(a)?.zip(truth(b)?).map(|(a, b)| a.cmp(&b)));
    }
    if let (Cell::Raw(a), Cell::Raw(b)) = (a, b)
        && let (Some(a), Some(b)) = (parse(a), parse(b))
    {
        return Ok(a.zip(b).map(|(a, b)| a.compare(b)));
    }
    Ok(text(a).zip(text(b)).map(|(a, b)| a.cmp(&b)))
}

/// A value as another type.
pub(super) fn cast(cell: Cell<'_>, to: Type) -> Result<Cell<'_>, String> {
    Ok(match to {
        Type::Integer => match number(&cell)? {
            None => Cell::Null,
            Some(Number::Integer(v)) => Cell::Integer(v),
            Some(Number::Float(v)) if v.abs() < 1.8e19 => Cell::Integer(v as i128),
            Some(Number::Float(v)) => return Err(format!("{v} is beyond whole numbers of 64 bits")),
        },
        Type::Float => number(&cell)?.map_or(Cell::Null, |v| Cell::Float(v.float())),
        Type::Boolean => truth(&cell)?.map_or(Cell::Null, Cell::Boolean),
        Type::Text => text(&cell).map_or(Cell::Null, Cell::Text),
    })
}
