//! The items of list columns: arrays of lists, or text with a separator.
//!
//! A null or empty cell is an empty list. In text, items are trimmed if the rest of the row is, and empty items are
//! dropped; in arrays, a null item is a missing value. `max_length` keeps the first items, or the last: those of a history,
//! whose oldest come first.

use arrow_array::cast::AsArray;
use arrow_array::{Array, GenericListArray, OffsetSizeTrait};
use arrow_schema::DataType;

use super::column::{BadCell, Cells, each_row};
use super::value::{Value, plain, visit, visit_texts};

/// How a list column is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListOptions {
    pub(crate) max_length: Option<usize>,
    /// Whether the last items are kept.
    pub(crate) last: bool,
    pub(crate) separator: String,
    pub(crate) trim: bool,
}

/// Calls `f` with the row and the canonical value of each item, in order. The array is [`plain`].
pub(crate) fn visit_items(
    array: &dyn Array,
    list: &ListOptions,
    mut f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    let max = list.max_length.unwrap_or(usize::MAX);
    let split = |row: usize, text: &str| {
        let skipped = if list.last { split(text, list).count().saturating_sub(max) } else { 0 };
        split(text, list).skip(skipped).take(max).try_for_each(|item| f(row, Value::from_text(item)))
    };
    let cells = each_row(array.len());
    match array.data_type() {
        DataType::List(_) => lists(array.as_list::<i32>(), max, list.last, f),
        DataType::LargeList(_) => lists(array.as_list::<i64>(), max, list.last, f),
        DataType::FixedSizeList(_, size) => {
            let (lists, size) = (array.as_fixed_size_list(), usize::try_from(*size).unwrap_or(0));
            // A sliced array's values begin with its first row.
            let kept = move |row: usize| kept(row * size..(row + 1) * size, max, list.last);
            items(lists, lists.values(), kept, f)
        }
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            visit_texts(array, cells, |i| texts.value(i), split)
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            visit_texts(array, cells, |i| texts.value(i), split)
        }
        DataType::Utf8View => {
            let texts = array.as_string_view();
            visit_texts(array, cells, |i| texts.value(i), split)
        }
        // One value where a list may stand is a list of one.
        _ => visit(array, cells, |row, value| if value == Value::Missing { Ok(()) } else { f(row, value) }),
    }
}

/// The items of a text.
fn split<'a>(text: &'a str, list: &'a ListOptions) -> impl Iterator<Item = &'a str> {
    let whole = list.separator.is_empty();
    let parts = if whole { None } else { Some(text.split(list.separator.as_str())) };
    let parts = parts.into_iter().flatten().chain(whole.then_some(text));
    parts.map(|item| if list.trim { item.trim() } else { item }).filter(|item| !item.is_empty())
}

fn lists<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    max: usize,
    last: bool,
    f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    let offsets = array.value_offsets();
    let kept = |row: usize| kept(offsets[row].as_usize()..offsets[row + 1].as_usize(), max, last);
    items(array, array.values(), kept, f)
}

/// The first or the last items of a row's.
fn kept(all: std::ops::Range<usize>, max: usize, last: bool) -> std::ops::Range<usize> {
    if last {
        all.start.max(all.end.saturating_sub(max))..all.end
    } else {
        all.start..all.end.min(all.start.saturating_add(max))
    }
}

fn items(
    array: &dyn Array,
    values: &arrow_array::ArrayRef,
    kept: impl Fn(usize) -> std::ops::Range<usize>,
    f: impl FnMut(usize, Value<'_>) -> Result<(), String>,
) -> Result<(), BadCell> {
    let values = plain(values).map_err(|problem| BadCell { row: 0, problem })?;
    visit(values.as_ref(), cells_of(array, kept), f)
}

/// The cells of the rows' ranges; none for a null row, whatever its range.
pub(crate) fn cells_of(array: &dyn Array, range: impl Fn(usize) -> std::ops::Range<usize>) -> impl Cells {
    (0..array.len()).flat_map(move |row| {
        let range = if array.is_null(row) { 0..0 } else { range(row) };
        range.map(move |i| (row, i))
    })
}
