//! JSON lines: one object a line.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Fields, Schema};
use hashbrown::HashMap;
use polyrank_schema::config::{OnBadRow, Reading};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::delimited::unless_consecutive;
use super::files::{DataFile, Format, Packing};
use super::json_column::{JsonColumn, is_object};
use super::lines::Lines;
use super::{Chunk, FileReader, bad_file, bad_row};
use crate::error::DataError;

/// Bytes of text after which a batch ends, however few rows it has.
const CHUNK_BYTES: usize = 16 << 20;

/// Rows that show which columns a file has.
const SAMPLE_ROWS: usize = 10_000;

/// Reads columns of one file of JSON lines.
pub(super) struct JsonLines {
    path: Arc<Path>,
    lines: Lines,
    on_bad_row: OnBadRow,
    /// Where each column of the output is kept.
    positions: HashMap<String, usize>,
    columns: Vec<JsonColumn>,
    batch_rows: usize,
    skipped: u64,
}

impl JsonLines {
    pub(super) fn open(
        file: &DataFile,
        reading: &Reading,
        columns: &[String],
        batch_rows: usize,
    ) -> Result<JsonLines, DataError> {
        Ok(JsonLines {
            path: file.path.clone(),
            lines: Lines::open(file, packing(file))?,
            on_bad_row: reading.on_bad_row,
            positions: columns.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect(),
            columns: columns.iter().map(|name| JsonColumn::new(name, reading)).collect(),
            batch_rows,
            skipped: 0,
        })
    }

    /// Takes the current line's values as the row after `before` others; on an error the row is half taken.
    fn take_row(&mut self, before: usize) -> Result<(), Bad> {
        let line = self.lines.content();
        let mut parser = serde_json::Deserializer::from_slice(line);
        let mut culprit = None;
        let row = Row { positions: &self.positions, columns: &mut self.columns, before, culprit: &mut culprit };
        let problem = match row.deserialize(&mut parser).and_then(|()| parser.end()) {
            Ok(()) => return Ok(()),
            Err(error) if culprit.is_some() => without_place(&error),
            Err(error) => explain(line, &error),
        };
        Err(Bad { column: culprit, problem })
    }
}

fn packing(file: &DataFile) -> Packing {
    match &file.format {
        Format::JsonLines(packing) => *packing,
        _ => Packing::Plain,
    }
}

/// A malformed row.
struct Bad {
    column: Option<String>,
    problem: String,
}

impl FileReader for JsonLines {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DataError> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while lines.len() < self.batch_rows && bytes < CHUNK_BYTES {
            if !self.lines.advance()? {
                break;
            }
            if self.lines.content().trim_ascii().is_empty() {
                continue;
            }
            if let Err(bad) = self.take_row(lines.len()) {
                for column in &mut self.columns {
                    column.truncate(lines.len());
                }
                if self.on_bad_row == OnBadRow::Skip {
                    self.skipped += 1;
                    continue;
                }
                return Err(bad_row(&self.path, self.lines.number(), bad.column.as_deref(), bad.problem));
            }
            lines.push(self.lines.number());
            for column in &mut self.columns {
                column.pad(lines.len());
            }
            bytes += self.lines.content().len();
        }
        let Some(&first_line) = lines.first() else { return Ok(None) };
        let arrays: Vec<_> = self.columns.iter_mut().map(JsonColumn::finish).collect();
        let fields: Vec<Field> = self
            .columns
            .iter()
            .zip(&arrays)
            .map(|(column, array)| Field::new(column.name(), array.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|error| bad_file(&self.path, error.to_string()))?;
        Ok(Some(Chunk { batch, first_line, lines: unless_consecutive(lines) }))
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// Names and types of the columns of a file's first rows, in order of appearance.
pub(super) fn columns(file: &DataFile, reading: &Reading) -> Result<Vec<(String, DataType)>, DataError> {
    let mut lines = Lines::open(file, packing(file))?;
    let mut keys = Keys::default();
    let mut rows = 0;
    while rows < SAMPLE_ROWS && lines.advance()? {
        if lines.content().trim_ascii().is_empty() {
            continue;
        }
        let mut parser = serde_json::Deserializer::from_slice(lines.content());
        match (&mut keys).deserialize(&mut parser).and_then(|()| parser.end()) {
            Ok(()) => rows += 1,
            Err(_) if reading.on_bad_row == OnBadRow::Skip => {}
            Err(error) => return Err(bad_row(&file.path, lines.number(), None, explain(lines.content(), &error))),
        }
    }
    let readable: Vec<String> = keys.names.iter().filter(|(_, nested)| !nested).map(|(name, _)| name.clone()).collect();
    let lenient = Reading { on_bad_row: OnBadRow::Skip, ..reading.clone() };
    let mut sample = JsonLines::open(file, &lenient, &readable, SAMPLE_ROWS)?;
    let chunk = sample.next_chunk()?;
    let found = keys.names.into_iter().map(|(name, nested)| {
        let seen = chunk.as_ref().and_then(|chunk| chunk.batch.column_by_name(&name));
        let kind = match seen {
            _ if nested => DataType::Struct(Fields::empty()),
            Some(array) => array.data_type().clone(),
            None => DataType::Utf8,
        };
        (name, kind)
    });
    Ok(found.collect())
}

/// What is wrong with a line, as serde_json sees it.
fn explain(line: &[u8], error: &serde_json::Error) -> String {
    if line.trim_ascii_start().starts_with(b"[") {
        return "a JSON array where one object a line is expected; write each row on its own line".into();
    }
    // Of serde_json's own place only the column is of use: each line is parsed by itself.
    format!("{} at character {}; write one JSON object a line", without_place(error), error.column())
}

fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}

/// Reads an object's values into columns.
struct Row<'a> {
    positions: &'a HashMap<String, usize>,
    columns: &'a mut [JsonColumn],
    /// Rows that the columns had before this one.
    before: usize,
    /// The column to blame, once one is.
    culprit: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(position) = map.next_key_seed(Position(self.positions))? {
            let Some(column) = position.and_then(|at| self.columns.get_mut(at)) else {
                map.next_value::<serde::de::IgnoredAny>()?;
                continue;
            };
            let value: &RawValue = map.next_value()?;
            let pushed = if column.len() > self.before {
                Err("the key appears twice; write it once".into())
            } else {
                column.push(value.get())
            };
            if let Err(problem) = pushed {
                *self.culprit = Some(column.name().to_owned());
                return Err(A::Error::custom(problem));
            }
        }
        Ok(())
    }
}

/// Looks a key up without keeping it.
struct Position<'a>(&'a HashMap<String, usize>);

impl<'de> DeserializeSeed<'de> for Position<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Position<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(key).copied())
    }
}

/// The keys of objects, in order of appearance, and whether one of their values is an object.
#[derive(Default)]
struct Keys {
    names: Vec<(String, bool)>,
    positions: HashMap<String, usize>,
}

impl<'de> DeserializeSeed<'de> for &mut Keys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let value: &RawValue = map.next_value()?;
            let at = *self.positions.entry(key).or_insert_with_key(|key| {
                self.names.push((key.clone(), false));
                self.names.len() - 1
            });
            self.names[at].1 |= is_object(value.get());
        }
        Ok(())
    }
}
