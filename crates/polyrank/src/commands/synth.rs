//! `polyrank synth`: rows that are made up.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use polyrank_data::stream::Prefetch;
use polyrank_data::synth::{Design, KINDS, Kind, Rows, Wishes, World, blocks};
use polyrank_schema::Schema;

use crate::commands::write::{Format, Writer};
use crate::failure::Failure;
use crate::{load, output};

/// Makes up rows whose labels can be learned.
#[derive(Debug, Args)]
pub(crate) struct Synth {
    /// A kind of rows, or a schema: .pbtxt, or a configuration with [[columns]]
    #[arg(value_name = "KIND|SCHEMA", long_help = long_help())]
    kind: String,
    /// Rows in all
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    rows: u64,
    /// The file to write: .parquet, .arrow, .csv, .tsv or .jsonl
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The same seed gives the same file
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Parts of the rows, in their order: 0.8,0.2 writes NAME-train and NAME-valid, three parts NAME-test too
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    sizes: Vec<f64>,
    /// Also writes what each label was drawn from: TASK_probability, TASK_mean of a number, TASK_probability_CLASS
    #[arg(long)]
    probabilities: bool,
    /// Part of the rows where a task's label is 1; its mean if it is a number
    #[arg(long, value_name = "TASK=RATE")]
    rate: Vec<Rate>,
    /// Correlation of what any two tasks depend on, 0 to 1 [default: 0.5]
    #[arg(long)]
    correlation: Option<f64>,
    /// Standard deviation of the labels' log-odds, 0 to 8 [default: 1.5]
    #[arg(long)]
    strength: Option<f64>,
    /// Part of the labels that are drawn without regard to the row [default: 0]
    #[arg(long)]
    noise: Option<f64>,
    /// Part of the rows whose user, and part whose item, appears in a few neighbouring rows only [default: 0.04]
    #[arg(long)]
    cold: Option<f64>,
    /// Users that appear from the first row on [default: 20000]
    #[arg(long)]
    users: Option<u64>,
    /// Items that appear from the first row on [default: 5000]
    #[arg(long)]
    items: Option<u64>,
}

/// `TASK=RATE`.
#[derive(Debug, Clone)]
struct Rate(String, f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let (task, rate) = text.split_once('=').ok_or("write TASK=RATE, as click=0.29")?;
        let number = rate.trim().parse().map_err(|_| format!("`{rate}` is not a number"))?;
        Ok(Rate(task.trim().to_owned(), number))
    }
}

fn long_help() -> String {
    let lines = KINDS.iter().map(|kind| format!("\n{:12} {}", kind.name, kind.doc));
    let kinds = lines.collect::<String>();
    format!("A kind of rows:{kinds}\nor a schema, whose tags decide: a .pbtxt, or a configuration with [[columns]]")
}

/// Names of the files that `--sizes` makes.
const PARTS: [&str; 3] = ["train", "valid", "test"];
/// Blocks that wait to be written.
const AHEAD: usize = 4;

impl Synth {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let format = Format::of(&self.output)?;
        let files = files(&self.output, self.rows, &self.sizes)?;
        let wishes = Wishes {
            rates: self.rate.into_iter().map(|Rate(task, rate)| (task, rate)).collect(),
            correlation: self.correlation,
            strength: self.strength,
            noise: self.noise,
            cold: self.cold,
            users: self.users,
            items: self.items,
        };
        let rows: Arc<dyn Rows> = match schema(&self.kind)? {
            Some(schema) => Arc::new(World::new(wishes.applied(Design::of(&schema)?)?, self.seed)?),
            None => Kind::named(&self.kind)?.rows(&wishes, self.seed)?,
        };
        for (path, range) in files {
            let made = blocks(rows.clone(), range.clone(), self.probabilities);
            let mut writer = Writer::create(&path, format)?;
            for batch in Prefetch::new(made, AHEAD).map_err(|e| Failure::other(&path, e))? {
                writer.write(&batch)?;
            }
            writer.finish()?;
            output::message(&format!("wrote {} rows to {}", range.end - range.start, path.display()));
        }
        Ok(())
    }
}

/// The schema of a file, if it is one that is named.
fn schema(named: &str) -> Result<Option<Schema>, Failure> {
    let path = Path::new(named);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("pbtxt") => {
            let schema = Schema::from_pbtxt(&load::read(path)?, named);
            schema.map(Some).map_err(|e| Failure::input(e.to_string()))
        }
        Some("toml") => Ok(Some(load::config(path, &[], &[])?.config.schema)),
        _ => Ok(None),
    }
}

/// Each file and its rows.
fn files(path: &Path, rows: u64, sizes: &[f64]) -> Result<Vec<(PathBuf, std::ops::Range<u64>)>, Failure> {
    if sizes.is_empty() {
        return Ok(vec![(path.to_owned(), 0..rows)]);
    }
    let sum: f64 = sizes.iter().sum();
    if sizes.len() > PARTS.len() || !sizes.iter().all(|size| *size > 0.0) || (sum - 1.0).abs() > 1e-6 {
        return Err(Failure::input("--sizes: write up to three parts above 0 that sum to 1, as 0.8,0.2"));
    }
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, extension) = (text(path.file_stem()), text(path.extension()));
    let mut files = Vec::new();
    let (mut from, mut share) = (0, 0.0);
    for (i, (size, part)) in sizes.iter().zip(PARTS).enumerate() {
        share += size;
        let to = if i + 1 == sizes.len() { rows } else { (share * rows as f64).round() as u64 };
        if to <= from {
            return Err(Failure::input(format!("--sizes: of {rows} rows, none are left for {part}; make more")));
        }
        files.push((path.with_file_name(format!("{stem}-{part}.{extension}")), from..to));
        from = to;
    }
    Ok(files)
}
