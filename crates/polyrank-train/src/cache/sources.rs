//! The raw files that a cache was made of, and whether they are still the same.

use std::path::Path;

use polyrank_data::DataError;
use polyrank_data::read::Source;
use polyrank_schema::Config;
use polyrank_schema::config::Validation;
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use crate::error::TrainError;

/// Some raw files, whose folder may be another one later.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sources {
    /// As the configuration names them.
    patterns: Vec<String>,
    files: Vec<Fingerprint>,
}

/// The files of training rows and, where they have their own, of validation rows.
pub(super) fn of(config: &Config, base: &Path) -> Result<(Sources, Option<Sources>), TrainError> {
    let sources = |patterns: &[String]| -> Result<Sources, TrainError> {
        let source = Source::open(patterns, base, &config.data.reading)?;
        Ok(Sources { patterns: patterns.to_vec(), files: raw_files(&source)? })
    };
    let valid = match &config.data.valid {
        Validation::Files(patterns) => Some(sources(patterns)?),
        Validation::None | Validation::Fraction { .. } => None,
    };
    Ok((sources(&config.data.train)?, valid))
}

impl Sources {
    pub(super) fn bytes(&self) -> impl Iterator<Item = u64> {
        self.files.iter().map(|file| file.bytes)
    }

    /// What is no longer as it was, in words. Files that are gone from where they were are no change: a cache stands by
    /// itself.
    pub(super) fn changed(
        &self,
        config: &Config,
        base: &Path,
        patterns: &[String],
    ) -> Result<Option<String>, TrainError> {
        let now = match Source::open(patterns, base, &config.data.reading) {
            Ok(source) => raw_files(&source)?,
            Err(DataError::NoFile { .. }) if patterns == self.patterns => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let names = |files: &[Fingerprint]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>().join(", ");
        if !self.files.iter().map(|file| &file.name).eq(now.iter().map(|file| &file.name)) {
            return Ok(Some(format!("it was written of {}, and these are {}", names(&self.files), names(&now))));
        }
        Ok(self.files.iter().zip(&now).find_map(|(then, now)| then.change(now)))
    }
}

fn raw_files(source: &Source) -> Result<Vec<Fingerprint>, DataError> {
    source.files().map(Fingerprint::of).collect()
}
