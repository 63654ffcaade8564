//! Fitted operators on disk: readable JSON, and Arrow files for large tables.
//!
//! Files are named by the configuration, never by what a file says.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use polyrank_schema::Step;
use polyrank_schema::config::Reading;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::json;
use crate::read::Source;

/// Grows when files change their meaning; older ones keep loading.
const FORMAT: u32 = 1;

/// A step's JSON file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    format: u32,
    operator: String,
    writes: Vec<String>,
    state: T,
}

/// A step's place in the folder.
#[derive(Clone, Copy)]
struct Place<'a> {
    dir: &'a Path,
    /// The step's number among all steps.
    number: usize,
    /// The operator's type.
    kind: &'a str,
    step: &'a Step,
}

impl Place<'_> {
    fn name(&self, end: &str) -> String {
        format!("{:04}-{}{end}", self.number, self.kind)
    }
}

/// Writes a step's files.
pub(crate) struct Saver<'a> {
    place: Place<'a>,
    files: Vec<String>,
}

impl<'a> Saver<'a> {
    pub(super) fn new(dir: &'a Path, number: usize, kind: &'a str, step: &'a Step) -> Saver<'a> {
        Saver { place: Place { dir, number, kind, step }, files: Vec::new() }
    }

    /// Writes the step's JSON file.
    pub(crate) fn json<T: Serialize>(&mut self, state: &T) -> Result<(), DataError> {
        let Place { dir, kind, step, .. } = self.place;
        let name = self.place.name(".json");
        let file = File { format: FORMAT, operator: kind.to_owned(), writes: step.writes.clone(), state };
        json::write(&dir.join(&name), &file)?;
        self.files.push(name);
        Ok(())
    }

    /// Writes a table of the step, batch by batch, all of the first one's schema. A table has another name than the
    /// step's other tables: lower-case letters.
    pub(crate) fn table<'b>(
        &mut self,
        table: &str,
        first: &'b RecordBatch,
        more: impl IntoIterator<Item = &'b RecordBatch>,
    ) -> Result<(), DataError> {
        let name = self.place.name(&format!("-{table}.arrow"));
        let path = self.place.dir.join(&name);
        let file = std::fs::File::create(&path).map_err(|e| DataError::io(&path, e))?;
        let bad = |e: arrow_schema::ArrowError| bad_file(&path, format!("cannot be written as Arrow: {e}"));
        let mut writer = arrow_ipc::writer::FileWriter::try_new_buffered(file, &first.schema()).map_err(bad)?;
        for batch in std::iter::once(first).chain(more) {
            writer.write(batch).map_err(bad)?;
        }
        let file = writer.into_inner().map_err(bad)?.into_inner().map_err(|e| DataError::io(&path, e.into_error()))?;
        file.sync_all().map_err(|e| DataError::io(&path, e))?;
        self.files.push(name);
        Ok(())
    }

    /// The names of the files written.
    pub(super) fn files(self) -> Vec<String> {
        self.files
    }
}

/// Reads a step's files, nothing of which is certain.
pub(crate) struct Saved<'a> {
    place: Place<'a>,
}

impl<'a> Saved<'a> {
    pub(super) fn new(dir: &'a Path, number: usize, kind: &'a str, step: &'a Step) -> Saved<'a> {
        Saved { place: Place { dir, number, kind, step } }
    }

    /// What the step's JSON file holds.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        let path = self.place.dir.join(self.place.name(".json"));
        let file: File<T> = json::read(&path, "fitted operator")?;
        if file.format != FORMAT {
            return Err(bad_file(&path, format!("format {}, but this version reads format {FORMAT}", file.format)));
        }
        if file.operator != self.place.kind || file.writes != self.place.step.writes {
            return Err(bad_file(&path, "belongs to another operator than the configuration has here"));
        }
        Ok(file.state)
    }

    /// What one of the step's tables holds, in the types of [`crate::read`]; `columns` must all be there.
    pub(crate) fn table(&self, table: &str, columns: &[String]) -> Result<Vec<RecordBatch>, DataError> {
        let source = Source::open(&[self.place.name(&format!("-{table}.arrow"))], self.place.dir, &Reading::default())?;
        source.rows(columns, TABLE_ROWS)?.map(|raw| raw.map(|raw| raw.batch)).collect()
    }

    /// An error that names the step's JSON file.
    pub(crate) fn refuse(&self, problem: impl Into<String>) -> DataError {
        bad_file(&self.place.dir.join(self.place.name(".json")), problem)
    }
}

/// Rows of a table read at a time.
const TABLE_ROWS: usize = 1 << 16;

fn bad_file(path: &Path, problem: impl Into<String>) -> DataError {
    DataError::BadFile { path: PathBuf::from(path), problem: problem.into() }
}
