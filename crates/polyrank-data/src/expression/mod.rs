//! Expressions over the columns of raw rows, evaluated row by row: a row's value depends on that row alone.
//!
//! A branch that a row does not take is not evaluated for it, so `CASE WHEN x IS NOT NULL THEN CAST(x AS INTEGER) END`
//! never fails on a null. Whole numbers stay exact; a text column's cells are numbers where numbers are asked for, so
//! text files and typed files give the same.

mod cell;
mod column;
mod evaluate;
mod function;
pub(crate) mod math;
mod output;

use arrow_array::{ArrayRef, RecordBatch};
use polyrank_schema::Expression;
use polyrank_schema::expression::Type;

use crate::error::DataError;
use cell::Cell;
use column::Reader;
use evaluate::evaluate;
pub(crate) use math::ln_1p;

/// The values of an expression, `[B]`: `Boolean`, `Int64`, `UInt64`, `Float64` or `Utf8`, whichever holds all of them
/// exactly. The type is that of the batch's values, so it may differ from batch to batch, but never so that a value's
/// canonical text differs; a batch of nulls alone is `Utf8`.
///
/// # Errors
/// A column that the batch lacks; a cell that an operation cannot take, with its row.
pub fn values(expression: &Expression, batch: &RecordBatch) -> Result<ArrayRef, DataError> {
    let reader = Reader::new(expression, batch)?;
    let cells = cells(expression, &reader, Ok)?;
    output::array(&cells).map_err(|(row, problem)| bad(expression, row, problem))
}

/// The values of an expression as one type, `[B]`: `Int64`, `Float64`, `Utf8` or `Boolean`, cast as `CAST` would.
///
/// # Errors
/// As [`values`], and a value that is none of the type.
pub fn values_as(expression: &Expression, batch: &RecordBatch, to: Type) -> Result<ArrayRef, DataError> {
    let reader = Reader::new(expression, batch)?;
    let cells = cells(expression, &reader, |cell| cell::cast(cell, to))?;
    output::array_of(&cells, to).map_err(|(row, problem)| bad(expression, row, problem))
}

/// Whether a condition holds, `[B]`; `None` where that is unknown.
///
/// # Errors
/// As [`values`], and a value that is neither true nor false, nor a number (true unless it is 0).
pub fn holds(expression: &Expression, batch: &RecordBatch) -> Result<Vec<Option<bool>>, DataError> {
    let reader = Reader::new(expression, batch)?;
    cells(expression, &reader, |cell| cell::truth(&cell))
}

/// The values of an expression as numbers, `[B]`; `None` for null.
///
/// # Errors
/// As [`values`], and a value that is no number.
pub fn numbers(expression: &Expression, batch: &RecordBatch) -> Result<Vec<Option<f64>>, DataError> {
    let reader = Reader::new(expression, batch)?;
    cells(expression, &reader, |cell| Ok(cell::number(&cell)?.map(cell::Number::float)))
}

fn cells<'a, T>(
    expression: &'a Expression,
    reader: &'a Reader,
    mut read: impl FnMut(Cell<'a>) -> Result<T, String>,
) -> Result<Vec<T>, DataError> {
    (0..reader.rows())
        .map(|row| {
            let cell = evaluate(expression.root(), reader, row).and_then(&mut read);
            cell.map_err(|problem| bad(expression, row, problem))
        })
        .collect()
}

fn bad(expression: &Expression, row: usize, problem: String) -> DataError {
    DataError::BadExpression { expression: expression.to_string(), row, problem }
}
