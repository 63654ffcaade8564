//! A vocabulary that a file gives.
//!
//! A `.txt` file has a value a line. Any other file has them in its column of the feature's column's name, or else in its
//! only column. Values are read as the training rows' are; their order is kept.

use std::path::Path;

use hashbrown::HashSet;
use polyrank_schema::Block;
use polyrank_schema::config::{OnBadRow, Reading};

use super::MAX_ROWS;
use super::column::{bad_column, each_row};
use super::value::{plain, quote, visit};
use super::vocabulary::{FILE, Key};
use crate::error::DataError;
use crate::read::Source;

/// Rows read at a time.
const READ_ROWS: usize = 8192;

/// The vocabulary of the file that an encoder of `column` names, in order; `None` if it names none. A path is relative to
/// `base`.
pub(crate) fn vocabulary(
    block: &Block,
    column: &str,
    reading: &Reading,
    base: &Path,
) -> Result<Option<Vec<Key>>, DataError> {
    if !block.has(FILE) {
        return Ok(None);
    }
    let file = block.text(FILE);
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    visit_file(file, column, reading, base, |key| {
        if keys.len() == MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} values"));
        }
        if !seen.insert(key.clone()) {
            return Err(format!("{} is listed twice; keep one (7, \"7\" and 7.0 are one value)", key.show()));
        }
        keys.push(key);
        Ok(())
    })?;
    if keys.is_empty() {
        return Err(bad_column(column, format!("the vocabulary {} has no values", quote(file))));
    }
    Ok(Some(keys))
}

fn visit_file(
    file: &str,
    column: &str,
    reading: &Reading,
    base: &Path,
    mut take: impl FnMut(Key) -> Result<(), String>,
) -> Result<(), DataError> {
    let lower = file.to_lowercase();
    let plain_text = [".txt", ".txt.gz", ".txt.zst"].iter().any(|end| lower.ends_with(end));
    let own = Reading {
        columns: plain_text.then(|| vec![column.to_owned()]),
        separator: None,
        on_bad_row: OnBadRow::Error,
        ..reading.clone()
    };
    let source = Source::open(&[file.to_owned()], base, &own)?;
    let columns = source.columns()?;
    let named = columns.iter().find(|(name, _)| name == column);
    let name = match (named, &columns[..]) {
        (Some((name, _)), _) | (None, [(name, _)]) => name.clone(),
        (None, all) => {
            let problem = format!(
                "the vocabulary {} has {} columns and none is named `{column}`; name it so, or keep one column",
                quote(file),
                all.len()
            );
            return Err(bad_column(column, problem));
        }
    };
    for raw in source.rows(std::slice::from_ref(&name), READ_ROWS)? {
        let raw = raw?;
        let fail = |row: usize, problem: String| DataError::BadRow {
            path: raw.file.to_path_buf(),
            line: raw.line(row),
            column: Some(name.clone()),
            problem,
        };
        let array = plain(raw.batch.column(0)).map_err(|problem| fail(0, problem))?;
        visit(array.as_ref(), each_row(array.len()), |_, value| match Key::of(value) {
            Some(key) => take(key),
            None => Err("an empty value, which is a missing one; remove it".to_owned()),
        })
        .map_err(|bad| fail(bad.row, bad.problem))?;
    }
    Ok(())
}
