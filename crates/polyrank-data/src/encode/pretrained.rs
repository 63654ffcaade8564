//! Pretrained vectors: which row of a table each vector of a file is for.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use hashbrown::HashSet;
use polyrank_schema::config::{OnBadRow, Pretrained, Reading};

use super::column::{BadCell, bad_column};
use super::encoders::{Encoder, Encoders};
use super::value::plain;
use super::vector::vectors;
use crate::batch::Ids;
use crate::error::DataError;
use crate::read::Source;

/// Rows read at a time.
const READ_ROWS: usize = 4096;

/// How much of a vocabulary a file of vectors covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// Values with a vector.
    pub found: usize,
    /// Values of the vocabulary.
    pub values: usize,
    /// Vectors of the file whose values are not in the vocabulary.
    pub unknown: usize,
}

impl Encoders {
    /// Calls `set` with the row of the table of `feature` and the vector, `[dim]`, for each value of the vocabulary that
    /// the file has a vector for. A null or empty vector is none; a missing number in one is 0. The path is relative to
    /// `base`.
    ///
    /// # Errors
    /// A file that cannot be read or lacks a column, a vector of another length, a key that is empty or stands twice.
    pub fn visit_pretrained(
        &self,
        feature: &str,
        spec: &Pretrained,
        reading: &Reading,
        base: &Path,
        mut set: impl FnMut(u32, &[f32]),
    ) -> Result<Coverage, DataError> {
        let unfit = || bad_column(feature, "has no table that pretrained vectors could start");
        let at = self.plan.features.iter().position(|f| f.name == feature).ok_or_else(unfit)?;
        let Encoder::Categorical(encoder) = &self.columns[at].encoder else { return Err(unfit()) };
        let table = self.layout().tables.iter().find(|table| table.name == feature).ok_or_else(unfit)?;
        let dim = table.dim.ok_or_else(unfit)?;
        let first = (table.rows - encoder.cardinality()) as u32;
        let key = spec.key.clone().unwrap_or_else(|| self.plan.features[at].column.clone());
        let own = Reading { columns: None, separator: None, on_bad_row: OnBadRow::Error, ..reading.clone() };
        let source = Source::open(std::slice::from_ref(&spec.file), base, &own)?;
        let mut coverage = Coverage { found: 0, values: encoder.cardinality(), unknown: 0 };
        let mut seen = HashSet::new();
        for raw in source.rows(&[key.clone(), spec.column.clone()], READ_ROWS)? {
            let raw = raw?;
            let fail = |column: &str, bad: BadCell| DataError::BadRow {
                path: raw.file.to_path_buf(),
                line: raw.line(bad.row),
                column: Some(column.to_owned()),
                problem: bad.problem,
            };
            let column = |i: usize, name: &str| {
                plain(raw.batch.column(i)).map_err(|problem| fail(name, BadCell { row: 0, problem }))
            };
            let (keys, values) = (column(0, &key)?, column(raw.batch.num_columns() - 1, &spec.column)?);
            let Ids::One(ids) = encoder.ids(keys.as_ref(), None).map_err(|bad| fail(&key, bad))? else { continue };
            let numbers = vectors(values.as_ref(), dim).map_err(|bad| fail(&spec.column, bad))?;
            for (row, (&id, vector)) in ids.iter().zip(numbers.chunks_exact(dim)).enumerate() {
                if absent(&values, row) {
                    continue;
                }
                if id < first {
                    if id == super::MISSING {
                        let problem = "an empty value, which is a missing one; remove the row".to_owned();
                        return Err(fail(&key, BadCell { row, problem }));
                    }
                    coverage.unknown += 1;
                    continue;
                }
                if !seen.insert(id) {
                    let problem = "the value has a vector already; keep one".to_owned();
                    return Err(fail(&key, BadCell { row, problem }));
                }
                set(id, vector);
                coverage.found += 1;
            }
        }
        Ok(coverage)
    }
}

/// Whether there is no vector in a row.
fn absent(vectors: &ArrayRef, row: usize) -> bool {
    vectors.is_null(row)
        || match vectors.data_type() {
            DataType::Utf8 => vectors.as_string::<i32>().value(row).trim().is_empty(),
            DataType::LargeUtf8 => vectors.as_string::<i64>().value(row).trim().is_empty(),
            DataType::Utf8View => vectors.as_string_view().value(row).trim().is_empty(),
            DataType::Null => true,
            _ => false,
        }
}
