//! Text with separators: CSV, TSV and their kin.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use polyrank_schema::config::{OnBadRow, Reading};

use super::files::{DataFile, TextStyle};
use super::lines::{Lines, MAX_LINE};
use super::{Chunk, FileReader, bad_file, bad_row, positions};
use crate::error::DataError;

/// Bytes of text after which a batch ends, however few rows it has.
const CHUNK_BYTES: usize = 16 << 20;

/// Rows that a chunk has room for from the start.
const USUAL_ROWS: usize = 8192;

/// Names of a file's columns.
pub(super) fn header(file: &DataFile, style: &TextStyle, reading: &Reading) -> Result<Vec<String>, DataError> {
    let mut records = Records::new(Lines::open(file, style.packing)?, style);
    names(&file.path, &mut records, reading)
}

/// The configured names, or those of the first row, which this reads.
fn names(path: &Path, records: &mut Records, reading: &Reading) -> Result<Vec<String>, DataError> {
    let names: Vec<String> = match &reading.columns {
        Some(names) => names.clone(),
        None => {
            let named = |bad: Bad| bad_row(path, bad.line, None, format!("in the header: {}", bad.problem));
            match records.advance(path)? {
                Some(record) => record.map_err(named)?,
                None => {
                    let problem = "is empty: no header line; write one, or name the columns in data.columns";
                    return Err(bad_file(path, problem));
                }
            }
            let row = records.row().map_err(named)?;
            (0..row.spans.len()).map(|position| trimmed(row.field(position), reading.trim).to_owned()).collect()
        }
    };
    let mut seen = BTreeSet::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if !seen.insert(name) {
            let problem = format!("the header names `{name}` twice; rename one of the columns");
            return Err(bad_row(path, records.line.max(1), Some(name), problem));
        }
    }
    Ok(names)
}

fn trimmed(field: &str, trim: bool) -> &str {
    if trim { field.trim_ascii() } else { field }
}

/// Reads columns of one text file.
pub(super) struct Delimited {
    path: Arc<Path>,
    records: Records,
    reading: Reading,
    /// All columns of the file.
    names: Vec<String>,
    /// Where each column of the output stands in the file.
    wanted: Vec<usize>,
    schema: SchemaRef,
    batch_rows: usize,
    /// Bytes of each column in the chunk before: the next one will have about as many.
    sizes: Vec<usize>,
    skipped: u64,
}

impl Delimited {
    pub(super) fn open(
        file: &DataFile,
        style: &TextStyle,
        reading: &Reading,
        columns: &[String],
        batch_rows: usize,
    ) -> Result<Delimited, DataError> {
        let mut records = Records::new(Lines::open(file, style.packing)?, style);
        let names = names(&file.path, &mut records, reading)?;
        let present: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = positions(&file.path, columns, &present)?;
        let fields: Vec<Field> = columns.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
        Ok(Delimited {
            path: file.path.clone(),
            records,
            reading: reading.clone(),
            names,
            sizes: vec![0; wanted.len()],
            wanted,
            schema: Arc::new(Schema::new(fields)),
            batch_rows,
            skipped: 0,
        })
    }

    /// The current row, if it has a field a column.
    fn counted<'r>(&self, row: Row<'r>) -> Result<Row<'r>, Bad> {
        let (found, expected) = (row.spans.len(), self.names.len());
        if found == expected {
            return Ok(row);
        }
        let plural = if found == 1 { "" } else { "s" };
        let problem = format!(
            "{found} field{plural} where {expected} columns are expected; correct the row, or set data.on_bad_row = \
             \"skip\" to leave such rows out"
        );
        Err(Bad { line: self.records.line, column: (found < expected).then_some(found), problem })
    }
}

impl FileReader for Delimited {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DataError> {
        let rows = self.batch_rows.min(USUAL_ROWS);
        let sized = |bytes: &usize| StringBuilder::with_capacity(rows, *bytes);
        let mut builders: Vec<StringBuilder> = self.sizes.iter().map(sized).collect();
        let mut lines = Vec::with_capacity(rows);
        let mut bytes = 0;
        while lines.len() < self.batch_rows && bytes < CHUNK_BYTES {
            let Some(record) = self.records.advance(&self.path)? else { break };
            let row = record.and_then(|()| self.records.row()).and_then(|row| self.counted(row));
            let row = match row {
                Ok(row) => row,
                Err(_) if self.reading.on_bad_row == OnBadRow::Skip => {
                    self.skipped += 1;
                    continue;
                }
                Err(bad) => {
                    let column = bad.column.and_then(|field| self.names.get(field)).map(String::as_str);
                    return Err(bad_row(&self.path, bad.line, column, bad.problem));
                }
            };
            for (builder, &position) in builders.iter_mut().zip(&self.wanted) {
                let field = trimmed(row.field(position), self.reading.trim);
                if field.is_empty() || self.reading.null_values.iter().any(|null| null == field) {
                    builder.append_null();
                } else {
                    builder.append_value(field);
                    bytes += field.len();
                }
            }
            lines.push(self.records.line);
        }
        let Some(&first_line) = lines.first() else { return Ok(None) };
        self.sizes = builders.iter().map(|builder| builder.values_slice().len()).collect();
        let arrays = builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| bad_file(&self.path, error.to_string()))?;
        Ok(Some(Chunk { batch, first_line, lines: unless_consecutive(lines) }))
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// Calls `f` with each place of a byte, in order: eight bytes at a time, as fields are too short for longer vectors and each
/// end of one would be a branch that the processor guesses wrong.
fn each_place(byte: u8, text: &[u8], mut f: impl FnMut(usize)) {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const LOW: u64 = 0x7f * ONES;
    let (words, rest) = text.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        // Zero where the byte is; then the highest bit of those, and of no others.
        let other = u64::from_le_bytes(*word) ^ (u64::from(byte) * ONES);
        let mut found = !(((other & LOW) + LOW) | other | LOW);
        while found != 0 {
            f(8 * i + found.trailing_zeros() as usize / 8);
            found &= found - 1;
        }
    }
    for (i, other) in rest.iter().enumerate() {
        if *other == byte {
            f(8 * words.len() + i);
        }
    }
}

/// The line numbers, unless the first one tells them all.
pub(super) fn unless_consecutive(lines: Vec<u64>) -> Option<Vec<u64>> {
    let consecutive = lines.windows(2).all(|pair| pair[1] == pair[0] + 1);
    (!consecutive).then_some(lines)
}

/// A malformed row.
struct Bad {
    line: u64,
    /// Index of the field to blame.
    column: Option<usize>,
    problem: String,
}

/// A row's text and where its fields are.
#[derive(Clone, Copy)]
struct Row<'r> {
    text: &'r str,
    spans: &'r [Range<usize>],
}

impl<'r> Row<'r> {
    fn field(&self, position: usize) -> &'r str {
        self.spans.get(position).and_then(|span| self.text.get(span.clone())).unwrap_or_default()
    }
}

/// Cuts lines into rows and rows into fields.
struct Records {
    lines: Lines,
    separator: u8,
    quoting: bool,
    quoted: Box<csv_core::Reader>,
    /// The text of a row that has quotes, its fields end to end.
    unquoted: Vec<u8>,
    ends: Vec<usize>,
    /// Whether the current row's fields are in `unquoted` or in the current line.
    in_line: bool,
    /// Where the current row's fields are.
    spans: Vec<Range<usize>>,
    /// The line on which the current row begins.
    line: u64,
}

impl Records {
    fn new(lines: Lines, style: &TextStyle) -> Records {
        Records {
            lines,
            separator: style.separator,
            quoting: style.quoting,
            quoted: Box::new(csv_core::ReaderBuilder::new().delimiter(style.separator).build()),
            unquoted: Vec::new(),
            ends: Vec::new(),
            in_line: true,
            spans: Vec::new(),
            line: 0,
        }
    }

    /// Moves to the next row; `None` at the end. An inner error concerns this row alone; after an outer one it is
    /// unknown where the next row would begin.
    fn advance(&mut self, path: &Path) -> Result<Option<Result<(), Bad>>, DataError> {
        loop {
            if !self.lines.advance()? {
                return Ok(None);
            }
            if !self.lines.content().is_empty() {
                break;
            }
        }
        self.line = self.lines.number();
        self.spans.clear();
        self.in_line = !(self.quoting && self.lines.content().contains(&b'"'));
        if !self.in_line {
            if let Err(bad) = self.unquote(path)? {
                return Ok(Some(Err(bad)));
            }
        } else {
            let (mut start, spans) = (0, &mut self.spans);
            each_place(self.separator, self.lines.content(), |at| {
                spans.push(start..at);
                start = at + 1;
            });
            self.spans.push(start..self.lines.content().len());
        }
        Ok(Some(Ok(())))
    }

    /// Reads a row that has quotes, over as many lines as it takes.
    fn unquote(&mut self, path: &Path) -> Result<Result<(), Bad>, DataError> {
        self.quoted.reset();
        self.unquoted.clear();
        self.ends.clear();
        let (mut written, mut fields) = (0, 0);
        loop {
            // A last line without a line break still ends its row, unless a quote is open.
            let raw = self.lines.raw();
            let mut missing_end: &[u8] = if raw.ends_with(b"\n") { b"" } else { b"\n" };
            let mut input = raw;
            // Fields never grow by losing their quotes.
            self.unquoted.resize(written + raw.len() + 1, 0);
            loop {
                if fields == self.ends.len() {
                    self.ends.resize((2 * fields).max(64), 0);
                }
                let (state, used, wrote, ended) =
                    self.quoted.read_record(input, &mut self.unquoted[written..], &mut self.ends[fields..]);
                input = &input[used..];
                written += wrote;
                fields += ended;
                match state {
                    csv_core::ReadRecordResult::OutputFull => {
                        self.unquoted.resize(2 * self.unquoted.len() + 1, 0);
                    }
                    csv_core::ReadRecordResult::OutputEndsFull => {}
                    // To the CSV reader an empty input would be the end of the file.
                    csv_core::ReadRecordResult::InputEmpty if missing_end.is_empty() => break,
                    csv_core::ReadRecordResult::InputEmpty => input = std::mem::take(&mut missing_end),
                    csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => {
                        let mut start = 0;
                        for &end in &self.ends[..fields] {
                            self.spans.push(start..end);
                            start = end;
                        }
                        self.unquoted.truncate(written);
                        let bad = input.iter().any(|byte| !matches!(byte, b'\r' | b'\n')).then(|| Bad {
                            line: self.line,
                            column: fields.checked_sub(1),
                            problem: "a carriage return outside quotes; quote the field that holds it".into(),
                        });
                        return Ok(bad.map_or(Ok(()), Err));
                    }
                }
            }
            if written > MAX_LINE {
                return Err(self.lines.too_long());
            }
            if !self.lines.advance()? {
                let problem =
                    "a quote opened in this row is never closed; close it, or double it if it is part of the text";
                return Err(bad_row(path, self.line, None, problem));
            }
        }
    }

    fn text(&self) -> &[u8] {
        if self.in_line { self.lines.content() } else { &self.unquoted }
    }

    /// The current row, if it is text.
    fn row(&self) -> Result<Row<'_>, Bad> {
        let bytes = self.text();
        // The whole row at once: separators are ASCII, so fields of a valid row are valid.
        std::str::from_utf8(bytes).map(|text| Row { text, spans: &self.spans }).map_err(|error| {
            let at = error.valid_up_to();
            let column = self.spans.iter().position(|span| span.end > at);
            let byte = bytes.get(at).copied().unwrap_or(0);
            Bad { line: self.line, column, problem: format!("byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_byte_is_found_wherever_it_is(text in prop::collection::vec(prop_oneof![Just(9u8), 0u8..12, any::<u8>()], 0..60)) {
            let mut places = Vec::new();
            each_place(9, &text, |at| places.push(at));
            let expected: Vec<_> = text.iter().enumerate().filter(|(_, byte)| **byte == 9).map(|(at, _)| at).collect();
            prop_assert_eq!(places, expected);
        }
    }
}
