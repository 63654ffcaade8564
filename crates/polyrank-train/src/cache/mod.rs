//! Encoded rows in a folder, so that training need not read and encode raw ones again.
//!
//! | file | what |
//! |---|---|
//! | `cache.json` | what the rows were encoded with and from, how many they are, and what each file is known again by |
//! | `train.parquet`, `valid.parquet` | the rows of each part in the order of the raw ones, as [`Encoders::export_whole`] makes them |
//! | `encoders/`, `operators/` | what was fitted, as in a bundle |
//!
//! A cache is written to a temporary sibling and renamed, so it is whole or absent. Nothing in it is certain: it must fit
//! the configuration, and every cell is checked as it is read.

mod fingerprint;
mod settings;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use polyrank_data::DataError;
use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::read::Stored;
use polyrank_model::ModelError;
use polyrank_model::bundle::{replace_dir, write_file};
use polyrank_schema::Config;
use polyrank_schema::config::Validation;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::dataset::{BatchStream, Dataset, Part, READ_ROWS};
use crate::error::TrainError;
use fingerprint::Fingerprint;
use sources::Sources;

/// Grows when files change their meaning.
const FORMAT: u32 = 1;

const ABOUT: &str = "cache.json";

/// The most bytes that `cache.json` can have: one line a file that rows came from.
const MOST_BYTES: u64 = 64 << 20;

/// Folders of what was fitted on the training rows.
const FITTED: [&str; 2] = ["encoders", "operators"];

/// What `cache.json` holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    format: u32,
    train: Rows,
    valid: Option<Rows>,
    /// Malformed raw rows that were left out.
    skipped: u64,
    /// All that decides what becomes of a raw row.
    settings: Value,
    /// The files that training rows came from.
    train_files: Sources,
    /// Those of validation rows, where these have files of their own.
    valid_files: Option<Sources>,
    fitted: Vec<Fitted>,
}

/// A file of rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    rows: u64,
    file: Fingerprint,
}

/// A file of what was fitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fitted {
    name: String,
    /// XXH3 (64 bits) of the contents, in hexadecimal.
    xxh3: String,
}

/// Encoded columns, batch by batch.
pub type Columns = Box<dyn Iterator<Item = Result<RecordBatch, DataError>> + Send>;

/// Encoded rows and what they were encoded by.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    about: About,
    encoders: Arc<Encoders>,
}

fn problem(path: &Path, problem: impl Into<String>) -> TrainError {
    TrainError::Cache { path: path.to_owned(), problem: problem.into() }
}

fn file(part: Part) -> &'static str {
    match part {
        Part::Train => "train.parquet",
        Part::Valid => "valid.parquet",
    }
}

/// Fits operators and encoders and writes the rows of a configuration to `dir`, in the place of the cache that is there;
/// gives the numbers of training and validation rows. `put` writes a Parquet file and says how many rows it has.
pub fn write<E: From<TrainError> + From<ModelError>>(
    dir: &Path,
    config: &Config,
    base: &Path,
    mut put: impl FnMut(&Path, Columns) -> Result<u64, E>,
) -> Result<(u64, Option<u64>), E> {
    // Another folder's files must not be lost to a slip of the keyboard.
    if dir.exists() && !dir.join(ABOUT).is_file() && fs::read_dir(dir).map_or(true, |mut files| files.next().is_some())
    {
        return Err(problem(dir, "is there and no cache; name a folder that is new or empty").into());
    }
    let dataset = Dataset::open(config, base)?;
    let (encoders, _) = dataset.fit(|_| ())?;
    let (encoders, skipped) = (Arc::new(encoders), dataset.skipped());
    let (train_files, valid_files) = sources::of(config, base)?;
    let mut counts = (0, None);
    replace_dir(dir, |dir| -> Result<(), E> {
        let mut part = |part: Part| -> Result<Rows, E> {
            let path = dir.join(file(part));
            let apply = encoders.clone();
            let columns = dataset.each(part, move |raw, first_row| match first_row {
                Some(first_row) => apply.export_whole(&apply.transform_training(&raw.batch, first_row)?),
                None => apply.export_whole(&apply.transform(&raw.batch, Labels::Read)?),
            })?;
            let rows = put(&path, Box::new(columns))?;
            Ok(Rows { rows, file: Fingerprint::of(&path).map_err(TrainError::from)? })
        };
        let train = part(Part::Train)?;
        let valid = if dataset.has_valid() { Some(part(Part::Valid)?) } else { None };
        counts = (train.rows, valid.as_ref().map(|valid| valid.rows));
        for folder in FITTED {
            let folder = dir.join(folder);
            fs::create_dir(&folder).map_err(|e| TrainError::io(&folder, e))?;
        }
        encoders.save(&dir.join(FITTED[0])).map_err(TrainError::from)?;
        encoders.save_operators(&dir.join(FITTED[1])).map_err(TrainError::from)?;
        let about = About {
            format: FORMAT,
            train,
            valid,
            skipped,
            settings: settings::of(config).map_err(|e| problem(dir, e.to_string()))?,
            train_files,
            valid_files,
            fitted: fitted(dir)?,
        };
        let path = dir.join(ABOUT);
        let mut text = serde_json::to_vec_pretty(&about).map_err(|e| problem(&path, e.to_string()))?;
        text.push(b'\n');
        Ok(write_file(&path, &text)?)
    })?;
    Ok(counts)
}

/// The files of what was fitted, in order, with their checksums.
fn fitted(dir: &Path) -> Result<Vec<Fitted>, TrainError> {
    let mut files = Vec::new();
    for folder in FITTED {
        let path = dir.join(folder);
        for entry in fs::read_dir(&path).map_err(|e| DataError::io(&path, e))? {
            let entry = entry.map_err(|e| DataError::io(&path, e))?;
            let bytes = fs::read(entry.path()).map_err(|e| DataError::io(entry.path(), e))?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            files.push(Fitted { name, xxh3: format!("{:016x}", xxh3_64(&bytes)) });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

impl Cache {
    /// Opens the cache in `dir`, if it is what `polyrank prepare` would make of this configuration's rows.
    ///
    /// # Errors
    /// A folder that is no cache, one that was altered, or was written of other files or with other settings: what
    /// differs.
    pub fn open(dir: &Path, config: &Config, base: &Path) -> Result<Cache, TrainError> {
        let about = read(dir)?;
        let differences = settings::differences(config, &about.settings).map_err(|e| problem(dir, e.to_string()))?;
        if !differences.is_empty() {
            let said = format!("does not fit the configuration: {}; {AGAIN}", differences.join("; "));
            return Err(problem(dir, said));
        }
        let files = |what: &str, cached: &Sources, patterns: &[String]| match cached.changed(config, base, patterns)? {
            Some(change) => Err(problem(dir, format!("does not fit {what}: {change}; {AGAIN}"))),
            None => Ok(()),
        };
        files("data.train", &about.train_files, &config.data.train)?;
        if let (Validation::Files(patterns), Some(cached)) = (&config.data.valid, &about.valid_files) {
            files("data.valid", cached, patterns)?;
        }
        let there = fitted(dir)?;
        let differs = |file: &&Fitted| !there.contains(file);
        if let Some(file) =
            about.fitted.iter().find(differs).or_else(|| there.iter().find(|f| !about.fitted.contains(f)))
        {
            return Err(problem(&dir.join(&file.name), format!("is not as it was written; {AGAIN}")));
        }
        let encoders = Encoders::load(&dir.join(FITTED[0]), &dir.join(FITTED[1]), config)?;
        let cache = Cache { dir: dir.to_owned(), about, encoders: Arc::new(encoders) };
        for part in [Part::Train, Part::Valid] {
            let path = dir.join(file(part));
            let Some(rows) = cache.about(part) else { continue };
            if let Some(change) = rows.file.change(&Fingerprint::of(&path)?) {
                return Err(problem(dir, format!("is not as it was written: {change}; {AGAIN}")));
            }
            let stored = Stored::open(&path, &cache.encoders.encoded_columns(), READ_ROWS)?.rows();
            if stored != rows.rows || (part == Part::Train && stored == 0) {
                return Err(problem(&path, format!("has {stored} rows, {} were written; {AGAIN}", rows.rows)));
            }
        }
        Ok(cache)
    }

    fn about(&self, part: Part) -> Option<&Rows> {
        match part {
            Part::Train => Some(&self.about.train),
            Part::Valid => self.about.valid.as_ref(),
        }
    }

    /// What rows were encoded by.
    pub fn encoders(&self) -> &Arc<Encoders> {
        &self.encoders
    }

    /// Whether there are validation rows.
    pub fn has_valid(&self) -> bool {
        self.about.valid.is_some()
    }

    /// Number of training rows.
    pub fn train_rows(&self) -> u64 {
        self.about.train.rows
    }

    /// Malformed raw rows that were left out when the cache was written.
    pub fn skipped(&self) -> u64 {
        self.about.skipped
    }

    /// The files of rows.
    pub fn files(&self) -> Vec<PathBuf> {
        let parts = [Part::Train, Part::Valid].into_iter().filter(|part| self.about(*part).is_some());
        parts.map(|part| self.dir.join(file(part))).collect()
    }

    /// Bytes of the raw files that the rows came from, in order.
    pub(crate) fn raw_bytes(&self) -> Vec<u64> {
        let sources = std::iter::once(&self.about.train_files).chain(&self.about.valid_files);
        sources.flat_map(Sources::bytes).collect()
    }

    /// One pass over the encoded rows of a part, in the order of the raw ones.
    pub fn encoded(&self, part: Part) -> Result<BatchStream, TrainError> {
        let path = self.dir.join(file(part));
        let stored = Stored::open(&path, &self.encoders.encoded_columns(), READ_ROWS)?;
        let encoders = self.encoders.clone();
        Ok(Box::new(stored.map(move |raw| {
            let raw = raw?;
            encoders.import(&raw.batch).map_err(|e| raw.locate(e))
        })))
    }
}

/// What to do about a cache that cannot be used.
const AGAIN: &str = "write the cache again with `polyrank prepare CONFIG --cache DIR`";

fn read(dir: &Path) -> Result<About, TrainError> {
    let path = dir.join(ABOUT);
    if !path.is_file() {
        return Err(problem(dir, format!("is no cache, it has no {ABOUT}; {AGAIN}")));
    }
    let bytes = fs::metadata(&path).map_err(|e| TrainError::io(&path, e))?.len();
    if bytes > MOST_BYTES {
        return Err(problem(&path, format!("is {bytes} bytes long, at most {MOST_BYTES} are read; {AGAIN}")));
    }
    let text = fs::read(&path).map_err(|e| TrainError::io(&path, e))?;
    // The format first: another one may have other fields.
    let damaged = |e: serde_json::Error| problem(&path, format!("is damaged ({e}); {AGAIN}"));
    let value: Value = serde_json::from_slice(&text).map_err(damaged)?;
    if value["format"] != FORMAT {
        let problem_of = format!("has format {}, this version reads format {FORMAT}; {AGAIN}", value["format"]);
        return Err(problem(&path, problem_of));
    }
    serde_json::from_value(value).map_err(damaged)
}
