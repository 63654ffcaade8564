//! Fitted encoders on disk: a folder with one JSON file a feature, vocabularies listed in id order with counts.
//!
//! Files are named by the configuration, never by what a file says, and a loaded file must agree with the
//! configuration in everything that both state.

use std::path::Path;

use polyrank_schema::Config;
use polyrank_schema::config::{Feature, FeatureKind};
use serde::{Deserialize, Serialize};

use super::bucketize::Buckets;
use super::categorical::Categorical;
use super::encoders::{Column, Encoder, Encoders};
use super::fitter::Seen;
use super::hash::Hash;
use super::identity::Identity;
use super::moments::Moments;
use super::piecewise_linear::Pieces;
use super::plan::Plan;
use super::scale::Scale;
use super::vocabulary::{Key, Options, Vocabulary};
use crate::error::DataError;
use crate::json;
use crate::operate::Operators;

/// Grows when files change their meaning; older ones keep loading.
const FORMAT: u32 = 1;

/// A feature's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureFile {
    format: u32,
    feature: String,
    rows_seen: u64,
    rows_missing: u64,
    numbers: Moments,
    encoder: EncoderFile,
}

/// A feature's encoder. The tag stands outside, so that long vocabularies are read in one go.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum EncoderFile {
    /// In the file of the feature of that name.
    SharedWith(String),
    Vocabulary {
        oov_buckets: u32,
        values: Vec<(Key, u64)>,
    },
    Hash {
        buckets: u32,
        seed: u64,
    },
    Identity {
        size: u32,
    },
    Bucketize {
        boundaries: Vec<f64>,
    },
    PiecewiseLinear {
        edges: Vec<f64>,
    },
    /// A scaling by that name, which follows from `numbers`.
    Scale(String),
    Vector {
        size: usize,
    },
}

impl Encoders {
    /// Writes the encoders into a folder that exists; gives the files' names, one a feature as declared. Operators are
    /// saved by themselves, [`Encoders::save_operators`].
    pub fn save(&self, dir: &Path) -> Result<Vec<String>, DataError> {
        let mut names = Vec::with_capacity(self.columns.len());
        for (i, (feature, column)) in self.plan.features.iter().zip(&self.columns).enumerate() {
            let owner = &self.plan.features[self.plan.owner[i]];
            let encoder = if self.plan.owner[i] != i {
                EncoderFile::SharedWith(owner.name.clone())
            } else {
                encoder_file(feature, &column.encoder)
            };
            let file = FeatureFile {
                format: FORMAT,
                feature: feature.name.clone(),
                rows_seen: column.seen.rows,
                rows_missing: column.seen.missing,
                numbers: column.seen.moments,
                encoder,
            };
            let name = file_name(i, &feature.name);
            let path = dir.join(&name);
            json::write(&path, &file)?;
            names.push(name);
        }
        Ok(names)
    }

    /// Writes what operators have fitted into a folder that exists; gives the files' names.
    pub fn save_operators(&self, dir: &Path) -> Result<Vec<String>, DataError> {
        self.operators().save(dir)
    }

    /// Reads the encoders that a configuration's features had when they were saved to `dir`, and what its operators had
    /// when they were saved to `operators`.
    pub fn load(dir: &Path, operators: &Path, config: &Config) -> Result<Encoders, DataError> {
        let operators = Operators::load(operators, config)?;
        let plan = Plan::new(config)?;
        let path = |i: usize| dir.join(file_name(i, &plan.features[i].name));
        let mut fitted = Vec::with_capacity(plan.features.len());
        for i in 0..plan.features.len() {
            let file = json::read(&path(i), "fitted encoder")?;
            fitted.push(restore(&plan, i, file).map_err(|problem| DataError::BadFile { path: path(i), problem })?);
        }
        let columns = fitted.iter().enumerate().map(|(i, (seen, _))| {
            let encoder = fitted[plan.owner[i]].1.clone();
            let encoder = encoder.ok_or_else(|| {
                let problem = "shares the encoder of a feature that has none".to_owned();
                DataError::BadFile { path: path(i), problem }
            })?;
            Ok(Column { seen: *seen, list: plan.list(i), encoder })
        });
        let columns = columns.collect::<Result<Vec<_>, DataError>>()?;
        Encoders::new(operators, plan, columns)
    }
}

/// The name of a feature's file: its number among the features, and what of its name any file system takes.
fn file_name(i: usize, feature: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    format!("{i:04}-{}.json", feature.chars().take(60).map(safe).collect::<String>())
}

fn encoder_file(feature: &Feature, encoder: &Encoder) -> EncoderFile {
    match encoder {
        Encoder::Categorical(encoder) => match encoder.as_ref() {
            Categorical::Vocabulary(v) => EncoderFile::Vocabulary { oov_buckets: v.oov_buckets(), values: v.values() },
            Categorical::Hash(hash) => EncoderFile::Hash { buckets: hash.buckets, seed: hash.seed },
            Categorical::Identity(identity) => EncoderFile::Identity { size: identity.size },
        },
        Encoder::Bucketize(buckets) => EncoderFile::Bucketize { boundaries: buckets.boundaries().to_vec() },
        Encoder::Dense(_) => EncoderFile::Scale(match &feature.kind {
            FeatureKind::Dense { encoder, .. } => encoder.kind.clone(),
            _ => String::new(),
        }),
        Encoder::PiecewiseLinear(pieces) => EncoderFile::PiecewiseLinear { edges: pieces.edges().to_vec() },
        Encoder::Vector(size) => EncoderFile::Vector { size: *size },
    }
}

/// What a file says, if it is what the configuration's feature can have; no encoder if it uses another feature's.
fn restore(plan: &Plan, i: usize, file: FeatureFile) -> Result<(Seen, Option<Encoder>), String> {
    let feature = &plan.features[i];
    if file.format != FORMAT {
        return Err(format!("format {}, but this version reads format {FORMAT}", file.format));
    }
    if file.feature != feature.name {
        return Err(format!("belongs to feature `{}`, not `{}`", file.feature, feature.name));
    }
    file.numbers.check()?;
    if file.rows_missing > file.rows_seen || file.numbers.count > file.rows_seen {
        return Err("more rows with or without a value than rows".to_owned());
    }
    let seen = Seen { rows: file.rows_seen, missing: file.rows_missing, moments: file.numbers };
    if plan.owner[i] != i {
        let owner = &plan.features[plan.owner[i]].name;
        return match file.encoder {
            EncoderFile::SharedWith(name) if name == *owner => Ok((seen, None)),
            _ => Err(format!("the configuration says that it shares the encoder of `{owner}`")),
        };
    }
    let other = || "another encoder than the configuration has".to_owned();
    let encoder = match (&feature.kind, file.encoder) {
        (FeatureKind::Categorical { encoder, .. }, saved) => {
            let encoder = match (encoder.kind.as_str(), saved) {
                ("vocabulary", EncoderFile::Vocabulary { oov_buckets, values }) => {
                    let options = Options::new(encoder)?;
                    if options.oov_buckets != oov_buckets {
                        return Err(format!(
                            "oov_buckets {oov_buckets}, but the configuration says {}",
                            options.oov_buckets
                        ));
                    }
                    Categorical::Vocabulary(Vocabulary::restore(&options, values)?)
                }
                ("hash", EncoderFile::Hash { buckets, seed }) => {
                    let hash = Hash::new(encoder)?;
                    if hash != (Hash { buckets, seed }) {
                        return Err("buckets or seed differ from the configuration's".to_owned());
                    }
                    Categorical::Hash(hash)
                }
                ("identity", EncoderFile::Identity { size }) => {
                    Categorical::Identity(Identity::restore(encoder, size)?)
                }
                _ => return Err(other()),
            };
            Encoder::categorical(encoder)
        }
        (FeatureKind::Bucketized { encoder, .. }, EncoderFile::Bucketize { boundaries }) => {
            Encoder::Bucketize(Buckets::restore(encoder, boundaries)?)
        }
        (FeatureKind::Dense { encoder, .. }, EncoderFile::Scale(name)) if encoder.kind == name => {
            Encoder::Dense(Scale::new(encoder, &seen.moments)?)
        }
        (FeatureKind::Dense { encoder, .. }, EncoderFile::PiecewiseLinear { edges }) => {
            Encoder::PiecewiseLinear(Pieces::new(encoder, edges, &seen.moments)?)
        }
        (FeatureKind::Vector { size }, EncoderFile::Vector { size: saved }) if *size == saved => Encoder::Vector(*size),
        _ => return Err(other()),
    };
    Ok((seen, Some(encoder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_hold_nothing_of_a_path() {
        assert_eq!(file_name(3, "../../etc/passwd"), "0003-______etc_passwd.json");
        assert_eq!(file_name(12, "uid"), "0012-uid.json");
        assert!(file_name(0, &"é".repeat(500)).len() < 80);
    }
}
