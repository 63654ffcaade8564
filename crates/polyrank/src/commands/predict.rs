//! `polyrank predict`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use clap::Args;
use polyrank_data::encode::Labels;
use polyrank_data::read::Source;
use polyrank_model::Predictor;
use polyrank_train::dataset::{READ_ROWS, encode};

use crate::commands::write::{Format, Writer};
use crate::failure::Failure;
use crate::output;

/// Scores rows with a bundle.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The bundle's folder
    bundle: PathBuf,
    /// Files to score; labels are not needed
    #[arg(required = true)]
    data: Vec<String>,
    /// The file to write: .parquet, .arrow, .csv, .tsv or .jsonl
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Columns of the data to keep beside the scores
    #[arg(long, value_name = "COLUMN")]
    keep: Vec<String>,
}

impl Predict {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let format = Format::of(&self.output)?;
        let predictor = Predictor::load(&self.bundle)?;
        let config = predictor.config();
        let mut kept: Vec<String> = Vec::new();
        for column in self.keep {
            if config.tasks.iter().any(|t| t.score_columns().contains(&column)) {
                return Err(Failure::input(format!(
                    "--keep {column}: the scores of a task have this name; keep another column"
                )));
            }
            if !kept.contains(&column) {
                kept.push(column);
            }
        }
        let source = Source::open(&self.data, Path::new("."), &config.data.reading)?;
        let mut columns = config.columns_needed(false);
        columns.extend(kept.iter().filter(|k| !columns.contains(k)).cloned().collect::<Vec<_>>());
        source.check_columns(&columns)?;
        let mut writer = Writer::create(&self.output, format)?;
        let mut rows = 0;
        for raw in source.rows(&columns, READ_ROWS)? {
            let raw = raw?;
            let scores = predictor.score_encoded(&encode(predictor.encoders(), &raw, Labels::Ignore)?)?;
            let mut fields = Vec::new();
            let mut arrays: Vec<ArrayRef> = Vec::new();
            for name in &kept {
                let index = raw.batch.schema().index_of(name).map_err(|e| Failure::input(e.to_string()))?;
                // Files differ in whether they declare a column nullable; the output has one schema.
                fields.push(raw.batch.schema().field(index).clone().with_nullable(true));
                arrays.push(raw.batch.column(index).clone());
            }
            for (t, task) in config.tasks.iter().enumerate() {
                let (columns, values) = (task.score_columns(), scores.task(t));
                for (c, column) in columns.iter().enumerate() {
                    let values = values.iter().skip(c).step_by(columns.len()).copied();
                    fields.push(Field::new(column, DataType::Float32, false));
                    arrays.push(Arc::new(Float32Array::from_iter_values(values)));
                }
            }
            let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
                .map_err(|e| Failure::other(&self.output, e))?;
            writer.write(&batch)?;
            rows += batch.num_rows();
        }
        writer.finish()?;
        output::message(&format!("wrote {rows} rows to {}", self.output.display()));
        Ok(())
    }
}
