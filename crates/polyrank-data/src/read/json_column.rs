//! One column of a batch of JSON rows: values are kept as text until the batch is whole, and only then typed.
//!
//! Numbers keep their digits until then, so that no integer ever passes through a float.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;
use polyrank_schema::config::Reading;
use serde_json::value::RawValue;

/// What a single value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Bool,
    /// A whole number within `i64`.
    Int,
    /// A whole number above it, within `u64`.
    UInt,
    /// A whole number beyond both.
    Big,
    Float,
    Text,
}

/// Whether a column's rows hold one value or a list; the first row of the file that says so decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Unknown,
    Single,
    List,
}

/// The values of one column for the rows of a batch.
pub(super) struct JsonColumn {
    name: String,
    trim: bool,
    null_values: Vec<String>,
    shape: Shape,
    /// Every value's kind and where its text ends in `text`.
    items: Vec<(Kind, usize)>,
    text: String,
    /// Where each row's values end in `items`, and whether the row has any value or list at all.
    rows: Vec<(usize, bool)>,
    scratch: String,
}

/// Whether a value is an object, or a list that is not of single values.
pub(super) fn is_object(raw: &str) -> bool {
    raw.starts_with('{') || (raw.starts_with('[') && raw[1..].trim_ascii_start().starts_with(['{', '[']))
}

impl JsonColumn {
    pub(super) fn new(name: &str, reading: &Reading) -> JsonColumn {
        JsonColumn {
            name: name.to_owned(),
            trim: reading.trim,
            null_values: reading.null_values.clone(),
            shape: Shape::Unknown,
            items: Vec::new(),
            text: String::new(),
            rows: Vec::new(),
            scratch: String::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Number of rows taken.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes the next row's value, a piece of valid JSON.
    pub(super) fn push(&mut self, raw: &str) -> Result<(), String> {
        let shape = match raw.as_bytes().first() {
            Some(b'n') => return self.null_row(),
            Some(b'[') => Shape::List,
            _ => Shape::Single,
        };
        if shape == Shape::List {
            let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
            for item in items {
                self.item(item.get())?;
            }
        } else {
            self.item(raw)?;
            // A text that means missing is a missing row, as in other text files.
            if self.items.last().is_some_and(|(kind, _)| *kind == Kind::Null) {
                self.items.pop();
                return self.null_row();
            }
        }
        if self.shape == Shape::Unknown {
            self.shape = shape;
        }
        if self.shape != shape {
            let (now, before) =
                if shape == Shape::List { ("a list", "single values") } else { ("a single value", "lists") };
            return Err(format!("{now} where earlier rows have {before}; write all rows alike"));
        }
        self.rows.push((self.items.len(), true));
        Ok(())
    }

    fn null_row(&mut self) -> Result<(), String> {
        self.rows.push((self.items.len(), false));
        Ok(())
    }

    fn item(&mut self, raw: &str) -> Result<(), String> {
        let kind = match raw.as_bytes().first() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => {
                self.text.push_str(raw);
                Kind::Bool
            }
            Some(b'"') => self.string(raw)?,
            Some(b'{') => {
                return Err("an object where a value or a list is expected; write its parts as columns".into());
            }
            Some(b'[') => return Err("a list within a list; write a list of values".into()),
            _ => self.number(raw)?,
        };
        self.items.push((kind, self.text.len()));
        Ok(())
    }

    fn string(&mut self, raw: &str) -> Result<Kind, String> {
        self.scratch.clear();
        let inner = &raw[1..raw.len() - 1];
        if inner.contains('\\') {
            let unescaped: String = serde_json::from_str(raw).map_err(|error| error.to_string())?;
            self.scratch.push_str(&unescaped);
        } else {
            self.scratch.push_str(inner);
        }
        let text = if self.trim { self.scratch.trim_ascii() } else { &self.scratch };
        if text.is_empty() || self.null_values.iter().any(|null| null == text) {
            return Ok(Kind::Null);
        }
        self.text.push_str(text);
        Ok(Kind::Text)
    }

    fn number(&mut self, raw: &str) -> Result<Kind, String> {
        if !raw.contains(['.', 'e', 'E']) {
            // JSON allows -0, whose digits are not those of the integer that it is.
            let digits = if raw == "-0" { "0" } else { raw };
            self.text.push_str(digits);
            return Ok(match (raw.parse::<i64>(), raw.parse::<u64>()) {
                (Ok(_), _) => Kind::Int,
                (_, Ok(_)) => Kind::UInt,
                _ => Kind::Big,
            });
        }
        match raw.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.text.push_str(raw);
                Ok(Kind::Float)
            }
            _ => Err(format!("the number {raw} is beyond what a 64-bit float holds")),
        }
    }

    /// Makes the column `rows` long: a row without the key is null.
    pub(super) fn pad(&mut self, rows: usize) {
        while self.rows.len() < rows {
            self.rows.push((self.items.len(), false));
        }
    }

    /// Takes back what came after the first `rows` rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.items.truncate(self.rows.last().map_or(0, |row| row.0));
        self.text.truncate(self.items.last().map_or(0, |item| item.1));
    }

    /// The column of the rows so far; starts over with the next row.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let valid = NullBuffer::from_iter(self.rows.iter().map(|row| row.1));
        let array = if self.shape == Shape::List {
            let values = self.typed(self.items.iter().copied(), self.items.len());
            let lengths = std::iter::once(0).chain(self.rows.iter().map(|row| row.0));
            let lengths: Vec<usize> = lengths.collect();
            let offsets = OffsetBuffer::from_lengths(lengths.windows(2).map(|pair| pair[1] - pair[0]));
            let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
            Arc::new(ListArray::new(field, offsets, values, Some(valid))) as ArrayRef
        } else {
            // A null row has no item: its text is empty and ends where the one before ends.
            let mut items = self.items.iter().copied();
            let mut end = 0;
            let filled = self.rows.iter().map(|row| {
                let item = if row.1 { items.next() } else { None };
                let item = item.unwrap_or((Kind::Null, end));
                end = item.1;
                item
            });
            self.typed(filled.collect::<Vec<_>>().into_iter(), self.rows.len())
        };
        self.items.clear();
        self.text.clear();
        self.rows.clear();
        array
    }

    /// Gives values their common type.
    fn typed(&self, items: impl Iterator<Item = (Kind, usize)> + Clone, len: usize) -> ArrayRef {
        let text = |start: usize, end: usize| self.text.get(start..end).unwrap_or_default();
        let values = || {
            items.clone().scan(0, move |start, (kind, end)| {
                let value = (kind, text(*start, end));
                *start = end;
                Some(value)
            })
        };
        let only = |kinds: &[Kind]| {
            let mut present = items.clone().filter(|item| item.0 != Kind::Null).peekable();
            present.peek().is_some() && present.all(|item| kinds.contains(&item.0))
        };
        if only(&[Kind::Int]) {
            return Arc::new(values().map(|(_, text)| text.parse().ok()).collect::<Int64Array>());
        }
        if only(&[Kind::Int, Kind::UInt]) && !values().any(|(_, text)| text.starts_with('-')) {
            return Arc::new(values().map(|(_, text)| text.parse().ok()).collect::<UInt64Array>());
        }
        if only(&[Kind::Float]) {
            return Arc::new(values().map(|(_, text)| text.parse().ok()).collect::<Float64Array>());
        }
        if only(&[Kind::Bool]) {
            let mut builder = BooleanBuilder::with_capacity(len);
            values().for_each(|(kind, text)| builder.append_option((kind == Kind::Bool).then_some(text == "true")));
            return Arc::new(builder.finish());
        }
        if only(&[Kind::Text]) {
            return Arc::new(
                values().map(|(kind, text)| (kind == Kind::Text).then_some(text)).collect::<StringArray>(),
            );
        }
        let mut builder = StringBuilder::with_capacity(len, self.text.len());
        let mut number = String::new();
        for (kind, text) in values() {
            match kind {
                Kind::Null => builder.append_null(),
                Kind::Float => {
                    number.clear();
                    write_float(&mut number, text.parse().unwrap_or(f64::NAN));
                    builder.append_value(&number);
                }
                _ => builder.append_value(text),
            }
        }
        Arc::new(builder.finish())
    }
}

/// The canonical text of a float: a whole one is written as the integer that it is.
fn write_float(out: &mut String, value: f64) {
    // Writing to a string cannot fail; -0 is the integer 0.
    let _ = write!(out, "{}", if value == 0.0 { 0.0 } else { value });
}
