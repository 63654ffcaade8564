//! Where a run's encoded rows come from: raw rows that are encoded as they are read, or a cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polyrank_data::encode::Encoders;
use polyrank_schema::Config;

use crate::cache::Cache;
use crate::dataset::{BatchStream, Dataset, Part};
use crate::error::TrainError;

/// Encoded rows that can be passed over again and again. Both kinds give the same rows in the same order.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Raw rows, the encoders that were fitted on them, and the number of those that train.
    Raw(Box<Dataset>, Arc<Encoders>, u64),
    /// Rows that were encoded before.
    Cache(Box<Cache>),
}

impl Origin {
    /// Opens a cache, if there is one to take, or fits the encoders of a configuration on its raw rows, and tells `seen`
    /// how many it has read.
    pub fn open(
        config: &Config,
        base: &Path,
        cache: Option<&Path>,
        seen: impl FnMut(u64),
    ) -> Result<Origin, TrainError> {
        if let Some(dir) = cache {
            return Ok(Origin::Cache(Box::new(Cache::open(dir, config, base)?)));
        }
        let dataset = Dataset::open(config, base)?;
        let (encoders, rows) = dataset.fit(seen)?;
        Ok(Origin::Raw(Box::new(dataset), Arc::new(encoders), rows))
    }

    /// What the rows are encoded by.
    pub fn encoders(&self) -> &Arc<Encoders> {
        match self {
            Origin::Raw(_, encoders, _) => encoders,
            Origin::Cache(cache) => cache.encoders(),
        }
    }

    /// Number of training rows.
    pub fn train_rows(&self) -> u64 {
        match self {
            Origin::Raw(_, _, rows) => *rows,
            Origin::Cache(cache) => cache.train_rows(),
        }
    }

    /// Malformed raw rows that are left out.
    pub fn skipped(&self) -> u64 {
        match self {
            Origin::Raw(dataset, ..) => dataset.skipped(),
            Origin::Cache(cache) => cache.skipped(),
        }
    }

    /// Whether there are validation rows.
    pub fn has_valid(&self) -> bool {
        match self {
            Origin::Raw(dataset, ..) => dataset.has_valid(),
            Origin::Cache(cache) => cache.has_valid(),
        }
    }

    /// The files that are read.
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            Origin::Raw(dataset, ..) => dataset.files(),
            Origin::Cache(cache) => cache.files(),
        }
    }

    /// Bytes of the raw files, in order: the same for raw rows and for a cache of them.
    pub(crate) fn raw_bytes(&self) -> Result<Vec<u64>, TrainError> {
        match self {
            Origin::Raw(dataset, ..) => {
                let bytes = |path: PathBuf| match fs::metadata(&path) {
                    Ok(metadata) => Ok(metadata.len()),
                    Err(error) => Err(TrainError::io(path, error)),
                };
                dataset.files().into_iter().map(bytes).collect()
            }
            Origin::Cache(cache) => Ok(cache.raw_bytes()),
        }
    }

    /// One pass over the encoded rows of a part, labels included, in file order.
    pub fn encoded(&self, part: Part) -> Result<BatchStream, TrainError> {
        match self {
            Origin::Raw(dataset, encoders, _) => dataset.encoded(part, encoders),
            Origin::Cache(cache) => cache.encoded(part),
        }
    }
}
