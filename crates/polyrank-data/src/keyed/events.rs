//! Events known by key, in the order of their times.

use std::ops::Range;

use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, UInt32Array};

use super::columns::{Columns, list_of, take};
use super::keys::{Keys, RowKeys};
use super::time::Time;

/// The most events that are kept: they are indices of Arrow arrays too.
const MAX_EVENTS: usize = i32::MAX as usize;

/// Events that are trimmed at a time, where only the last of each key are kept.
const TRIM: usize = 1 << 20;

/// Events that are being gathered.
#[derive(Debug)]
pub(crate) struct EventsFit {
    keys: Keys,
    /// The key's number, of each event.
    of: Vec<u32>,
    /// Of each event, or none at all.
    times: Option<Vec<Time>>,
    columns: Vec<Columns>,
    /// Only so many of each key are kept, the last.
    last: Option<usize>,
    /// Events at which they are trimmed next.
    trim_at: usize,
}

/// Which events a row sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Before {
    /// All of its key.
    All,
    /// Those strictly before its time; none if it has no time.
    Time(Option<Time>),
}

impl EventsFit {
    /// Of `columns` columns, `timed` or in the order in which they come. `last` keeps only so many of each key, which suits
    /// rows that see all events.
    pub(crate) fn new(columns: usize, timed: bool, last: Option<usize>) -> EventsFit {
        EventsFit {
            keys: Keys::default(),
            of: Vec::new(),
            times: timed.then(Vec::new),
            columns: (0..columns).map(|_| Columns::default()).collect(),
            last,
            trim_at: TRIM,
        }
    }

    /// Takes in events; one without a key, or without a time if events have one, is left out.
    pub(crate) fn observe(
        &mut self,
        keys: &RowKeys,
        times: Option<&[Option<Time>]>,
        columns: &[ArrayRef],
    ) -> Result<(), String> {
        let kept = |row: usize| !keys.is_missing(row) && times.is_none_or(|times| times[row].is_some());
        let keep: Vec<bool> = (0..keys.len()).map(kept).collect();
        for row in (0..keys.len()).filter(|row| keep[*row]) {
            self.of.push(self.keys.insert(keys.key(row))? as u32);
            if let Some((own, times)) = self.times.as_mut().zip(times) {
                own.extend(times[row]);
            }
        }
        let all = keep.iter().all(|keep| *keep);
        let keep = BooleanArray::from(keep);
        for (own, column) in self.columns.iter_mut().zip(columns) {
            own.push(if all {
                column.clone()
            } else {
                arrow_select::filter::filter(column, &keep).map_err(|e| e.to_string())?
            });
        }
        if self.last.is_some() && self.of.len() >= self.trim_at {
            self.order()?;
            self.trim_at = 2 * self.of.len() + TRIM;
        }
        self.check_size()
    }

    /// Takes in the events of another fit, as if they came after.
    pub(crate) fn merge(&mut self, other: EventsFit) -> Result<(), String> {
        let numbers = (0..other.keys.len()).map(|i| self.keys.insert(other.keys.key(i)).map(|n| n as u32));
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        self.of.extend(other.of.into_iter().map(|key| numbers[key as usize]));
        if let Some((own, times)) = self.times.as_mut().zip(other.times) {
            own.extend(times);
        }
        self.columns.iter_mut().zip(other.columns).for_each(|(own, columns)| own.append(columns));
        self.check_size()
    }

    fn check_size(&self) -> Result<(), String> {
        if self.of.len() > MAX_EVENTS {
            return Err(format!("more than {MAX_EVENTS} events; give fewer files, or keep fewer rows"));
        }
        Ok(())
    }

    /// Brings events into the order of their keys' numbers, each key's in the order of their times (of equal ones, as they
    /// came), and leaves out those that are not among the last.
    fn order(&mut self) -> Result<(), String> {
        let mut order: Vec<u32> = (0..self.of.len() as u32).collect();
        // Stable: equal times stay in their order.
        order.sort_by(|a, b| {
            let (a, b) = (*a as usize, *b as usize);
            let earlier = self.times.as_ref().map(|times| times[a].order(&times[b]));
            self.of[a].cmp(&self.of[b]).then(earlier.unwrap_or(std::cmp::Ordering::Equal))
        });
        if let Some(last) = self.last {
            let mut kept = Vec::with_capacity(order.len());
            for events in order.chunk_by(|a, b| self.of[*a as usize] == self.of[*b as usize]) {
                kept.extend_from_slice(&events[events.len().saturating_sub(last)..]);
            }
            order = kept;
        }
        self.of = order.iter().map(|i| self.of[*i as usize]).collect();
        if let Some(times) = &mut self.times {
            *times = order.iter().map(|i| times[*i as usize]).collect();
        }
        let order = UInt32Array::from(order);
        for column in &mut self.columns {
            let all = take(&std::mem::take(column).finish()?, &order)?;
            column.push(all);
        }
        Ok(())
    }

    /// The events by key. The order in which keys first came does not show.
    pub(crate) fn finish(mut self) -> Result<Events, String> {
        let order = self.keys.sorted();
        let mut place = vec![0; order.len()];
        (0..).zip(&order).for_each(|(new, old)| place[*old] = new);
        self.of.iter_mut().for_each(|key| *key = place[*key as usize]);
        self.order()?;
        let mut ends = vec![0; order.len()];
        self.of.iter().for_each(|key| ends[*key as usize] += 1);
        let mut end = 0;
        for key in &mut ends {
            end += *key;
            *key = end;
        }
        let columns = self.columns.into_iter().map(Columns::finish).collect::<Result<_, _>>()?;
        Events::new(self.keys.reordered(&order)?, ends, self.times, columns)
    }
}

/// Events by key.
#[derive(Debug)]
pub(crate) struct Events {
    keys: Keys,
    /// Where each key's events end.
    ends: Vec<usize>,
    times: Option<Vec<Time>>,
    columns: Vec<ArrayRef>,
}

impl Events {
    /// From where each key's events end, and all that is known of the events.
    ///
    /// # Errors
    /// Columns of different lengths, and events that are not in the order of their times.
    pub(super) fn new(
        keys: Keys,
        ends: Vec<usize>,
        times: Option<Vec<Time>>,
        columns: Vec<ArrayRef>,
    ) -> Result<Events, String> {
        let events = Events { keys, ends, times, columns };
        let count = events.count();
        let fits = events.ends.len() == events.keys.len()
            && events.ends.is_sorted()
            && events.columns.iter().all(|column| column.len() == count)
            && events.times.as_ref().is_none_or(|times| times.len() == count);
        if !fits || count > MAX_EVENTS {
            return Err("keys and events do not belong together".to_owned());
        }
        let ordered = |times: &Vec<Time>, key| times[events.of_key(key)].is_sorted_by(|a, b| a.order(b).is_le());
        match &events.times {
            Some(times) if !(0..events.keys.len()).all(|key| ordered(times, key)) => {
                Err("events are not in the order of their times".to_owned())
            }
            _ => Ok(events),
        }
    }

    /// Number of events.
    pub(crate) fn count(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn times(&self) -> Option<&[Time]> {
        self.times.as_deref()
    }

    /// The events of a key, by its number.
    pub(super) fn of_key(&self, key: usize) -> Range<usize> {
        key.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[key]
    }

    /// The columns of all events.
    pub(crate) fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// The events that a row sees, oldest first.
    pub(crate) fn seen(&self, keys: &RowKeys, row: usize, before: Before) -> Range<usize> {
        let key = if keys.is_missing(row) { None } else { self.keys.find(keys.key(row)) };
        let Some(key) = key else { return 0..0 };
        let all = self.of_key(key);
        match (before, &self.times) {
            (Before::All, _) => all,
            (Before::Time(Some(time)), Some(times)) => {
                let earlier = times[all.clone()].partition_point(|event| event.order(&time).is_lt());
                all.start..all.start + earlier
            }
            (Before::Time(_), _) => 0..0,
        }
    }

    /// One list a row of the events' values, a column each.
    pub(crate) fn lists(&self, seen: &[Range<usize>]) -> Result<Vec<ListArray>, String> {
        let events = UInt32Array::from_iter_values(seen.iter().cloned().flatten().map(|i| i as u32));
        let list = |column| list_of(seen.iter().map(ExactSizeIterator::len), take(column, &events)?, None);
        self.columns.iter().map(list).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int64Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use proptest::prelude::*;

    use super::*;

    /// (key, time, value).
    type Event = (Option<i64>, Option<i64>, i64);

    fn keys(keys: impl Iterator<Item = Option<i64>>) -> RowKeys {
        let array: ArrayRef = Arc::new(keys.collect::<Int64Array>());
        RowKeys::new([("key", &array)]).unwrap()
    }

    fn at(time: Option<i64>) -> Option<Time> {
        time.map(|whole| Time { whole, fraction: 0.0 })
    }

    fn observe(fit: &mut EventsFit, events: &[Event]) {
        let times: Vec<_> = events.iter().map(|(_, time, _)| at(*time)).collect();
        let values: ArrayRef = Arc::new(events.iter().map(|(_, _, value)| Some(*value)).collect::<Int64Array>());
        let times = fit.times.is_some().then_some(times.as_slice());
        fit.observe(&keys(events.iter().map(|(key, ..)| *key)), times, &[values]).unwrap();
    }

    fn fitted(timed: bool, last: Option<usize>, parts: &[&[Event]]) -> Events {
        let mut fit = EventsFit::new(1, timed, last);
        parts.iter().for_each(|part| observe(&mut fit, part));
        fit.finish().unwrap()
    }

    fn seen(events: &Events, key: Option<i64>, before: Before) -> Vec<i64> {
        let lists = events.lists(&[events.seen(&keys([key].into_iter()), 0, before)]).unwrap();
        lists[0].value(0).as_primitive::<Int64Type>().values().to_vec()
    }

    /// What a row sees, by the definition.
    fn defined(events: &[Event], key: Option<i64>, time: Option<i64>) -> Vec<i64> {
        let mut seen: Vec<_> = events
            .iter()
            .filter(|(k, t, _)| k.is_some() && *k == key && t.is_some() && time.is_some() && *t < time)
            .collect();
        seen.sort_by_key(|(_, time, _)| *time);
        seen.into_iter().map(|(.., value)| *value).collect()
    }

    #[test]
    fn events_without_times_keep_their_order() {
        let events = [(Some(2), None, 1), (Some(1), None, 2), (None, None, 3), (Some(2), None, 4), (Some(2), None, 5)];
        let all = fitted(false, None, &[&events[..2], &events[2..]]);
        assert_eq!(seen(&all, Some(2), Before::All), [1, 4, 5]);
        assert!(seen(&all, None, Before::All).is_empty());
        assert!(seen(&all, Some(2), Before::Time(at(Some(9)))).is_empty());
        assert_eq!(seen(&fitted(false, Some(2), &[&events]), Some(2), Before::All), [4, 5]);
        assert_eq!(fitted(false, None, &[]).count(), 0);
    }

    #[test]
    fn trimming_on_the_way_changes_nothing() {
        let events: Vec<Event> = (0..5000).map(|i| (Some(i * i % 7), None, i)).collect();
        let mut trimmed = EventsFit::new(1, false, Some(3));
        for part in events.chunks(100) {
            trimmed.trim_at = 0;
            observe(&mut trimmed, part);
            assert!(trimmed.of.len() <= 7 * 3);
        }
        let (trimmed, whole) = (trimmed.finish().unwrap(), fitted(false, Some(3), &[&events]));
        for key in 0..7 {
            assert_eq!(seen(&trimmed, Some(key), Before::All), seen(&whole, Some(key), Before::All));
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        (prop::option::weighted(0.9, 0i64..4), prop::option::weighted(0.9, 0i64..6), any::<i64>())
    }

    proptest! {
        #[test]
        fn a_row_sees_what_came_strictly_before_it(
            events in prop::collection::vec(event(), 0..60),
            cut in 0.0..1.0f64,
            key in prop::option::of(0i64..5),
            time in prop::option::of(0i64..7),
        ) {
            let (first, second) = events.split_at((cut * events.len() as f64) as usize);
            let whole = fitted(true, None, &[first, second]);
            let mut merged = EventsFit::new(1, true, None);
            observe(&mut merged, first);
            let mut other = EventsFit::new(1, true, None);
            observe(&mut other, second);
            merged.merge(other).unwrap();
            let merged = merged.finish().unwrap();
            let names = (vec!["k".to_owned()], vec!["v".to_owned()]);
            let saved = whole.batches(&names.0, &names.1).unwrap();
            let restored = Events::restore(&saved, &names.0, &names.1, true).unwrap();
            let want = defined(&events, key, time);
            for fitted in [whole, merged, restored] {
                prop_assert_eq!(&seen(&fitted, key, Before::Time(at(time))), &want);
            }
        }

        /// Only events of equal times depend on the order in which they come.
        #[test]
        fn the_order_of_rows_does_not_matter(values in prop::collection::vec((0i64..3, any::<i64>()), 0..30), turn in 0usize..30) {
            let events: Vec<Event> = (0..).zip(&values).map(|(time, (key, value))| (Some(*key), Some(time), *value)).collect();
            let mut turned = events.clone();
            turned.rotate_left(turn.min(events.len()));
            let (a, b) = (fitted(true, None, &[&events]), fitted(true, None, &[&turned]));
            for key in 0..3 {
                let before = Before::Time(at(Some(20)));
                prop_assert_eq!(seen(&a, Some(key), before), seen(&b, Some(key), before));
            }
        }
    }
}
