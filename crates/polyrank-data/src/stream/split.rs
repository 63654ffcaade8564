//! Which rows train and which validate.

use std::fmt::Write as _;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, StringArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use polyrank_schema::config::Split;
use xxhash_rust::xxh3::xxh3_64;

use super::random::{Purpose, Random};
use crate::error::DataError;
use crate::read::RawBatch;

/// Divides rows into those that train and those that validate. What a row is for follows from the seed and its place
/// among all rows (or its group) alone, not from how rows are cut into files and batches.
#[derive(Debug, Clone)]
pub struct Splitter {
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    /// Row by row, validation below `limit`.
    Random { random: Random, limit: u64 },
    /// Validation from this row on.
    Tail { first: u64 },
    /// Group by group, validation below `limit`.
    Group { column: String, random: Random, limit: u64 },
}

impl Splitter {
    /// Whether [`Splitter::new`] needs to know the number of rows.
    pub fn needs_total(split: &Split) -> bool {
        matches!(split, Split::Tail)
    }

    /// The column that [`Splitter::divide`] must find in its batches, if any.
    pub fn column(&self) -> Option<&str> {
        match &self.rule {
            Rule::Group { column, .. } => Some(column),
            _ => None,
        }
    }

    /// Plans to keep `fraction` of the rows (within (0, 1)) for validation. The tail needs `total`, the number of all
    /// rows, and then keeps at least one row on either side of two or more.
    ///
    /// # Errors
    /// A fraction out of bounds, or a tail of an unknown number of rows.
    pub fn new(fraction: f64, split: &Split, seed: u64, total: Option<u64>) -> Result<Splitter, DataError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DataError::Split(format!("the fraction {fraction} is not between 0 and 1; correct it")));
        }
        // 2^64 as a float; the product is below it, and the conversion saturates.
        let limit = (fraction * 18_446_744_073_709_551_616.0) as u64;
        let rule = match split {
            Split::Random => Rule::Random { random: Random::new(seed, Purpose::SplitRows), limit },
            Split::Group(column) => {
                let random = Random::new(seed, Purpose::SplitGroups);
                Rule::Group { column: column.clone(), random, limit }
            }
            Split::Tail => {
                let Some(total) = total else {
                    return Err(DataError::Split("the last rows are unknown without their number; count them".into()));
                };
                let valid = (total as f64 * fraction).round() as u64;
                let valid = if total < 2 { 0 } else { valid.clamp(1, total - 1) };
                Rule::Tail { first: total - valid }
            }
        };
        Ok(Splitter { rule })
    }

    /// The training rows and the validation rows of a batch, each in order; either may be empty. Each part knows the
    /// lines of its rows.
    ///
    /// # Errors
    /// The column of groups is not in the batch, or cannot be read as one value a row.
    pub fn divide(&self, raw: &RawBatch) -> Result<(RawBatch, RawBatch), DataError> {
        let missing = |column: &str| {
            let path = PathBuf::from(&*raw.file);
            DataError::MissingColumn { path, column: column.to_owned(), nearest: None }
        };
        match self.column() {
            None => self.divide_by(raw, &new_null_array(&DataType::Null, raw.batch.num_rows())),
            Some(column) => {
                let groups = raw.batch.column_by_name(column).ok_or_else(|| missing(column))?;
                self.divide_by(raw, groups)
            }
        }
    }

    /// As [`Splitter::divide`], with the values that name the rows' groups, where rows go by groups.
    ///
    /// # Errors
    /// Values that name no group.
    pub fn divide_by(&self, raw: &RawBatch, groups: &ArrayRef) -> Result<(RawBatch, RawBatch), DataError> {
        let rows = raw.batch.num_rows();
        let valid: Vec<bool> = match &self.rule {
            Rule::Random { random, limit } => {
                (0..rows as u64).map(|row| random.at(raw.first_row.wrapping_add(row)) < *limit).collect()
            }
            Rule::Tail { first } => (0..rows as u64).map(|row| raw.first_row.saturating_add(row) >= *first).collect(),
            Rule::Group { column, random, limit } => {
                let hashes = hashes(groups).map_err(|problem| {
                    let problem = format!("{problem}; split by a column of one value a row");
                    DataError::BadValue { column: column.clone(), problem }
                })?;
                hashes.into_iter().map(|hash| random.at(hash) < *limit).collect()
            }
        };
        let train = part(raw, valid.iter().map(|valid| !valid).collect())?;
        Ok((train, part(raw, valid)?))
    }
}

fn part(raw: &RawBatch, keep: Vec<bool>) -> Result<RawBatch, DataError> {
    let mut kept = keep.iter().enumerate().filter(|(_, keep)| **keep).map(|(row, _)| row).peekable();
    let first = kept.peek().copied().unwrap_or(0);
    let lines = kept.map(|row| raw.line(row)).collect();
    let batch = filter_record_batch(&raw.batch, &BooleanArray::from(keep))
        .map_err(|error| DataError::Split(format!("rows cannot be divided: {error}")))?;
    Ok(RawBatch {
        batch,
        file: raw.file.clone(),
        first_row: raw.first_row.saturating_add(first as u64),
        first_line: raw.line(first),
        lines: Some(lines),
    })
}

/// The hash of each value's canonical text, by which 7, "7" and 7.0 are one group; all missing values are one.
fn hashes(array: &ArrayRef) -> Result<Vec<u64>, String> {
    match array.data_type() {
        DataType::Float32 => Ok(float_hashes(array.as_primitive::<Float32Type>().iter())),
        DataType::Float64 => Ok(float_hashes(array.as_primitive::<Float64Type>().iter())),
        DataType::Utf8 => Ok(text_hashes(array.as_string::<i32>())),
        DataType::Int64 | DataType::UInt64 | DataType::Boolean => {
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            let text = cast_with_options(array, &DataType::Utf8, &strict).map_err(|error| error.to_string())?;
            Ok(text_hashes(text.as_string::<i32>()))
        }
        other => Err(format!("values of type {other} name no group")),
    }
}

fn text_hashes(texts: &StringArray) -> Vec<u64> {
    texts.iter().map(|text| xxh3_64(text.unwrap_or_default().as_bytes())).collect()
}

fn float_hashes<T: Into<f64> + std::fmt::Display + Copy>(values: impl Iterator<Item = Option<T>>) -> Vec<u64> {
    let mut text = String::new();
    values
        .map(|value| {
            text.clear();
            // Shown as the shortest text that is this number, a whole one without a point; writing to a string cannot
            // fail.
            let _ = match value {
                Some(value) if value.into() == 0.0 => write!(text, "0"),
                Some(value) if !value.into().is_nan() => write!(text, "{value}"),
                _ => Ok(()),
            };
            xxh3_64(text.as_bytes())
        })
        .collect()
}
