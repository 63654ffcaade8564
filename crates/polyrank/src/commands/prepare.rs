//! `polyrank prepare`.

mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use clap::{Args, ValueEnum};
use polyrank_data::DataError;
use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::stream::Prefetch;
use polyrank_schema::Config;
use polyrank_train::cache;
use polyrank_train::dataset::{Dataset, Part};
use serde::Serialize;

use crate::commands::write::{Format, Writer};
use crate::failure::Failure;
use crate::{load, output};

/// Batches that wait to be written.
const AHEAD: usize = 4;

/// Fits operators and encoders on the training rows and writes what becomes of rows: for other programs to a file, with
/// schema.json and schema.pbtxt beside it, or for `train --cache` to a folder.
#[derive(Debug, Args)]
pub(crate) struct Prepare {
    /// The configuration
    config: PathBuf,
    /// The file to write: .parquet, .arrow, .csv, .tsv or .jsonl
    #[arg(short, long, value_name = "FILE", required_unless_present = "cache")]
    output: Option<PathBuf>,
    /// The folder to write instead: training and validation rows, encoded, and what encodes them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "part", "columns"])]
    cache: Option<PathBuf>,
    /// Which rows
    #[arg(long, value_enum, default_value = "train", value_name = "PART")]
    part: Rows,
    /// Writes the columns that features and tasks read, after the operators, instead of what they are encoded as
    #[arg(long)]
    columns: bool,
    /// Sets any key of the configuration to a TOML value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rows {
    /// Those to train on
    Train,
    /// Those to validate on
    Valid,
}

impl Prepare {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match (&self.output, &self.cache) {
            (Some(output), _) => self.write_file(output),
            (None, Some(dir)) => self.write_cache(dir),
            (None, None) => Err(Failure::input("name a file with --output, or a folder with --cache")),
        }
    }

    fn write_cache(&self, dir: &Path) -> Result<(), Failure> {
        let loaded = load::config(&self.config, &self.set, &[])?;
        let (train, valid) = cache::write(dir, &loaded.config, &loaded.base, |path, columns| {
            write(path, Format::Parquet, columns).map(|(rows, _)| rows)
        })?;
        let valid = valid.map_or(String::new(), |valid| format!(" and {valid} to validate on"));
        output::message(&format!("wrote {train} rows to train on{valid} to {}", dir.display()));
        Ok(())
    }

    fn write_file(&self, path: &Path) -> Result<(), Failure> {
        let format = Format::of(path)?;
        let loaded = load::config(&self.config, &self.set, &[])?;
        let dataset = Dataset::open(&loaded.config, &loaded.base)?;
        let part = match self.part {
            Rows::Train => Part::Train,
            Rows::Valid if dataset.has_valid() => Part::Valid,
            Rows::Valid => return Err(Failure::input("--part valid: the configuration has no validation rows")),
        };
        let encoders = Arc::new(dataset.fit(|_| ())?.0);
        if self.columns {
            dataset.forget_rows();
        }
        let (columns, apply) = (self.columns, encoders.clone());
        let made = dataset.each(part, move |raw, first_row| match (columns, first_row) {
            (true, _) => apply.columns(&raw.batch, first_row),
            (false, Some(first_row)) => apply.export(&apply.transform_training(&raw.batch, first_row)?),
            (false, None) => apply.export(&apply.transform(&raw.batch, Labels::Read)?),
        })?;
        let (rows, schema) = write(path, format, made)?;
        let [json, pbtxt] = ["schema.json", "schema.pbtxt"].map(|name| path.with_file_name(name));
        let described = describe(&schema, &loaded.config, &encoders, self.columns);
        let text = serde_json::to_string_pretty(&described).map_err(|e| Failure::other(&json, e))?;
        std::fs::write(&json, text + "\n").map_err(|e| Failure::io(&json, e))?;
        let table = table::table(&schema, &loaded.config, &encoders, self.columns);
        let text = table.map_err(|e| Failure::other(&pbtxt, e))?.to_pbtxt();
        std::fs::write(&pbtxt, text).map_err(|e| Failure::io(&pbtxt, e))?;
        let [json, pbtxt] = [json.display(), pbtxt.display()];
        output::message(&format!("wrote {rows} rows to {}, and {json} and {pbtxt}", path.display()));
        Ok(())
    }
}

/// Writes rows to a file; gives their number and their columns.
fn write(
    path: &Path,
    format: Format,
    rows: impl Iterator<Item = Result<RecordBatch, DataError>> + Send + 'static,
) -> Result<(u64, SchemaRef), Failure> {
    let mut writer = Writer::create(path, format)?;
    let (mut count, mut schema) = (0, None);
    // Rows are read and encoded while those before them are written.
    for batch in Prefetch::new(rows, AHEAD).map_err(|e| Failure::io("thread", e))? {
        let batch = batch?;
        // Operators may have removed them all.
        if batch.num_rows() > 0 {
            writer.write(&batch)?;
            count += batch.num_rows() as u64;
            schema.get_or_insert(batch.schema());
        }
    }
    writer.finish()?;
    Ok((count, schema.unwrap_or_else(|| Arc::new(Schema::empty()))))
}

/// A column of the file.
#[derive(Serialize)]
struct Column {
    name: String,
    /// Its Arrow type.
    r#type: String,
    /// `feature`, `label`, or `weight`.
    role: &'static str,
    /// The feature's encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoder: Option<String>,
    /// Rows of an embedding table that its ids fit in.
    #[serde(skip_serializing_if = "Option::is_none")]
    table_rows: Option<usize>,
    /// Values that have rows of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    cardinality: Option<usize>,
}

/// What schema.json holds.
#[derive(Serialize)]
struct Described {
    columns: Vec<Column>,
}

fn describe(schema: &Schema, config: &Config, encoders: &Encoders, columns: bool) -> Described {
    let features = encoders.describe();
    let column = |name: &String, kind: String| {
        let label = config.tasks.iter().any(|task| if columns { task.column == *name } else { task.name == *name });
        let feature = features.iter().find(|feature| !columns && !label && feature.name == *name);
        let weight = !columns && name.starts_with("weight:") && feature.is_none();
        Column {
            name: name.clone(),
            r#type: kind,
            role: match (label, weight) {
                (true, _) => "label",
                (false, true) => "weight",
                (false, false) => "feature",
            },
            encoder: feature.map(|feature| feature.encoder.clone()),
            table_rows: feature.and_then(|feature| feature.table_rows),
            cardinality: feature.and_then(|feature| feature.cardinality),
        }
    };
    Described {
        columns: schema.fields().iter().map(|field| column(field.name(), field.data_type().to_string())).collect(),
    }
}
