//! The rows of a run: which files, which part of them, encoded.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use polyrank_data::encode::{Encoders, Labels, narrow};
use polyrank_data::operate::Derived;
use polyrank_data::read::{RawBatch, Source};
use polyrank_data::stream::{Prefetch, Splitter};
use polyrank_data::{Batch, DataError};
use polyrank_schema::Config;
use polyrank_schema::config::Validation;

use crate::error::TrainError;

/// Rows read from a file at a time.
pub const READ_ROWS: usize = 8192;

/// Batches that wait between the reading thread and who takes them.
pub(crate) const AHEAD: usize = 4;

/// Bytes of training rows that fitting leaves in memory for the pass that follows it.
const KEPT_BYTES: usize = 512 << 20;

/// A stream of encoded batches.
pub type BatchStream = Box<dyn Iterator<Item = Result<Batch, DataError>> + Send>;

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rows to train on.
    Train,
    /// Rows to validate on.
    Valid,
}

/// Where the rows of a configuration come from.
#[derive(Debug, Clone)]
pub struct Dataset {
    config: Config,
    /// What paths are relative to.
    base: PathBuf,
    train: Source,
    valid: Option<Source>,
    splitter: Option<Arc<Splitter>>,
    /// The column by which groups of rows are split off, where operators make it.
    groups: Option<Arc<Derived>>,
    /// Malformed rows that the last pass left out.
    skipped: Arc<AtomicU64>,
    /// The training rows as fitting read them, if they were few, with ids as numbers: the next pass takes them, so that
    /// no text is parsed twice and no memory is held for longer.
    kept: Arc<Mutex<Option<Vec<RawBatch>>>>,
}

impl Dataset {
    /// Opens the files of a configuration, whose paths are relative to `base`, and checks that they have its columns.
    pub fn open(config: &Config, base: &Path) -> Result<Dataset, TrainError> {
        let reading = &config.data.reading;
        let train = Source::open(&config.data.train, base, reading)?;
        train.check_columns(&config.columns_to_fit())?;
        let (valid, splitter) = match &config.data.valid {
            Validation::None => (None, None),
            Validation::Files(patterns) => {
                let source = Source::open(patterns, base, reading)?;
                source.check_columns(&config.columns_needed(true))?;
                (Some(source), None)
            }
            Validation::Fraction { fraction, split } => {
                let total = if Splitter::needs_total(split) { Some(train.count_rows()?) } else { None };
                (None, Some(Arc::new(Splitter::new(*fraction, split, config.train.seed, total)?)))
            }
        };
        let groups = config.group_column().map(|column| Derived::new(config, base, column)).transpose()?.map(Arc::new);
        let (config, base) = (config.clone(), base.to_owned());
        Ok(Dataset { config, train, valid, splitter, groups, base, skipped: Arc::default(), kept: Arc::default() })
    }

    /// Whether there are validation rows.
    pub fn has_valid(&self) -> bool {
        self.valid.is_some() || self.splitter.is_some()
    }

    /// The files that are read.
    pub fn files(&self) -> Vec<PathBuf> {
        self.train.files().chain(self.valid.iter().flat_map(Source::files)).map(Path::to_owned).collect()
    }

    /// Forgets the rows that fitting left in memory: the next pass reads columns as the files have them.
    pub fn forget_rows(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Malformed rows that the last finished pass over the training files left out.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// One pass over the raw rows of a part, in file order.
    pub fn raw(
        &self,
        part: Part,
    ) -> Result<Box<dyn Iterator<Item = Result<RawBatch, DataError>> + Send + 'static>, TrainError> {
        let kept = match part {
            Part::Train => self.kept.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Part::Valid => None,
        };
        Ok(match kept {
            Some(kept) => Box::new(kept.into_iter().map(Ok)),
            None => Box::new(self.read(part)?),
        })
    }

    fn read(
        &self,
        part: Part,
    ) -> Result<impl Iterator<Item = Result<RawBatch, DataError>> + Send + 'static, TrainError> {
        let (source, columns) = match (part, &self.valid) {
            (Part::Valid, Some(valid)) => (valid, self.config.columns_needed(true)),
            _ => (&self.train, self.config.columns_to_fit()),
        };
        let (splitter, groups) = (self.splitter.clone(), self.groups.clone());
        let mut rows = source.rows(&columns, READ_ROWS)?;
        let skipped = self.skipped.clone();
        Ok(std::iter::from_fn(move || {
            let raw = match rows.next() {
                Some(raw) => raw,
                None => {
                    skipped.store(rows.skipped(), Ordering::Relaxed);
                    return None;
                }
            };
            Some(raw.and_then(|raw| match &splitter {
                None => Ok(raw),
                Some(splitter) => {
                    let divided = match &groups {
                        Some(column) => splitter.divide_by(&raw, &column.of(&raw.batch).map_err(|e| raw.locate(e))?),
                        None => splitter.divide(&raw),
                    };
                    divided.map(|(train, valid)| if part == Part::Train { train } else { valid })
                }
            }))
        }))
    }

    /// One pass over the encoded rows of a part, labels included, in file order.
    pub fn encoded(&self, part: Part, encoders: &Arc<Encoders>) -> Result<BatchStream, TrainError> {
        let encoders = encoders.clone();
        Ok(Box::new(self.each(part, move |raw, first_row| match first_row {
            Some(first_row) => encoders.transform_training(&raw.batch, first_row),
            None => encoders.transform(&raw.batch, Labels::Read),
        })?))
    }

    /// One pass over the raw rows of a part, in file order, through `f`, which is told the number among the training
    /// rows of the first one, if they are that.
    pub fn each<T>(
        &self,
        part: Part,
        mut f: impl FnMut(&RawBatch, Option<u64>) -> Result<T, DataError> + Send + 'static,
    ) -> Result<impl Iterator<Item = Result<T, DataError>> + Send + 'static, TrainError>
    where
        T: 'static,
    {
        let mut first_row = 0;
        Ok(self.raw(part)?.map(move |raw| {
            let raw = raw?;
            let made = f(&raw, (part == Part::Train).then_some(first_row)).map_err(|e| raw.locate(e));
            first_row += raw.batch.num_rows() as u64;
            made
        }))
    }

    /// Fits operators and encoders on the training rows, in as many passes as they need; gives their number too, without
    /// those that operators remove.
    pub fn fit(&self, mut seen: impl FnMut(u64)) -> Result<(Encoders, u64), TrainError> {
        let mut fitter = Encoders::fitter(&self.config, &self.base)?;
        let mut all = 0u64;
        let ids = self.config.id_columns();
        loop {
            let raw = Prefetch::new(self.raw(Part::Train)?, AHEAD).map_err(|e| TrainError::io("thread", e))?;
            let (mut kept, mut bytes) = (Some(Vec::new()), 0usize);
            for raw in raw {
                let mut raw = raw?;
                raw.batch = narrow(&raw.batch, &ids)?;
                fitter.observe(&raw.batch).map_err(|e| raw.locate(e))?;
                all += raw.batch.num_rows() as u64;
                seen(all);
                bytes = bytes.saturating_add(raw.batch.get_array_memory_size());
                if bytes > KEPT_BYTES {
                    kept = None;
                }
                if let Some(kept) = &mut kept {
                    kept.push(raw);
                }
            }
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
            if !fitter.next_pass()? {
                break;
            }
        }
        let rows = fitter.rows();
        if rows == 0 {
            let files: Vec<String> = self.train.files().map(|f| f.display().to_string()).collect();
            return Err(DataError::Empty(format!("{}: no rows to train on", files.join(", "))).into());
        }
        Ok((fitter.finish()?, rows))
    }
}

/// Encodes raw rows; an error names file and line.
pub fn encode(encoders: &Encoders, raw: &RawBatch, labels: Labels) -> Result<Batch, DataError> {
    encoders.transform(&raw.batch, labels).map_err(|e| raw.locate(e))
}
