//! Rows that are events: one a row, or lists of them; those of interest.

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_select::filter::filter_record_batch;
use polyrank_schema::Expression;

use super::by_key::failed;
use super::frame::of_raw_row;
use crate::encode::column::bad_column;
use crate::encode::plan::column;
use crate::error::DataError;
use crate::expression::holds;
use crate::keyed::{EventsFit, RowKeys, items_of, take, times};

/// Which columns of rows make events.
#[derive(Debug, Clone)]
pub(super) struct EventRows {
    pub(super) key: Vec<String>,
    pub(super) time: Option<String>,
    pub(super) collect: Vec<String>,
    /// Only events for which it holds count.
    pub(super) condition: Option<Expression>,
}

impl EventRows {
    /// All columns that are looked at, each once, those of the key first.
    pub(super) fn columns(&self) -> Vec<String> {
        let mut columns = self.key.clone();
        for name in self.values().filter(|name| !self.key.contains(name)) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        columns
    }

    /// The columns that have one value an event.
    fn values(&self) -> impl Iterator<Item = &String> {
        let asked = self.condition.iter().flat_map(Expression::columns);
        self.time.iter().chain(&self.collect).chain(asked)
    }

    /// Takes in the events of some rows; `kind` is the operator's type.
    pub(super) fn gather(
        &self,
        batch: &RecordBatch,
        events: &mut EventsFit,
        kind: &'static str,
    ) -> Result<(), DataError> {
        let apart = self.one_row_an_event(batch)?;
        let (batch, origin) = apart.map_or((batch.clone(), None), |(batch, origin)| (batch, Some(origin)));
        let raw = |error| of_raw_row(error, origin.as_deref());
        let wanted = self.condition.as_ref().map(|condition| holds(condition, &batch)).transpose().map_err(raw)?;
        let (batch, origin) = match wanted {
            None => (batch, origin),
            Some(wanted) => {
                let wanted: Vec<bool> = wanted.into_iter().map(|wanted| wanted == Some(true)).collect();
                let kept = (0..wanted.len()).filter(|row| wanted[*row]);
                let origin = kept.map(|row| origin.as_ref().map_or(row, |origin| origin[row])).collect();
                let batch = filter_record_batch(&batch, &BooleanArray::from(wanted));
                (batch.map_err(|e| DataError::Batch(e.to_string()))?, Some(origin))
            }
        };
        let raw = |error| of_raw_row(error, origin.as_deref());
        let time = |name: &String| times(column(&batch, name)?.as_ref()).map_err(|bad| raw(bad.of(name)));
        let times = self.time.as_ref().map(time).transpose()?;
        let columns = self.collect.iter().map(|name| column(&batch, name)).collect::<Result<Vec<_>, _>>()?;
        let keys = RowKeys::of_batch(&batch, &self.key).map_err(raw)?;
        events.observe(&keys, times.as_deref(), &columns).map_err(failed(kind))
    }

    /// Rows with lists of events, taken apart, and the row of each event; `None` if there are no lists. All columns of
    /// lists have lists of the same length in a row, and other columns one value for all of them.
    fn one_row_an_event(&self, batch: &RecordBatch) -> Result<Option<(RecordBatch, Vec<usize>)>, DataError> {
        let mut lists: Vec<(&String, ArrayRef)> = Vec::new();
        let mut lengths: Option<Vec<usize>> = None;
        for name in self.values() {
            let Some((items, own)) = items_of(&column(batch, name)?).map_err(|p| bad_column(name, p))? else {
                continue;
            };
            let first = lengths.get_or_insert_with(|| own.clone());
            if let Some(row) = (0..own.len()).find(|row| own[*row] != first[*row]) {
                let problem =
                    format!("a list of {} events beside one of {}; lists of events go together", own[row], first[row]);
                return Err(DataError::BadCell { column: name.clone(), row, problem });
            }
            lists.push((name, items));
        }
        let Some(lengths) = lengths else { return Ok(None) };
        let origin: Vec<usize> =
            lengths.iter().enumerate().flat_map(|(row, length)| std::iter::repeat_n(row, *length)).collect();
        let rows = UInt32Array::from_iter_values(origin.iter().map(|row| *row as u32));
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for name in self.columns() {
            let items = lists.iter().find(|(list, _)| **list == name).map(|(_, items)| items.clone());
            let array = match items {
                Some(items) => items,
                None => take(&column(batch, &name)?, &rows).map_err(|problem| bad_column(&name, problem))?,
            };
            columns.push((name, array));
        }
        let batch = RecordBatch::try_from_iter(columns).map_err(|e| DataError::Batch(e.to_string()))?;
        Ok(Some((batch, origin)))
    }
}
