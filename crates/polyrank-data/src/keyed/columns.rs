//! Columns that are gathered batch by batch, and lists made and taken apart.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericListArray, ListArray, OffsetSizeTrait, UInt32Array, new_null_array};
use arrow_buffer::OffsetBuffer;
use arrow_cast::cast;
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat;

use crate::encode::column::{BadCell, each_row};
use crate::encode::list::cells_of;
use crate::encode::value::{Value, plain, visit};

/// Arrays of one column, one after another.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    parts: Vec<ArrayRef>,
}

impl Columns {
    pub(crate) fn push(&mut self, array: ArrayRef) {
        self.parts.push(array);
    }

    pub(crate) fn append(&mut self, other: Columns) {
        self.parts.extend(other.parts);
    }

    /// One array of them all. Readers of JSON give each batch the type of its own values: where types differ, values become
    /// their canonical texts, by which they are compared anyway.
    pub(crate) fn finish(mut self) -> Result<ArrayRef, String> {
        // A batch without any value says nothing of the type.
        let blank = |array: &ArrayRef| array.logical_null_count() == array.len();
        let kind = self.parts.iter().find(|array| !blank(array)).or(self.parts.first()).map(|a| a.data_type().clone());
        let Some(kind) = kind else { return Ok(new_null_array(&DataType::Utf8, 0)) };
        if self.parts.iter().any(|array| !blank(array) && *array.data_type() != kind) {
            self.parts = self.parts.iter().map(as_text).collect::<Result<_, _>>()?;
        } else {
            for array in self.parts.iter_mut().filter(|array| *array.data_type() != kind) {
                *array = new_null_array(&kind, array.len());
            }
        }
        let parts: Vec<&dyn Array> = self.parts.iter().map(|array| array.as_ref()).collect();
        concat(&parts).map_err(|e| e.to_string())
    }
}

/// Canonical texts instead of values, in lists too.
fn as_text(array: &ArrayRef) -> Result<ArrayRef, String> {
    match array.data_type() {
        DataType::List(_) => list_as_text(array.as_list::<i32>()),
        DataType::LargeList(_) => list_as_text(array.as_list::<i64>()),
        _ => {
            let array = plain(array)?;
            let mut texts = StringBuilder::new();
            let mut append = |value: Value<'_>| {
                match value {
                    Value::Missing => texts.append_null(),
                    Value::Negative(n) => texts.append_value(n.to_string()),
                    Value::Natural(n) => texts.append_value(n.to_string()),
                    Value::Text(text) => texts.append_value(text),
                }
                Ok(())
            };
            visit(array.as_ref(), each_row(array.len()), |_, value| append(value))
                .map_err(|bad: BadCell| bad.problem)?;
            Ok(Arc::new(texts.finish()))
        }
    }
}

fn list_as_text<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Result<ArrayRef, String> {
    let (first, last) = (lists.value_offsets()[0].as_usize(), lists.value_offsets()[lists.len()].as_usize());
    let items = as_text(&lists.values().slice(first, last - first))?;
    let lengths = (0..lists.len()).map(|row| lists.value_length(row).as_usize());
    list_of(lengths, items, lists.nulls().cloned()).map(|lists| Arc::new(lists) as ArrayRef)
}

/// Lists of the given lengths, whose items follow each other in `items`.
pub(super) fn list_of(
    lengths: impl Iterator<Item = usize>,
    items: ArrayRef,
    nulls: Option<arrow_buffer::NullBuffer>,
) -> Result<ListArray, String> {
    if i32::try_from(items.len()).is_err() {
        return Err("more than 2^31 list items in one batch; use smaller batches".to_owned());
    }
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), items, nulls).map_err(|e| e.to_string())
}

/// The items of lists, one row's after another's, and the length of each row's list; `None` if the array is not one of
/// lists.
pub(crate) fn items_of(array: &ArrayRef) -> Result<Option<(ArrayRef, Vec<usize>)>, String> {
    fn items<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Result<(ArrayRef, Vec<usize>), String> {
        let offsets = lists.value_offsets();
        let range = |row: usize| offsets[row].as_usize()..offsets[row + 1].as_usize();
        let lengths = (0..lists.len()).map(|row| if lists.is_null(row) { 0 } else { range(row).len() }).collect();
        let (first, last) = (offsets[0].as_usize(), offsets[lists.len()].as_usize());
        if lists.null_count() == 0 {
            return Ok((lists.values().slice(first, last - first), lengths));
        }
        // A null row may have items, which do not count.
        let places = cells_of(lists, range).map(|(_, i)| u32::try_from(i)).collect::<Result<Vec<_>, _>>();
        let places = places.map_err(|_| "more than 2^32 list items in one batch; use smaller batches")?;
        take(lists.values(), &UInt32Array::from(places)).map(|items| (items, lengths))
    }
    match array.data_type() {
        DataType::List(_) => items(array.as_list::<i32>()).map(Some),
        DataType::LargeList(_) => items(array.as_list::<i64>()).map(Some),
        DataType::FixedSizeList(field, _) => {
            let lists = cast(array, &DataType::List(field.clone())).map_err(|e| e.to_string())?;
            items(lists.as_list::<i32>()).map(Some)
        }
        _ => Ok(None),
    }
}

/// Some rows of an array, null where there is no row.
pub(crate) fn take(array: &ArrayRef, rows: &UInt32Array) -> Result<ArrayRef, String> {
    arrow_select::take::take(array.as_ref(), rows, None).map_err(|e| e.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow_array::types::Int64Type;
    use arrow_array::{Float64Array, Int64Array, StringArray};

    use super::*;

    fn joined(parts: Vec<ArrayRef>) -> ArrayRef {
        let mut columns = Columns::default();
        parts.into_iter().for_each(|part| columns.push(part));
        columns.finish().unwrap()
    }

    #[test]
    fn types_that_differ_become_canonical_text() {
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![7.0, 7.5]));
        let blank: ArrayRef = Arc::new(StringArray::new_null(2));
        assert_eq!(joined(vec![]).len(), 0);
        let all = joined(vec![blank.clone(), integers.clone()]);
        assert_eq!(all.as_primitive::<Int64Type>(), &Int64Array::from(vec![None, None, Some(7), None]));
        let all = joined(vec![integers, blank, floats]);
        let texts: Vec<_> = all.as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("7"), None, None, None, Some("7"), Some("7.5")]);
    }

    #[test]
    fn lists_are_taken_apart() {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(2)]),
        ]);
        let (items, lengths) = items_of(&(Arc::new(lists.slice(1, 3)) as ArrayRef)).unwrap().unwrap();
        assert_eq!((items.as_primitive::<Int64Type>().values().to_vec(), lengths), (vec![2], vec![0, 0, 1]));
        assert!(items_of(&items).unwrap().is_none());
    }

    #[test]
    fn lists_that_differ_become_lists_of_text() {
        let integers =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![Some(2)])]);
        let texts = list_of([2].into_iter(), Arc::new(StringArray::from(vec!["1", "x"])), None).unwrap();
        let all = joined(vec![Arc::new(integers.slice(1, 2)), Arc::new(texts)]);
        let all = all.as_list::<i32>();
        assert!(all.is_null(0));
        let row = |i| all.value(i).as_string::<i32>().iter().map(|t| t.unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!((row(1), row(2)), (vec!["2".to_owned()], vec!["1".to_owned(), "x".to_owned()]));
    }
}
