//! JSON files that people can read and compare.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::DataError;

/// Writes a file and syncs it.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), DataError> {
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, Lines::default());
        value.serialize(&mut serializer)?;
        out.write_all(b"\n")?;
        out.into_inner().map_err(|e| e.into_error())?.sync_all()
    };
    write().map_err(|e| DataError::io(path, e))
}

/// Reads a file; `what` it should hold is for the message.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, DataError> {
    let file = File::open(path).map_err(|e| DataError::io(path, e))?;
    // From a stream: memory follows what is there to read, whatever length the file claims.
    serde_json::from_reader(BufReader::with_capacity(1 << 16, file)).map_err(|e| match e.io_error_kind() {
        Some(kind) => DataError::io(path, std::io::Error::from(kind)),
        None => DataError::BadFile { path: path.to_owned(), problem: format!("not a {what}: {e}") },
    })
}

/// A line for each key and each value of a vocabulary.
#[derive(Default)]
struct Lines {
    depth: usize,
}

impl Lines {
    /// What lies deeper, as a (value, count) pair, stays on one line.
    const DEPTH: usize = 5;

    fn separate<W: ?Sized + Write>(&self, out: &mut W, first: bool) -> std::io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        if self.depth < Self::DEPTH {
            out.write_all(b"\n")?;
            (0..self.depth).try_for_each(|_| out.write_all(b" "))
        } else if first {
            Ok(())
        } else {
            out.write_all(b" ")
        }
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> std::io::Result<()> {
        self.depth -= 1;
        if self.depth + 1 < Self::DEPTH {
            out.write_all(b"\n")?;
            (0..self.depth).try_for_each(|_| out.write_all(b" "))?;
        }
        out.write_all(bracket)
    }
}

impl serde_json::ser::Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        self.depth += 1;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        self.separate(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        self.separate(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}
