//! Writing Parquet, a row group's columns side by side: one thread alone would hold up those that encode rows.

use std::fs::File;
use std::io::BufWriter;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, Fields, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

/// Rows of a row group.
const GROUP: usize = 1 << 20;

pub(super) struct Parquet {
    schema: SchemaRef,
    file: SerializedFileWriter<BufWriter<File>>,
    groups: ArrowRowGroupWriterFactory,
    /// Of the row group under way.
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl Parquet {
    pub(super) fn new(file: BufWriter<File>, schema: SchemaRef) -> Result<Parquet, ParquetError> {
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties(schema.fields())))?;
        let (file, groups) = writer.into_serialized_writer()?;
        Ok(Parquet { schema, file, groups, columns: Vec::new(), rows: 0 })
    }

    /// Writes rows of columns that are those of the schema.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = (GROUP - self.rows).min(batch.num_rows() - from);
            self.write_part(&batch.slice(from, rows))?;
            from += rows;
            if self.rows == GROUP {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn write_part(&mut self, part: &RecordBatch) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            self.columns = self.groups.create_column_writers(self.file.flushed_row_groups().len())?;
        }
        let mut leaves = Vec::with_capacity(self.columns.len());
        for (field, column) in self.schema.fields().iter().zip(part.columns()) {
            leaves.extend(compute_leaves(field, column)?);
        }
        if leaves.len() != self.columns.len() {
            let problem = format!("{} columns after {} in the first rows", leaves.len(), self.columns.len());
            return Err(ParquetError::General(problem));
        }
        self.columns.par_iter_mut().zip(&leaves).try_for_each(|(column, leaf)| column.write(leaf))?;
        self.rows += part.num_rows();
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        let columns = std::mem::take(&mut self.columns);
        let chunks: Result<Vec<_>, _> = columns.into_par_iter().map(ArrowColumnWriter::close).collect();
        let mut group = self.file.next_row_group()?;
        for chunk in chunks? {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Ends the file and gives it back.
    pub(super) fn into_inner(mut self) -> Result<BufWriter<File>, ParquetError> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.into_inner()
    }
}

/// Ids are bits in blocks: they come from a dictionary already, and another would only be built to be given up.
fn properties(fields: &Fields) -> WriterProperties {
    let builder = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let ids = fields.iter().filter(|field| *field.data_type() == DataType::UInt32);
    let of_ids = |builder: WriterPropertiesBuilder, field: &FieldRef| {
        let column = ColumnPath::from(field.name().as_str());
        builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
    };
    ids.fold(builder, of_ids).build()
}
