//! Writing rows to a file that is whole or absent.

mod parquet;
mod text;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::Fields;

use crate::failure::Failure;
use parquet::Parquet;
use text::{Delimited, write_json_lines};

/// A file format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Parquet,
    Csv,
    Tsv,
    JsonLines,
    Arrow,
}

impl Format {
    /// The format of a file name.
    pub(crate) fn of(path: &Path) -> Result<Format, Failure> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("parquet") => Ok(Format::Parquet),
            Some("csv") => Ok(Format::Csv),
            Some("tsv") => Ok(Format::Tsv),
            Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
            Some("arrow" | "ipc" | "feather") => Ok(Format::Arrow),
            _ => Err(Failure::input(format!(
                "{}: name an output file that ends in .parquet, .arrow, .csv, .tsv or .jsonl",
                path.display()
            ))),
        }
    }
}

enum Kind {
    Parquet(Parquet),
    Delimited(Delimited),
    JsonLines(BufWriter<File>),
    Arrow(FileWriter<BufWriter<File>>),
}

/// Writes batches of one schema to a temporary file that takes the name at the end.
pub(crate) struct Writer {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
    kind: Option<Kind>,
    format: Format,
    /// Of the first batch.
    fields: Fields,
}

impl Writer {
    pub(crate) fn create(path: &Path, format: Format) -> Result<Writer, Failure> {
        let name = path.file_name().ok_or_else(|| Failure::input(format!("{}: is no file name", path.display())))?;
        let temporary = path.with_file_name(format!(".{}.new-{}", name.to_string_lossy(), std::process::id()));
        let file = File::create(&temporary).map_err(|e| Failure::io(path, e))?;
        Ok(Writer { path: path.to_owned(), temporary, file: Some(file), kind: None, format, fields: Fields::empty() })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        if let Some(file) = self.file.take() {
            let file = BufWriter::new(file);
            self.fields = batch.schema().fields().clone();
            self.kind = Some(match self.format {
                Format::Parquet => {
                    let writer = Parquet::new(file, batch.schema());
                    Kind::Parquet(writer.map_err(|e| Failure::other(&self.path, e))?)
                }
                Format::Csv => Kind::Delimited(Delimited::new(self.path.clone(), file, b',')),
                Format::Tsv => Kind::Delimited(Delimited::new(self.path.clone(), file, b'\t')),
                Format::JsonLines => Kind::JsonLines(file),
                Format::Arrow => {
                    let writer = FileWriter::try_new(file, &batch.schema());
                    Kind::Arrow(writer.map_err(|e| Failure::other(&self.path, e))?)
                }
            });
        }
        match &mut self.kind {
            Some(Kind::Parquet(writer)) => {
                check_types(&self.path, &self.fields, batch)?;
                writer.write(batch).map_err(|e| Failure::other(&self.path, e))
            }
            Some(Kind::Arrow(writer)) => {
                check_types(&self.path, &self.fields, batch)?;
                writer.write(batch).map_err(|e| Failure::other(&self.path, e))
            }
            Some(Kind::Delimited(writer)) => writer.write(batch),
            Some(Kind::JsonLines(file)) => write_json_lines(file, batch).map_err(|e| Failure::other(&self.path, e)),
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        if self.kind.is_none() {
            return Err(Failure::input(format!("{}: not written, for there are no rows", self.path.display())));
        }
        let file = match self.kind.take() {
            Some(Kind::Parquet(writer)) => writer.into_inner().map_err(|e| Failure::other(&self.path, e))?,
            Some(Kind::Arrow(mut writer)) => {
                let whole = writer.finish().and_then(|()| writer.into_inner());
                whole.map_err(|e| Failure::other(&self.path, e))?
            }
            Some(Kind::Delimited(writer)) => writer.into_inner().map_err(|e| Failure::other(&self.path, e))?,
            Some(Kind::JsonLines(file)) => file,
            _ => return Ok(()),
        };
        let done = |mut file: BufWriter<File>| {
            file.flush()?;
            file.get_ref().sync_all()?;
            std::fs::rename(&self.temporary, &self.path)
        };
        done(file).map_err(|e| Failure::io(&self.path, e))
    }
}

impl Drop for Writer {
    // After `finish` the temporary name is gone and this does nothing.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// In JSON lines, and over several files, a column's type can change on the way; in Parquet and Arrow it cannot.
fn check_types(path: &Path, first: &Fields, batch: &RecordBatch) -> Result<(), Failure> {
    let schema = batch.schema();
    match first.iter().zip(schema.fields()).find(|(a, b)| a.data_type() != b.data_type()) {
        None => Ok(()),
        Some((a, b)) => Err(Failure::input(format!(
            "{}: column `{}` holds {} in the first rows and {} further on, which Parquet and Arrow cannot; name a .csv file",
            path.display(),
            a.name(),
            a.data_type(),
            b.data_type()
        ))),
    }
}
