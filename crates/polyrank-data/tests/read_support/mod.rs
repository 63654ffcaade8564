//! What the tests of readers share: files in a temporary folder, and rows as text.

#![allow(dead_code, reason = "each test file uses a part")]

use std::error::Error;
use std::path::Path;

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use polyrank_data::DataError;
use polyrank_data::read::{Rows, Source};
use polyrank_schema::config::{OnBadRow, Reading};
use tempfile::TempDir;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// A folder with files in it.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> Result<TempDir, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content)?;
    }
    Ok(folder)
}

pub(crate) fn source(folder: &Path, patterns: &[&str], reading: &Reading) -> Result<Source, DataError> {
    Source::open(&strings(patterns), folder, reading)
}

pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn skip() -> Reading {
    Reading { on_bad_row: OnBadRow::Skip, ..Reading::default() }
}

/// The columns of one file, and its rows as text: fields joined by a space, null as `-`.
pub(crate) fn read(
    name: &str,
    content: &[u8],
    columns: &[&str],
    reading: &Reading,
) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = folder(&[(name, content)])?;
    let rows = source(folder.path(), &[name], reading)?.rows(&strings(columns), 1000)?;
    texts(rows)
}

/// The message of the error that reading one file ends with, without the path of its folder.
pub(crate) fn complaint(
    name: &str,
    content: &[u8],
    columns: &[&str],
    reading: &Reading,
) -> Result<String, Box<dyn Error>> {
    let folder = folder(&[(name, content)])?;
    let outcome = source(folder.path(), &[name], reading)
        .and_then(|source| source.rows(&strings(columns), 1000))
        .and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
    let error = outcome.err().ok_or("no error")?;
    assert!(error.is_input(), "{error}");
    Ok(error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

pub(crate) fn texts(rows: Rows) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for raw in rows {
        texts.extend(batch_texts(&raw?.batch)?);
    }
    Ok(texts)
}

pub(crate) fn batch_texts(batch: &RecordBatch) -> Result<Vec<String>, Box<dyn Error>> {
    let options = FormatOptions::default().with_null("-");
    let columns: Vec<_> =
        batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options)).collect::<Result<_, _>>()?;
    Ok((0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" "))
        .collect())
}

/// The type of each column of each batch.
pub(crate) fn types(name: &str, content: &[u8], columns: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = folder(&[(name, content)])?;
    let rows = source(folder.path(), &[name], &Reading::default())?.rows(&strings(columns), 1000)?;
    let mut types = Vec::new();
    for raw in rows {
        types.extend(raw?.batch.columns().iter().map(|array| array.data_type().to_string()));
    }
    Ok(types)
}
