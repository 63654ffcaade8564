//! Tables and events as the record batches that they are saved in.
//!
//! Keys stand in them as canonical text, which no value's type changes: a column `key:NAME` for each column of the key. Values
//! are `value:NAME`, so no value is mistaken for a key. Events are a row for each key, with a list of its events' values in
//! each column and their times in two: whole numbers and what is beyond them.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{Field, Schema};

use super::columns::{Columns, items_of, list_of};
use super::events::Events;
use super::keys::{Keys, RowKeys};
use super::table::Table;
use super::time::Time;
use crate::encode::column::bad_column;
use crate::encode::plan::column;
use crate::error::DataError;

const TIME: &str = "time";
const FRACTION: &str = "time_fraction";

/// Keys in a record batch of events.
const BATCH_KEYS: usize = 1 << 16;

fn key_names(on: &[String]) -> Vec<String> {
    on.iter().map(|name| format!("key:{name}")).collect()
}

fn value_name(name: &str) -> String {
    format!("value:{name}")
}

fn batch(columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch, String> {
    let (fields, arrays): (Vec<_>, Vec<_>) =
        columns.into_iter().map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array)).unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| e.to_string())
}

/// The keys of a saved table, which must be in their order, each once.
fn restore_keys(batches: &[RecordBatch], on: &[String]) -> Result<Keys, DataError> {
    let names = key_names(on);
    let mut keys = Keys::default();
    for batch in batches {
        let rows = RowKeys::of_batch(batch, &names)?;
        for row in 0..rows.len() {
            if keys.len() > 0 && keys.key(keys.len() - 1) >= rows.key(row) {
                return Err(bad_column(&names[0], "keys are not in their order, each once"));
            }
            keys.insert(rows.key(row)).map_err(|problem| bad_column(&names[0], problem))?;
        }
    }
    Ok(keys)
}

impl Table {
    /// The columns of a saved table: keys of the columns `on`, values `names`.
    pub(crate) fn saved_names(on: &[String], names: &[String]) -> Vec<String> {
        key_names(on).into_iter().chain(names.iter().map(|name| value_name(name))).collect()
    }

    /// To save it.
    pub(crate) fn batch(&self, on: &[String], names: &[String]) -> Result<RecordBatch, String> {
        let values = self.keys().columns(on.len()).into_iter().chain(self.columns().iter().cloned());
        batch(Table::saved_names(on, names).into_iter().zip(values).collect())
    }

    /// From what [`Table::batch`] gave, found in a file.
    pub(crate) fn restore(batches: &[RecordBatch], on: &[String], names: &[String]) -> Result<Table, DataError> {
        let keys = restore_keys(batches, on)?;
        let values = |name: &String| {
            let name = value_name(name);
            let mut values = Columns::default();
            batches.iter().try_for_each(|batch| column(batch, &name).map(|array| values.push(array)))?;
            values.finish().map_err(|problem| bad_column(&name, problem))
        };
        Ok(Table::ordered(keys, names.iter().map(values).collect::<Result<_, DataError>>()?))
    }
}

impl Events {
    /// The columns of saved events: keys of the columns `on`, times if they are `timed`, values `names`.
    pub(crate) fn saved_names(on: &[String], names: &[String], timed: bool) -> Vec<String> {
        let times = [TIME, FRACTION].into_iter().filter(|_| timed).map(str::to_owned);
        key_names(on).into_iter().chain(times).chain(names.iter().map(|name| value_name(name))).collect()
    }

    /// To save them.
    pub(crate) fn batches(&self, on: &[String], names: &[String]) -> Result<Vec<RecordBatch>, String> {
        let keys = self.keys().columns(on.len());
        let saved_names = Events::saved_names(on, names, self.times().is_some());
        let batches = (0..self.keys().len().max(1)).step_by(BATCH_KEYS).map(|first| {
            let rows = first..self.keys().len().min(first + BATCH_KEYS);
            let ranges: Vec<Range<usize>> = rows.clone().map(|key| self.of_key(key)).collect();
            let events = ranges.first().map_or(0, |range| range.start)..ranges.last().map_or(0, |range| range.end);
            let times = self.times().map(|times| {
                let times = &times[events.clone()];
                let whole = Int64Array::from_iter_values(times.iter().map(|time| time.whole));
                let fraction = Float64Array::from_iter_values(times.iter().map(|time| time.fraction));
                [Arc::new(whole) as ArrayRef, Arc::new(fraction)]
            });
            let values = self.columns().iter().map(|array| array.slice(events.start, events.len()));
            let lists = times.into_iter().flatten().chain(values).map(|items| {
                let lengths = ranges.iter().map(ExactSizeIterator::len);
                list_of(lengths, items, None).map(|lists| Arc::new(lists) as ArrayRef)
            });
            let keys = keys.iter().map(|key| Ok(key.slice(first, rows.len())));
            let columns = keys.chain(lists).collect::<Result<Vec<_>, String>>()?;
            batch(saved_names.iter().cloned().zip(columns).collect())
        });
        batches.collect()
    }

    /// From what [`Events::batches`] gave, found in a file.
    pub(crate) fn restore(
        batches: &[RecordBatch],
        on: &[String],
        names: &[String],
        timed: bool,
    ) -> Result<Events, DataError> {
        let keys = restore_keys(batches, on)?;
        let mut lists = Lists { batches, ends: None };
        let times = if timed { Some((lists.items(TIME)?, lists.items(FRACTION)?)) } else { None };
        let columns = names.iter().map(|name| lists.items(&value_name(name))).collect::<Result<Vec<_>, _>>()?;
        let ends = lists.ends.unwrap_or_else(|| vec![0; keys.len()]);
        let times = times.map(|(whole, fraction)| restore_times(&whole, &fraction)).transpose();
        let events = times.and_then(|times| Events::new(keys, ends, times, columns));
        events.map_err(|problem| bad_column(TIME, problem))
    }
}

/// Columns of lists, of the same length in each row.
struct Lists<'a> {
    batches: &'a [RecordBatch],
    /// Where each row's items end.
    ends: Option<Vec<usize>>,
}

impl Lists<'_> {
    /// The items of all lists of a column.
    fn items(&mut self, name: &str) -> Result<ArrayRef, DataError> {
        let (mut items, mut ends, mut end) = (Columns::default(), Vec::new(), 0);
        for batch in self.batches {
            let lists = items_of(&column(batch, name)?).map_err(|problem| bad_column(name, problem))?;
            let (values, lengths) = lists.ok_or_else(|| bad_column(name, "is not a column of lists"))?;
            items.push(values);
            ends.extend(lengths.into_iter().map(|length| {
                end += length;
                end
            }));
        }
        if self.ends.get_or_insert_with(|| ends.clone()) != &ends {
            return Err(bad_column(name, "has lists of other lengths than the columns before it"));
        }
        items.finish().map_err(|problem| bad_column(name, problem))
    }
}

fn restore_times(whole: &ArrayRef, fraction: &ArrayRef) -> Result<Vec<Time>, String> {
    let numbers = whole.as_primitive_opt::<Int64Type>().zip(fraction.as_primitive_opt::<Float64Type>());
    let numbers = numbers.filter(|(whole, fraction)| whole.null_count() + fraction.null_count() == 0);
    // Without any event, the file says nothing of the type.
    let Some((whole, fraction)) = numbers else {
        return if whole.is_empty() { Ok(Vec::new()) } else { Err("times are not numbers".to_owned()) };
    };
    let times = whole.values().iter().zip(fraction.values());
    times.map(|(whole, fraction)| Time { whole: *whole, fraction: *fraction }.check()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow_array::{ListArray, StringArray};

    use super::*;

    fn names() -> (Vec<String>, Vec<String>) {
        (vec!["user".to_owned()], vec!["item".to_owned()])
    }

    fn lists(rows: &[&[i64]]) -> ArrayRef {
        let rows = rows.iter().map(|row| Some(row.iter().copied().map(Some)));
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows))
    }

    fn zeros(rows: &[usize]) -> ArrayRef {
        let rows = rows.iter().map(|n| Some(vec![Some(0.0); *n]));
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows))
    }

    fn events(keys: &[&str], times: ArrayRef, fractions: ArrayRef, values: ArrayRef) -> Result<Events, DataError> {
        let keys: ArrayRef = Arc::new(StringArray::from(keys.to_vec()));
        let (on, values_of) = names();
        let columns = Events::saved_names(&on, &values_of, true).into_iter().zip([keys, times, fractions, values]);
        Events::restore(&[batch(columns.collect()).unwrap()], &on, &values_of, true)
    }

    #[test]
    fn saved_events_that_were_tampered_with_are_refused() {
        let good = || (lists(&[&[1, 2], &[5]]), zeros(&[2, 1]), lists(&[&[7, 8], &[9]]));
        let (times, fractions, values) = good();
        assert_eq!(events(&["1", "2"], times, fractions, values).unwrap().count(), 3);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let half = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(0.0), Some(1.0)]),
            Some(vec![Some(0.0)]),
        ]));
        let ((times, fractions, values), keys) = (good(), ["1", "2"]);
        for (bad, what) in [
            (events(&["2", "1"], times.clone(), fractions.clone(), values.clone()), "keys"),
            (events(&["1", "1"], times.clone(), fractions.clone(), values.clone()), "keys"),
            (events(&keys, lists(&[&[2, 1], &[5]]), fractions.clone(), values.clone()), "order of their times"),
            (events(&keys, times.clone(), half, values.clone()), "fraction"),
            (events(&keys, times.clone(), fractions.clone(), lists(&[&[7], &[8, 9]])), "lengths"),
            (events(&keys, times.clone(), fractions.clone(), text), "lists"),
            (events(&keys, fractions.clone(), fractions, values), "numbers"),
        ] {
            let error = bad.unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
