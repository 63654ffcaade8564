//! Vectors: lists of a fixed number of numbers that enter the network as they stand.
//!
//! A missing vector, and a missing number in one, are zeros. In text columns the numbers stand between commas,
//! semicolons, bars or spaces, with or without brackets around them all.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;

use super::column::{BadCell, each_row};
use super::list::cells_of;
use super::number::{parse, visit_numbers};
use super::value::{plain, visit_texts};

/// The numbers of a column of vectors, `[B, size]` row by row. The array is [`plain`].
pub(crate) fn vectors(array: &dyn Array, size: usize) -> Result<Vec<f32>, BadCell> {
    let rows = array.len();
    let mut out = Vec::with_capacity(rows * size);
    let wrong = |row, length| BadCell {
        row,
        problem: format!("a vector of {length} numbers; its size is {size} in the configuration"),
    };
    match array.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            let (values, range): (_, Box<dyn Fn(usize) -> std::ops::Range<usize>>) = match array.data_type() {
                DataType::List(_) => {
                    let lists = array.as_list::<i32>();
                    let offsets = lists.value_offsets();
                    (lists.values(), Box::new(|row| offsets[row] as usize..offsets[row + 1] as usize))
                }
                DataType::LargeList(_) => {
                    let lists = array.as_list::<i64>();
                    let offsets = lists.value_offsets();
                    (lists.values(), Box::new(|row| offsets[row] as usize..offsets[row + 1] as usize))
                }
                _ => {
                    let lists = array.as_fixed_size_list();
                    let length = lists.value_length() as usize;
                    (lists.values(), Box::new(move |row| row * length..(row + 1) * length))
                }
            };
            if let Some(row) = (0..rows).find(|row| array.is_valid(*row) && range(*row).len() != size) {
                return Err(wrong(row, range(row).len()));
            }
            let values = plain(values).map_err(|problem| BadCell { row: 0, problem })?;
            visit_numbers(values.as_ref(), cells_of(array, range), |row, x| {
                // Null rows before this one have no cells.
                out.resize(out.len().max(row * size), 0.0);
                out.push(x.unwrap_or(0.0) as f32);
            })?;
        }
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            visit_texts(array, each_row(rows), |i| texts.value(i), |_, text| split(text, size, &mut out))?;
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            visit_texts(array, each_row(rows), |i| texts.value(i), |_, text| split(text, size, &mut out))?;
        }
        DataType::Utf8View => {
            let texts = array.as_string_view();
            visit_texts(array, each_row(rows), |i| texts.value(i), |_, text| split(text, size, &mut out))?;
        }
        DataType::Null => {}
        other => return Err(BadCell { row: 0, problem: format!("values of type {other} are not lists of numbers") }),
    }
    out.resize(rows * size, 0.0);
    Ok(out)
}

fn split(text: &str, size: usize, out: &mut Vec<f32>) -> Result<(), String> {
    let start = out.len();
    let text = text.trim();
    if !text.is_empty() {
        let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        let items = text.split([',', ';', '|', ' ', '\t']).filter(|item| !item.is_empty());
        for item in items.take(size + 1) {
            out.push(parse(item)?.unwrap_or(0.0) as f32);
        }
        if out.len() != start + size {
            let length = text.split([',', ';', '|', ' ', '\t']).filter(|item| !item.is_empty()).count();
            return Err(format!("a vector of {length} numbers; its size is {size} in the configuration"));
        }
    }
    out.resize(start + size, 0.0);
    Ok(())
}
