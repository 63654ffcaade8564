//! Parquet files: pages are decoded as rows are asked for, and only those of the columns asked for.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::guard::guarded;
use super::normal::{normalise, plain_type, readable};
use super::{Chunk, FileReader, bad_file, positions, thrift};
use crate::error::DataError;

pub(super) const KIND: &str = "a Parquet file";

pub(super) fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, DataError> {
    let mut file = File::open(path).map_err(|error| DataError::io(path, error))?;
    guarded(path, KIND, || thrift::check_schema(&mut file))?;
    // The Parquet types say all that is needed; the Arrow schema that some writers add could contradict them.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(path, KIND, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
}

/// Names and types of a file's columns.
pub(super) fn columns(path: &Path) -> Result<Vec<(String, DataType)>, DataError> {
    let builder = open(path)?;
    let fields = builder.schema().fields();
    let kind = |from: &DataType| plain_type(from).unwrap_or_else(|| from.clone());
    Ok(fields.iter().map(|field| (field.name().clone(), kind(field.data_type()))).collect())
}

/// Number of rows, by the footer.
pub(super) fn count_rows(path: &Path) -> Result<u64, DataError> {
    let rows = open(path)?.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(|_| bad_file(path, format!("claims to have {rows} rows; write or copy the file again")))
}

/// Reads columns of one Parquet file.
pub(super) struct Parquet {
    path: Arc<Path>,
    columns: Vec<String>,
    /// Where each column of the output stands in a decoded batch.
    order: Vec<usize>,
    reader: ParquetRecordBatchReader,
    next_row: u64,
}

impl Parquet {
    pub(super) fn open(path: &Arc<Path>, columns: &[String], batch_rows: usize) -> Result<Parquet, DataError> {
        let builder = open(path)?;
        let fields = builder.schema().fields().clone();
        let present: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let wanted = positions(path, columns, &present)?;
        for (name, &position) in columns.iter().zip(&wanted) {
            readable(path, name, fields[position].data_type())?;
        }
        // A decoded batch has the wanted columns in the file's order.
        let order = wanted.iter().map(|at| wanted.iter().filter(|other| *other < at).count()).collect();
        let reader = guarded(path, KIND, || {
            let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
            builder.with_projection(mask).with_batch_size(batch_rows).build()
        })?;
        Ok(Parquet { path: path.clone(), columns: columns.to_vec(), order, reader, next_row: 1 })
    }
}

impl FileReader for Parquet {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DataError> {
        loop {
            let reader = &mut self.reader;
            let Some(batch) = guarded(&self.path, KIND, || reader.next().transpose())? else { return Ok(None) };
            if batch.num_rows() == 0 {
                continue;
            }
            let first_line = self.next_row;
            let batch = normalise(&self.path, &batch, &self.columns, &self.order, first_line)?;
            self.next_row += batch.num_rows() as u64;
            return Ok(Some(Chunk { batch, first_line, lines: None }));
        }
    }
}
