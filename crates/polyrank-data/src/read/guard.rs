//! A wall between damaged binary files and the program.

use std::cell::Cell;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::bad_file;
use crate::error::DataError;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is within a decoder whose panics become errors: a program's panic hook has nothing to say then.
pub fn decoding() -> bool {
    DECODING.get()
}

/// Runs a decoder of another library on a file's bytes and turns what goes wrong into an error that names the file.
///
/// The Parquet and Arrow decoders index and unwrap on the strength of what a file says of itself, so a crafted file can
/// make them panic. Whoever gets an error must drop the decoder: a panic may have left it half changed.
pub(super) fn guarded<T, E: Display>(
    path: &Path,
    kind: &str,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, DataError> {
    DECODING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(false);
    let problem = match outcome {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its parts contradict each other".to_owned(),
    };
    Err(bad_file(path, format!("cannot be read as {kind} ({problem}); write or copy the file again")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_errors() {
        let outcome = guarded(Path::new("t.parquet"), "a Parquet file", || -> Result<(), String> {
            assert!(decoding());
            [0; 3].get(5).map(|_| ()).expect("an index");
            Ok(())
        });
        let message = "t.parquet: cannot be read as a Parquet file (its parts contradict each other); write or copy the \
                       file again";
        assert_eq!(outcome.map_err(|error| error.to_string()), Err(message.to_owned()));
        assert!(!decoding());
    }
}
