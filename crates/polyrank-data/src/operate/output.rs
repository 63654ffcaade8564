//! Columns that operators make.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array};

use super::input::Input;
use super::operator::Output;
use crate::error::DataError;

/// One column.
pub(super) fn one(array: impl arrow_array::Array + 'static) -> Result<Output, DataError> {
    Ok(Output::Columns(vec![Arc::new(array) as ArrayRef]))
}

/// The numbers of the step's first column through `f`; a missing one stays missing if `f` leaves it so.
pub(super) fn numbers(rows: &Input<'_>, f: impl Fn(Option<f64>) -> Option<f64>) -> Result<Float64Array, DataError> {
    let mut out = Vec::with_capacity(rows.rows());
    rows.numbers(0, |_, x| out.push(f(x)))?;
    Ok(Float64Array::from(out))
}
