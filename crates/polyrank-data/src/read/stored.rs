//! Rows that this program wrote as Parquet, in the types that it gave them: what is read of them is checked, never
//! interpreted.

use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::guard::guarded;
use super::parquet::{KIND, open};
use super::{RawBatch, bad_file, ends_at_an_error, positions};
use crate::error::DataError;

/// Reads columns of one Parquet file; ends after the first error.
pub struct Stored {
    path: Arc<Path>,
    reader: ParquetRecordBatchReader,
    /// By the footer.
    rows: u64,
    given: u64,
    ended: bool,
}

impl Stored {
    /// Opens a file, to read `columns` of it, `batch_rows` rows at a time or fewer.
    ///
    /// # Errors
    /// A file that is no whole Parquet file, or has no such column.
    pub fn open(path: &Path, columns: &[String], batch_rows: usize) -> Result<Stored, DataError> {
        let builder = open(path)?;
        let rows = builder.metadata().file_metadata().num_rows();
        let fields = builder.schema().fields();
        let present: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let wanted = positions(path, columns, &present)?;
        let reader = guarded(path, KIND, || {
            let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
            builder.with_projection(mask).with_batch_size(batch_rows.max(1)).build()
        })?;
        let rows = u64::try_from(rows).map_err(|_| bad_file(path, format!("claims to have {rows} rows")))?;
        Ok(Stored { path: path.into(), reader, rows, given: 0, ended: false })
    }

    /// Number of rows, by the footer.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&mut self) -> Result<Option<RawBatch>, DataError> {
        let reader = &mut self.reader;
        let Some(batch) = guarded(&self.path, KIND, || reader.next().transpose())? else {
            if self.given != self.rows {
                let problem = format!("holds {} rows, its footer says {}; write it again", self.given, self.rows);
                return Err(bad_file(&self.path, problem));
            }
            return Ok(None);
        };
        let first_row = self.given;
        self.given += batch.num_rows() as u64;
        Ok(Some(RawBatch { batch, file: self.path.clone(), first_row, first_line: first_row + 1, lines: None }))
    }
}

impl Iterator for Stored {
    type Item = Result<RawBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = if self.ended { None } else { self.read().transpose() };
        ends_at_an_error(next, &mut self.ended)
    }
}
