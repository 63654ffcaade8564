//! Raw rows from files: CSV, TSV, JSON lines, Parquet and Arrow IPC, as record batches of the columns asked for.
//!
//! Whatever the file, a column arrives as one of these Arrow types: `Boolean`, `Int64`, `UInt64`, `Float32`, `Float64`,
//! `Utf8`, or a `List` of those. Text files give `Utf8` only. In JSON lines the type is that of the batch's values, so
//! it may differ from batch to batch, but never so that a value's canonical text differs. Trimming and the texts that
//! mean missing apply to text files and to JSON texts, not to Parquet and Arrow.
//!
//! Text files: UTF-8 (a byte order mark is dropped), lines end with LF or CRLF, empty lines are passed over. Fields are
//! quoted as RFC 4180 says, except where the separator is a tab: there a quote is a character like any other.

mod delimited;
mod files;
mod guard;
mod ipc;
mod json;
mod json_column;
mod lines;
mod normal;
mod parquet;
mod stored;
mod thrift;

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use polyrank_schema::config::Reading;

use crate::error::DataError;
use files::{DataFile, Format};
pub use guard::decoding;
pub use stored::Stored;

/// The files to read rows from, in order.
#[derive(Debug, Clone)]
pub struct Source {
    files: Arc<[DataFile]>,
    reading: Arc<Reading>,
}

/// Some rows of one file.
#[derive(Debug, Clone)]
pub struct RawBatch {
    /// The columns asked for, in that order.
    pub batch: RecordBatch,
    /// The file.
    pub file: Arc<Path>,
    /// Number of rows that the source gave before this batch's first one: the same for any batch size.
    pub first_row: u64,
    /// Where the first row stands in the file, from 1: its line (text) or its row (Parquet, Arrow).
    pub first_line: u64,
    /// Where each row stands in the file, if the rows do not stand on consecutive lines.
    pub lines: Option<Vec<u64>>,
}

impl RawBatch {
    /// Where row `row` of this batch stands in the file, from 1: its line (text) or its row (Parquet, Arrow).
    pub fn line(&self, row: usize) -> u64 {
        match &self.lines {
            Some(lines) => lines.get(row).copied().unwrap_or(self.first_line),
            None => self.first_line.saturating_add(row as u64),
        }
    }

    /// An error of these rows with the file and, where one is to blame, the line.
    pub fn locate(&self, error: DataError) -> DataError {
        let path = self.file.to_path_buf();
        match error {
            DataError::BadCell { column, row, problem } => {
                DataError::BadRow { path, line: self.line(row), column: Some(column), problem }
            }
            DataError::BadExpression { expression, row, problem } => {
                let problem = format!("`{expression}`: {problem}");
                DataError::BadRow { path, line: self.line(row), column: None, problem }
            }
            DataError::BadValue { column, problem } => {
                DataError::BadFile { path, problem: format!("column `{column}`: {problem}") }
            }
            other => other,
        }
    }
}

/// What a reader of one file gives at a time.
struct Chunk {
    batch: RecordBatch,
    first_line: u64,
    lines: Option<Vec<u64>>,
}

/// Reads one file from start to end.
trait FileReader: Send {
    /// The next rows, at least one and at most the number asked for; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DataError>;

    /// Malformed rows left out so far.
    fn skipped(&self) -> u64 {
        0
    }
}

impl Source {
    /// Finds the files that `patterns` name, paths or globs relative to `base`: in the order of the patterns, sorted
    /// within one. The format follows from a file's name, and its first bytes must agree.
    ///
    /// # Errors
    /// A pattern without a file, a directory, a file named twice, an unknown extension, a file that is not what its
    /// name says, or a separator that no text file can have.
    pub fn open(patterns: &[String], base: &Path, reading: &Reading) -> Result<Source, DataError> {
        let files = files::resolve(patterns, base, reading)?;
        Ok(Source { files: files.into(), reading: Arc::new(reading.clone()) })
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| &*file.path)
    }

    /// Names and types of the first file's columns; of its first rows if it is a JSON lines file, where a column of
    /// objects is shown as an empty `Struct`. Types that cannot be read are shown as the file has them.
    pub fn columns(&self) -> Result<Vec<(String, DataType)>, DataError> {
        match self.files.first() {
            Some(file) => self.columns_of(file),
            None => Err(no_files()),
        }
    }

    fn columns_of(&self, file: &DataFile) -> Result<Vec<(String, DataType)>, DataError> {
        match &file.format {
            Format::Text(style) => {
                let names = delimited::header(file, style, &self.reading)?;
                Ok(names.into_iter().map(|name| (name, DataType::Utf8)).collect())
            }
            Format::JsonLines(_) => json::columns(file, &self.reading),
            Format::Parquet => parquet::columns(&file.path),
            Format::ArrowFile | Format::ArrowStream => ipc::columns(file),
        }
    }

    /// Checks that every file has `columns`, before any row is read. A JSON lines file has a column if one of its first
    /// rows has the key.
    ///
    /// # Errors
    /// [`DataError::MissingColumn`] with the first column and file at fault.
    pub fn check_columns(&self, columns: &[String]) -> Result<(), DataError> {
        if self.files.is_empty() {
            return Err(no_files());
        }
        for file in self.files.iter() {
            let present = self.columns_of(file)?;
            for column in columns {
                if !present.iter().any(|(name, _)| name == column) {
                    return Err(missing_column(&file.path, column, present.iter().map(|(name, _)| name.as_str())));
                }
            }
        }
        Ok(())
    }

    /// Reads `columns` (a repeated name counts once) of all rows, `batch_rows` rows at a time or fewer. Memory does not
    /// grow with the files, except that an Arrow record batch is decoded whole. A key that a JSON row lacks is null.
    ///
    /// # Errors
    /// A column that the first file lacks. The iterator gives all later errors, and ends with the first of them.
    pub fn rows(&self, columns: &[String], batch_rows: usize) -> Result<Rows, DataError> {
        let mut wanted: Vec<String> = Vec::with_capacity(columns.len());
        for column in columns {
            if !wanted.contains(column) {
                wanted.push(column.clone());
            }
        }
        if self.files.is_empty() {
            return Err(no_files());
        }
        let mut rows = Rows {
            source: self.clone(),
            columns: wanted,
            batch_rows: batch_rows.clamp(1, MAX_BATCH_ROWS),
            next_file: 0,
            open: None,
            rows: 0,
            skipped: 0,
            ended: false,
        };
        rows.advance()?;
        Ok(rows)
    }

    /// Number of rows in all files: from the metadata of Parquet and Arrow files, by reading text.
    pub fn count_rows(&self) -> Result<u64, DataError> {
        let mut total = 0u64;
        for file in self.files.iter() {
            let rows = match &file.format {
                Format::Parquet => parquet::count_rows(&file.path)?,
                Format::ArrowFile | Format::ArrowStream => ipc::count_rows(file)?,
                Format::Text(_) | Format::JsonLines(_) => {
                    let mut reader = self.reader(file, &[], COUNT_BATCH_ROWS)?;
                    let mut rows = 0;
                    while let Some(chunk) = reader.next_chunk()? {
                        rows += chunk.batch.num_rows() as u64;
                    }
                    rows
                }
            };
            total = total.saturating_add(rows);
        }
        Ok(total)
    }

    fn reader(&self, file: &DataFile, columns: &[String], batch_rows: usize) -> Result<Box<dyn FileReader>, DataError> {
        Ok(match &file.format {
            Format::Text(style) => {
                Box::new(delimited::Delimited::open(file, style, &self.reading, columns, batch_rows)?)
            }
            Format::JsonLines(_) => Box::new(json::JsonLines::open(file, &self.reading, columns, batch_rows)?),
            Format::Parquet => Box::new(parquet::Parquet::open(&file.path, columns, batch_rows)?),
            Format::ArrowFile | Format::ArrowStream => Box::new(ipc::Ipc::open(file, columns, batch_rows)?),
        })
    }
}

/// Rows that one batch may hold: above it, offsets of text columns could overflow.
const MAX_BATCH_ROWS: usize = 1 << 20;

/// Rows counted at a time.
const COUNT_BATCH_ROWS: usize = 1 << 16;

/// Reads the rows of a [`Source`], file after file; ends after the first error.
pub struct Rows {
    source: Source,
    columns: Vec<String>,
    batch_rows: usize,
    next_file: usize,
    open: Option<(Arc<Path>, Box<dyn FileReader>)>,
    rows: u64,
    skipped: u64,
    ended: bool,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows")
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .field("skipped", &self.skipped())
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// Malformed rows left out so far, under `on_bad_row = "skip"`.
    pub fn skipped(&self) -> u64 {
        self.skipped + self.open.as_ref().map_or(0, |(_, reader)| reader.skipped())
    }

    /// Opens the next file; `false` if there is none.
    fn advance(&mut self) -> Result<bool, DataError> {
        if let Some((_, done)) = self.open.take() {
            self.skipped += done.skipped();
        }
        let source = self.source.clone();
        let Some(file) = source.files.get(self.next_file) else { return Ok(false) };
        self.next_file += 1;
        self.open = Some((file.path.clone(), source.reader(file, &self.columns, self.batch_rows)?));
        Ok(true)
    }

    fn read(&mut self) -> Result<Option<RawBatch>, DataError> {
        loop {
            if let Some((file, reader)) = &mut self.open
                && let Some(chunk) = reader.next_chunk()?
            {
                let first_row = self.rows;
                self.rows += chunk.batch.num_rows() as u64;
                return Ok(Some(RawBatch {
                    batch: chunk.batch,
                    file: file.clone(),
                    first_row,
                    first_line: chunk.first_line,
                    lines: chunk.lines,
                }));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<RawBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = if self.ended { None } else { self.read().transpose() };
        ends_at_an_error(next, &mut self.ended)
    }
}

/// What a reader gives next; nothing follows an error or the end.
fn ends_at_an_error<T>(next: Option<Result<T, DataError>>, ended: &mut bool) -> Option<Result<T, DataError>> {
    *ended = !matches!(next, Some(Ok(_)));
    next
}

fn no_files() -> DataError {
    DataError::Empty("no file to read rows from; name at least one".into())
}

/// The error for a column that `path` lacks, with the nearest of the names that it has.
fn missing_column<'a>(path: &Path, column: &str, present: impl Iterator<Item = &'a str>) -> DataError {
    let nearest = present
        .map(|name| (strsim::damerau_levenshtein(&name.to_lowercase(), &column.to_lowercase()), name))
        // Further apart than this, a hint misleads more than it helps.
        .filter(|(distance, name)| 3 * distance <= name.chars().count().max(column.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned());
    DataError::MissingColumn { path: path.into(), column: column.into(), nearest }
}

/// Where each of `columns` stands among `present`.
fn positions(path: &Path, columns: &[String], present: &[&str]) -> Result<Vec<usize>, DataError> {
    columns
        .iter()
        .map(|column| {
            let mut found = present.iter().enumerate().filter(|(_, name)| *name == column);
            match (found.next(), found.next()) {
                (Some((position, _)), None) => Ok(position),
                (Some(_), Some(_)) => Err(bad_file(
                    path,
                    format!("has two columns named `{column}`; rename one of them, it is unclear which to read"),
                )),
                (None, _) => Err(missing_column(path, column, present.iter().copied())),
            }
        })
        .collect()
}

fn bad_file(path: &Path, problem: impl Into<String>) -> DataError {
    DataError::BadFile { path: path.into(), problem: problem.into() }
}

fn bad_row(path: &Path, line: u64, column: Option<&str>, problem: impl Into<String>) -> DataError {
    DataError::BadRow { path: path.into(), line, column: column.map(str::to_owned), problem: problem.into() }
}
