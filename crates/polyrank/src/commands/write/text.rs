//! Text files: CSV, TSV, JSON lines. What is written reads back as the same values.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use crate::failure::Failure;

type Error = Box<dyn std::error::Error>;

/// Between the values of a list in one field, as `list.separator` has it by default.
const LIST_SEPARATOR: &str = "|";

/// A file of fields between separators.
pub(super) struct Delimited {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
    separator: u8,
    header: bool,
}

impl Delimited {
    pub(super) fn new(path: PathBuf, file: BufWriter<File>, separator: u8) -> Delimited {
        // Readers take a quote for a character like any other where the separator is a tab.
        let style = if separator == b'\t' { csv::QuoteStyle::Never } else { csv::QuoteStyle::Necessary };
        let writer = csv::WriterBuilder::new().delimiter(separator).quote_style(style).from_writer(file);
        Delimited { path, writer, separator, header: false }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let path = self.path.clone();
        let other = |e: Error| Failure::other(&path, e);
        let schema = batch.schema();
        if !self.header {
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            names.iter().try_for_each(|name| self.check(name))?;
            self.writer.write_record(names).map_err(|e| other(e.into()))?;
            self.header = true;
        }
        let columns = Cells::of(batch).map_err(other)?;
        let mut field = String::new();
        for row in 0..batch.num_rows() {
            for column in &columns {
                field.clear();
                column.text(row, &mut field);
                self.check(&field)?;
                self.writer.write_field(&field).map_err(|e| other(e.into()))?;
            }
            self.writer.write_record(None::<&[u8]>).map_err(|e| other(e.into()))?;
        }
        Ok(())
    }

    pub(super) fn into_inner(self) -> Result<BufWriter<File>, Error> {
        self.writer.into_inner().map_err(|e| e.into_error().into())
    }

    fn check(&self, field: &str) -> Result<(), Failure> {
        if self.separator == b'\t' && field.contains(['\t', '\n', '\r']) {
            return Err(Failure::input(format!(
                "{}: a text has a tab or a line's end in it, which a .tsv file cannot; name a .csv file",
                self.path.display()
            )));
        }
        Ok(())
    }
}

/// Writes rows as JSON objects, one a line.
pub(super) fn write_json_lines(file: &mut BufWriter<File>, batch: &RecordBatch) -> Result<(), Error> {
    let schema = batch.schema();
    let names: Vec<String> =
        schema.fields().iter().map(|field| serde_json::to_string(field.name())).collect::<Result<_, _>>()?;
    let columns = Cells::of(batch)?;
    let mut line = String::new();
    for row in 0..batch.num_rows() {
        line.clear();
        for (name, column) in names.iter().zip(&columns) {
            line.push(if line.is_empty() { '{' } else { ',' });
            line.push_str(name);
            line.push(':');
            column.json(row, &mut line)?;
        }
        line.push_str("}\n");
        file.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// The cells of a column.
enum Cells<'a> {
    List { lists: &'a dyn Array, offsets: Vec<usize>, values: Box<Cells<'a>> },
    One { array: &'a dyn Array, formatter: ArrayFormatter<'a> },
}

impl<'a> Cells<'a> {
    /// Of the columns of a batch.
    fn of(batch: &'a RecordBatch) -> Result<Vec<Cells<'a>>, Error> {
        batch.columns().iter().map(|column| Cells::new(column)).collect()
    }

    fn new(array: &'a dyn Array) -> Result<Cells<'a>, Error> {
        Ok(match array.data_type() {
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                let offsets = lists.value_offsets().iter().map(|end| *end as usize).collect();
                Cells::List { lists: array, offsets, values: Box::new(Cells::new(lists.values().as_ref())?) }
            }
            _ => {
                static OPTIONS: FormatOptions<'static> = FormatOptions::new();
                Cells::One { array, formatter: ArrayFormatter::try_new(array, &OPTIONS)? }
            }
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Cells::List { lists, .. } => lists.is_null(row),
            Cells::One { array, .. } => array.is_null(row),
        }
    }

    /// Adds the text of a cell; nothing where it is missing.
    fn text(&self, row: usize, out: &mut String) {
        use std::fmt::Write as _;
        if self.is_null(row) {
            return;
        }
        // Writing to a string does not fail.
        let _ = match self {
            Cells::List { offsets, values, .. } => {
                for (i, value) in (offsets[row]..offsets[row + 1]).enumerate() {
                    if i > 0 {
                        out.push_str(LIST_SEPARATOR);
                    }
                    values.text(value, out);
                }
                Ok(())
            }
            // The shortest text that reads back as the same number.
            Cells::One { array, formatter } => match array.data_type() {
                DataType::Float32 => write!(out, "{}", array.as_primitive::<Float32Type>().value(row)),
                DataType::Float64 => write!(out, "{}", array.as_primitive::<Float64Type>().value(row)),
                _ => write!(out, "{}", formatter.value(row)),
            },
        };
    }

    /// Adds a cell as JSON; `null` where it is missing or no number.
    fn json(&self, row: usize, out: &mut String) -> Result<(), Error> {
        if self.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        match self {
            Cells::List { offsets, values, .. } => {
                out.push('[');
                for (i, value) in (offsets[row]..offsets[row + 1]).enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    values.json(value, out)?;
                }
                out.push(']');
            }
            Cells::One { array, .. } => {
                let from = out.len();
                self.text(row, out);
                let bare = match array.data_type() {
                    DataType::Float32 => array.as_primitive::<Float32Type>().value(row).is_finite(),
                    DataType::Float64 => array.as_primitive::<Float64Type>().value(row).is_finite(),
                    other => other.is_integer() || *other == DataType::Boolean,
                };
                if !bare {
                    let text = out.split_off(from);
                    let number = array.data_type().is_floating();
                    out.push_str(&if number { "null".to_owned() } else { serde_json::to_string(&text)? });
                }
            }
        }
        Ok(())
    }
}
