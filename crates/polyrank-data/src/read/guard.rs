//! A wall between damaged binary files and the program.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::bad_file;
use crate::error::DataError;

/// Runs a decoder of another library on a file's bytes and turns what goes wrong into an error that names the file.
///
/// The Parquet and Arrow decoders index and unwrap on the strength of what a file says of itself, so a crafted file can
/// make them panic. Whoever gets an error must drop the decoder: a panic may have left it half changed.
pub(super) fn guarded<T, E: Display>(
    path: &Path,
    kind: &str,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, DataError> {
    let problem = match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its parts contradict each other".to_owned(),
    };
    Err(bad_file(path, format!("cannot be read as {kind} ({problem}); write or copy the file again")))
}
