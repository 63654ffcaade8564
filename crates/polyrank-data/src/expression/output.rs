//! From values to a column.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, UInt64Array};
use polyrank_schema::expression::Type;

use super::cell::{Cell, number, text, truth};

/// Neighbouring whole numbers beyond this share a float.
const EXACT: u128 = 1 << 53;

/// The narrowest column that holds all values exactly; the row and what is wrong if there is none.
pub(super) fn array(cells: &[Cell<'_>]) -> Result<ArrayRef, (usize, String)> {
    let (mut texts, mut floats, mut integers, mut booleans) = (false, false, false, false);
    let (mut wide, mut negative, mut beyond) = (false, false, false);
    for cell in cells {
        match cell {
            Cell::Null => {}
            Cell::Raw(_) | Cell::Text(_) => texts = true,
            Cell::Float(_) => floats = true,
            Cell::Boolean(_) => booleans = true,
            Cell::Integer(v) => {
                integers = true;
                wide |= v.unsigned_abs() > EXACT;
                negative |= *v < 0;
                beyond |= i64::try_from(*v).is_err();
            }
        }
    }
    let mixed = (booleans && (integers || floats)) || (floats && wide) || (beyond && negative);
    if texts || mixed || !(floats || integers || booleans) {
        array_of(cells, Type::Text)
    } else if floats {
        array_of(cells, Type::Float)
    } else if beyond {
        let unsigned = each(cells, |cell| match cell {
            Cell::Integer(v) => u64::try_from(*v).map(Some).map_err(|_| too_wide(*v)),
            _ => Ok(None),
        });
        Ok(Arc::new(UInt64Array::from(unsigned?)))
    } else if integers {
        array_of(cells, Type::Integer)
    } else {
        array_of(cells, Type::Boolean)
    }
}

/// The values as a column of one type.
pub(super) fn array_of(cells: &[Cell<'_>], to: Type) -> Result<ArrayRef, (usize, String)> {
    Ok(match to {
        Type::Boolean => Arc::new(BooleanArray::from(each(cells, truth)?)),
        Type::Integer => Arc::new(Int64Array::from(each(cells, |cell| match cell {
            Cell::Integer(v) => i64::try_from(*v).map(Some).map_err(|_| too_wide(*v)),
            _ => Ok(None),
        })?)),
        Type::Float => Arc::new(Float64Array::from(each(cells, |cell| Ok(number(cell)?.map(|v| v.float())))?)),
        Type::Text => {
            let mut texts = StringBuilder::new();
            for (row, cell) in cells.iter().enumerate() {
                let text = text(cell);
                let length = text.as_ref().map_or(0, |text| text.len());
                if texts.values_slice().len().saturating_add(length) > i32::MAX as usize {
                    return Err((row, "the texts of a batch fill 2 GiB; shorten them with SUBSTRING".to_owned()));
                }
                texts.append_option(text);
            }
            Arc::new(texts.finish())
        }
    })
}

fn each<T>(
    cells: &[Cell<'_>],
    read: impl Fn(&Cell<'_>) -> Result<Option<T>, String>,
) -> Result<Vec<Option<T>>, (usize, String)> {
    cells.iter().enumerate().map(|(row, cell)| read(cell).map_err(|problem| (row, problem))).collect()
}

fn too_wide(v: i128) -> String {
    format!("{v} is beyond whole numbers of 64 bits; CAST(… AS FLOAT) or CAST(… AS TEXT)")
}
