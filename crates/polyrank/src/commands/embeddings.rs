//! `polyrank embeddings`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use clap::Args;
use polyrank_data::encode::{Encoders, RowName};
use polyrank_engine::{Network, Tensor};
use polyrank_model::bundle;

use crate::commands::write::{Format, Writer};
use crate::failure::Failure;
use crate::output;

/// Rows written at a time.
const ROWS: usize = 1 << 16;

/// Writes a bundle's embedding tables as Parquet: id, kind, value, vector
#[derive(Debug, Args)]
pub(crate) struct Embeddings {
    /// The bundle's folder
    bundle: PathBuf,
    /// A feature, or the name of a table; all tables if left out
    feature: Option<String>,
    /// The file to write, .parquet; a folder for all tables
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
}

impl Embeddings {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let bundle = bundle::load(&self.bundle)?;
        let (encoders, network) = (&bundle.encoders, &bundle.network);
        let names: Vec<String> = network.graph().tables().iter().map(|table| table.name.clone()).collect();
        match &self.feature {
            Some(feature) => {
                let at = find(feature, encoders, &names)?;
                parquet_name(&self.output)?;
                write(&self.output, encoders, network, at)?;
            }
            None => {
                if names.is_empty() {
                    return Err(Failure::input(format!("{}: has no embedding tables", self.bundle.display())));
                }
                if self.output.is_file() {
                    let problem = "is a file; name a folder for all tables, or a feature for one";
                    return Err(Failure::input(format!("{}: {problem}", self.output.display())));
                }
                std::fs::create_dir_all(&self.output).map_err(|e| Failure::io(&self.output, e))?;
                for (at, name) in names.iter().enumerate() {
                    write(&self.output.join(file_name(at, name)), encoders, network, at)?;
                }
            }
        }
        Ok(())
    }
}

/// The table of that name, or the one in which a feature is looked up.
fn find(feature: &str, encoders: &Encoders, names: &[String]) -> Result<usize, Failure> {
    if let Some(at) = names.iter().position(|name| name == feature) {
        return Ok(at);
    }
    let layout = encoders.layout();
    let Some(slot) = layout.slots.iter().find(|slot| slot.feature == feature) else {
        let features: Vec<&str> = layout.slots.iter().map(|slot| slot.feature.as_str()).collect();
        let problem = format!("no feature `{feature}` has an embedding table; those that do: {}", features.join(", "));
        return Err(Failure::input(problem));
    };
    let own = format!("table.{}", layout.tables[slot.table].name);
    let found: Vec<usize> = (0..names.len()).filter(|at| names[*at].rsplit('/').next() == Some(own.as_str())).collect();
    match found[..] {
        [at] => Ok(at),
        _ => {
            let found: Vec<&str> = found.iter().map(|at| names[*at].as_str()).collect();
            let problem = format!("`{feature}` has several tables; name one of {}", found.join(", "));
            Err(Failure::input(problem))
        }
    }
}

fn parquet_name(path: &Path) -> Result<(), Failure> {
    match Format::of(path) {
        Ok(Format::Parquet) => Ok(()),
        _ => Err(Failure::input(format!("{}: name an output file that ends in .parquet", path.display()))),
    }
}

/// A table's number, and what of its name any file system takes.
fn file_name(at: usize, name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&c) { c } else { '_' };
    format!("{at:04}-{}.parquet", name.chars().take(60).map(safe).collect::<String>())
}

fn write(path: &Path, encoders: &Encoders, network: &Network<f32>, at: usize) -> Result<(), Failure> {
    let fail = |problem: &str| Failure::input(format!("{}: not written: {problem}", path.display()));
    let table: Tensor<f32> = network.tables().nth(at).ok_or_else(|| fail("no such table"))?;
    let dim = table.dims.last().copied().filter(|dim| *dim > 0).ok_or_else(|| fail("its rows are empty"))?;
    let slot = network.graph().slots_of(at).next().ok_or_else(|| fail("no feature is looked up in it"))?;
    let names = encoders.row_names(encoders.layout().slots[slot].table);
    let mut names = names.ok_or_else(|| fail("its feature has no table"))?;
    let mut writer = Writer::create(path, Format::Parquet)?;
    for (block, numbers) in table.data.chunks(ROWS * dim).enumerate() {
        let rows: Vec<RowName> = names.by_ref().take(numbers.len() / dim).collect();
        let batch = batch(block * ROWS, &rows, dim, numbers).map_err(|e| Failure::other(path, e))?;
        writer.write(&batch)?;
    }
    writer.finish()?;
    output::message(&format!("wrote `{}`, {} rows × {dim}, to {}", table.name, table.dims[0], path.display()));
    Ok(())
}

/// Rows from number `first` on.
fn batch(first: usize, rows: &[RowName], dim: usize, numbers: &[f32]) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let width = i32::try_from(dim).map_err(|e| arrow_schema::ArrowError::InvalidArgumentError(e.to_string()))?;
    let values: ArrayRef = Arc::new(Float32Array::from(numbers.to_vec()));
    let vectors = FixedSizeListArray::try_new(item, width, values, None)?;
    let nameless = |row: &RowName| matches!(row, RowName::Padding | RowName::Missing);
    let schema = Schema::new(vec![
        Field::new("id", DataType::UInt32, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
        Field::new("vector", vectors.data_type().clone(), false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values((first as u32..).take(rows.len()))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(RowName::kind))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| (!nameless(row)).then(|| row.to_string())))),
        Arc::new(vectors),
    ];
    RecordBatch::try_new(Arc::new(schema), columns)
}
