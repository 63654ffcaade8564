//! Columns that operators make, and how they are made of the values of others.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, ListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use polyrank_schema::spec::OptionValue;

use super::input::{Input, WHOLE, is_list};
use super::operator::Output;
use crate::encode::column::each_row;
use crate::encode::list::visit_items;
use crate::encode::value::{Value, visit};
use crate::error::DataError;

/// One column.
pub(super) fn one(array: impl Array + 'static) -> Result<Output, DataError> {
    Ok(Output::Columns(vec![Arc::new(array) as ArrayRef]))
}

/// The numbers of the step's first column through `f`; a missing one stays missing if `f` leaves it so.
pub(super) fn numbers(rows: &Input<'_>, f: impl Fn(Option<f64>) -> Option<f64>) -> Result<Float64Array, DataError> {
    let mut out = Vec::with_capacity(rows.rows());
    rows.numbers(0, |_, x| out.push(f(x)))?;
    Ok(Float64Array::from(out))
}

/// The values of the step's `reads[i]` as whole numbers: one a row, or of a list column a list of them a row.
pub(super) fn whole_numbers(
    rows: &Input<'_>,
    i: usize,
    f: impl Fn(Value<'_>) -> Option<i64>,
) -> Result<ArrayRef, DataError> {
    let array = rows.read(i);
    let mut out: Vec<Option<i64>> = Vec::with_capacity(rows.rows());
    if !is_list(array) {
        let each = |_, value: Value<'_>| {
            out.push(f(value));
            Ok(())
        };
        visit(array.as_ref(), each_row(array.len()), each).map_err(|bad| bad.of(rows.name(i)))?;
        return Ok(Arc::new(Int64Array::from(out)));
    }
    let mut lengths = vec![0; rows.rows()];
    let each = |row: usize, value: Value<'_>| {
        lengths[row] += 1;
        out.push(f(value));
        Ok(())
    };
    visit_items(array.as_ref(), &WHOLE, each).map_err(|bad| bad.of(rows.name(i)))?;
    Ok(Arc::new(list_of(lengths, Arc::new(Int64Array::from(out)))))
}

/// The text of an option's value.
pub(super) fn scalar_text(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => text.clone(),
        OptionValue::Int(n) => n.to_string(),
        OptionValue::Float(x) => x.to_string(),
        OptionValue::Bool(b) => b.to_string(),
        _ => String::new(),
    }
}

/// A column of lists with so many items each.
pub(super) fn list_of(lengths: Vec<usize>, items: ArrayRef) -> ListArray {
    let field = Field::new_list_field(items.data_type().clone(), true);
    ListArray::new(Arc::new(field), OffsetBuffer::from_lengths(lengths), items, None)
}
