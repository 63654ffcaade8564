//! Keys of one or several values, and the numbers that they are known by.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, RecordBatch};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::encode::column::{BadCell, bad_column, each_row};
use crate::encode::plan::column;
use crate::encode::value::{Value, visit};
use crate::error::DataError;

/// What the bytes of a value begin with.
const MISSING: u8 = 0;
const NEGATIVE: u8 = 1;
const NATURAL: u8 = 2;
const TEXT: u8 = 3;

/// The most keys that are kept: their numbers are indices of Arrow arrays too.
const MAX_KEYS: usize = i32::MAX as usize;

/// The keys of a batch's rows, in bytes that are alike if and only if the values are.
#[derive(Debug, Default)]
pub(crate) struct RowKeys {
    bytes: Vec<u8>,
    /// Where each row's key ends.
    ends: Vec<usize>,
    /// Rows of which a value is missing.
    missing: Vec<bool>,
}

impl RowKeys {
    /// The keys that columns hold, each (name, array); the arrays are [`plain`](crate::encode::value::plain).
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, &'a ArrayRef)>) -> Result<RowKeys, DataError> {
        let mut keys: Option<RowKeys> = None;
        for (name, array) in columns {
            let part = RowKeys::of_column(array).map_err(|bad| bad.of(name))?;
            keys = Some(match keys {
                None => part,
                Some(keys) => keys.beside(&part),
            });
        }
        keys.ok_or_else(|| bad_column("", "a key needs at least one column"))
    }

    /// The keys that columns of a batch hold, found by name.
    pub(crate) fn of_batch(batch: &RecordBatch, names: &[String]) -> Result<RowKeys, DataError> {
        let arrays = names.iter().map(|name| column(batch, name)).collect::<Result<Vec<_>, _>>()?;
        RowKeys::new(names.iter().map(String::as_str).zip(&arrays))
    }

    fn of_column(array: &ArrayRef) -> Result<RowKeys, BadCell> {
        let rows = array.len();
        let mut keys = RowKeys {
            bytes: Vec::with_capacity(9 * rows),
            ends: Vec::with_capacity(rows),
            missing: Vec::with_capacity(rows),
        };
        visit(array.as_ref(), each_row(rows), |_, value| {
            keys.missing.push(value == Value::Missing);
            write(value, &mut keys.bytes);
            keys.ends.push(keys.bytes.len());
            Ok(())
        })?;
        Ok(keys)
    }

    /// Each row's key followed by that of another column.
    fn beside(&self, other: &RowKeys) -> RowKeys {
        let mut both =
            RowKeys { bytes: Vec::with_capacity(self.bytes.len() + other.bytes.len()), ..RowKeys::default() };
        for row in 0..self.len() {
            both.bytes.extend_from_slice(self.key(row));
            both.bytes.extend_from_slice(other.key(row));
            both.ends.push(both.bytes.len());
            both.missing.push(self.missing[row] || other.missing[row]);
        }
        both
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn key(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[row]]
    }

    /// Whether one of the row's values is missing: it names nothing then, though rows that miss the same are alike.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.missing[row]
    }
}

fn write(value: Value<'_>, bytes: &mut Vec<u8>) {
    match value {
        Value::Missing => bytes.push(MISSING),
        // Big-endian: integers of one sign go by size.
        Value::Negative(n) => {
            bytes.push(NEGATIVE);
            bytes.extend_from_slice(&n.to_be_bytes());
        }
        Value::Natural(n) => {
            bytes.push(NATURAL);
            bytes.extend_from_slice(&n.to_be_bytes());
        }
        Value::Text(text) => {
            bytes.push(TEXT);
            // Its length, so that no pair of texts is alike another pair.
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}

/// The canonical texts of a key's values, as [`write`] wrote them; `None` for a missing one.
fn texts(mut key: &[u8]) -> Vec<Option<String>> {
    let mut texts = Vec::new();
    while let Some((tag, rest)) = key.split_first() {
        let (number, after) = rest.split_at(rest.len().min(8));
        let number = u64::from_be_bytes(number.try_into().unwrap_or_default());
        (key, texts) = {
            let (text, left) = match *tag {
                NEGATIVE => (Some((number as i64).to_string()), after),
                NATURAL => (Some(number.to_string()), after),
                TEXT => {
                    let (text, left) = after.split_at(after.len().min(number as usize));
                    (Some(String::from_utf8_lossy(text).into_owned()), left)
                }
                _ => (None, rest),
            };
            texts.push(text);
            (left, texts)
        };
    }
    texts
}

/// A key for a message.
pub(crate) fn show(key: &[u8]) -> String {
    let texts: Vec<_> =
        texts(key).into_iter().map(|text| text.map_or("missing".to_owned(), |t| format!("`{t}`"))).collect();
    texts.join(", ")
}

/// Distinct keys, numbered from 0 in the order in which they came.
#[derive(Debug, Default, Clone)]
pub(crate) struct Keys {
    /// All keys, one after another.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Keys {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn key(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[i]]
    }

    /// The number of a key; `None` for one that is not there.
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        self.index.find(self.hasher.hash_one(key), |i| self.key(*i as usize) == key).map(|i| *i as usize)
    }

    /// The number of a key, which is taken in if it is new.
    pub(crate) fn insert(&mut self, key: &[u8]) -> Result<usize, String> {
        if let Some(i) = self.find(key) {
            return Ok(i);
        }
        let i = self.len();
        if i == MAX_KEYS {
            return Err(format!("more than {MAX_KEYS} distinct keys; use coarser ones"));
        }
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        let Keys { bytes, ends, index, hasher } = self;
        let of = |i: usize| &bytes[i.checked_sub(1).map_or(0, |before| ends[before])..ends[i]];
        index.insert_unique(hasher.hash_one(key), i as u32, |i| hasher.hash_one(of(*i as usize)));
        Ok(i)
    }

    /// The keys' numbers, in the order of the keys themselves: the same whatever order they came in.
    pub(crate) fn sorted(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by(|a, b| self.key(*a).cmp(self.key(*b)));
        order
    }

    /// The keys in another order.
    pub(crate) fn reordered(&self, order: &[usize]) -> Result<Keys, String> {
        let mut keys = Keys::default();
        order.iter().try_for_each(|i| keys.insert(self.key(*i)).map(|_| ()))?;
        Ok(keys)
    }

    /// As columns of canonical text, one for each of a key's `parts` values, null for a missing one.
    pub(crate) fn columns(&self, parts: usize) -> Vec<ArrayRef> {
        let mut columns: Vec<_> = (0..parts).map(|_| StringBuilder::new()).collect();
        for i in 0..self.len() {
            for (column, text) in columns.iter_mut().zip(texts(self.key(i))) {
                column.append_option(text);
            }
        }
        columns.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow_array::{Float64Array, Int64Array, StringArray};

    use super::*;

    fn keys(columns: Vec<(&str, ArrayRef)>) -> RowKeys {
        RowKeys::new(columns.iter().map(|(name, array)| (*name, array))).unwrap()
    }

    #[test]
    fn one_value_is_one_key_in_every_type() {
        let integers = keys(vec![("k", Arc::new(Int64Array::from(vec![Some(7), Some(-7), None])))]);
        let floats = keys(vec![("k", Arc::new(Float64Array::from(vec![Some(7.0), Some(-7.0), Some(f64::NAN)])))]);
        let texts = keys(vec![("k", Arc::new(StringArray::from(vec![Some("7"), Some("-7"), Some("")])))]);
        for row in 0..3 {
            assert_eq!(integers.key(row), floats.key(row));
            assert_eq!(integers.key(row), texts.key(row));
            assert_eq!(integers.is_missing(row), row == 2);
        }
        assert_ne!(integers.key(0), keys(vec![("k", Arc::new(StringArray::from(vec!["07"])))]).key(0));
    }

    #[test]
    fn pairs_of_texts_do_not_run_into_each_other() {
        let a: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("ab"), Some(""), Some("x"), None]));
        let b: ArrayRef = Arc::new(StringArray::from(vec![Some("bc"), Some("c"), Some("x"), None, Some("x")]));
        let keys = keys(vec![("a", a), ("b", b)]);
        let mut known = Keys::default();
        let numbers: Vec<_> = (0..5).map(|row| known.insert(keys.key(row)).unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 2]);
        assert!(keys.is_missing(2) && !keys.is_missing(0));
        assert_eq!(show(known.key(3)), "`x`, missing");
    }

    #[test]
    fn keys_come_back_from_their_texts() {
        let values: ArrayRef =
            Arc::new(StringArray::from(vec!["7", "-9223372036854775808", "7.5", "é", "", "18446744073709551615"]));
        let rows = keys(vec![("k", values)]);
        let mut known = Keys::default();
        (0..rows.len()).for_each(|row| assert_eq!(known.insert(rows.key(row)).unwrap(), row));
        let again = keys(vec![("k", known.columns(1).remove(0))]);
        (0..rows.len()).for_each(|row| assert_eq!(known.find(again.key(row)), Some(row)));
        let order = known.sorted();
        let sorted = known.reordered(&order).unwrap();
        assert_eq!(order, [4, 1, 0, 5, 3, 2]);
        assert_eq!(sorted.find(rows.key(0)), Some(2));
    }
}
