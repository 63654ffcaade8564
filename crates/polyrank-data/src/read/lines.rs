//! Lines of a text file, unpacked, numbered and bounded in length.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use super::files::{DataFile, Packing, text_start};
use super::{bad_file, bad_row};
use crate::error::DataError;

/// The longest line, and the longest row of several lines, in bytes.
pub(super) const MAX_LINE: usize = 64 << 20;

/// Bytes read ahead.
const READ_AHEAD: usize = 256 << 10;

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Reads a text file line by line.
pub(super) struct Lines {
    path: Arc<Path>,
    packing: Packing,
    reader: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    /// Bytes of `buffer` before the line break.
    content: usize,
    /// The current line, from 1.
    line: u64,
}

impl Lines {
    pub(super) fn open(file: &DataFile, packing: Packing) -> Result<Lines, DataError> {
        let path = &file.path;
        let plain = File::open(path).map_err(|error| DataError::io(&**path, error))?;
        let mut reader: Box<dyn BufRead + Send> = match packing {
            Packing::Plain => Box::new(BufReader::with_capacity(READ_AHEAD, plain)),
            Packing::Gzip => Box::new(BufReader::with_capacity(
                READ_AHEAD,
                flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(READ_AHEAD, plain)),
            )),
            Packing::Zstd => Box::new(BufReader::with_capacity(
                READ_AHEAD,
                zstd::stream::read::Decoder::new(plain).map_err(|error| read_error(path, packing, error))?,
            )),
        };
        let start = reader.fill_buf().map_err(|error| read_error(path, packing, error))?;
        text_start(path, &start[..start.len().min(4096)])?;
        if start.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Lines { path: path.clone(), packing, reader, buffer: Vec::new(), content: 0, line: 0 })
    }

    /// Moves to the next line; `false` at the end of the file.
    pub(super) fn advance(&mut self) -> Result<bool, DataError> {
        self.buffer.clear();
        self.content = 0;
        let read = self.read_line()?;
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        if read > MAX_LINE {
            return Err(self.too_long());
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        self.content = line.strip_suffix(b"\r").unwrap_or(line).len();
        Ok(true)
    }

    /// Appends the bytes up to and with the next line break, or one more than [`MAX_LINE`] allows; their number.
    fn read_line(&mut self) -> Result<usize, DataError> {
        while self.buffer.len() <= MAX_LINE {
            let ahead = match self.reader.fill_buf() {
                Ok(ahead) => ahead,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(read_error(&self.path, self.packing, error)),
            };
            let ahead = &ahead[..ahead.len().min(MAX_LINE + 1 - self.buffer.len())];
            let (used, whole) = match memchr::memchr(b'\n', ahead) {
                Some(at) => (at + 1, true),
                None => (ahead.len(), ahead.is_empty()),
            };
            self.buffer.extend_from_slice(&ahead[..used]);
            self.reader.consume(used);
            if whole {
                break;
            }
        }
        Ok(self.buffer.len())
    }

    /// The line without its end.
    pub(super) fn content(&self) -> &[u8] {
        &self.buffer[..self.content]
    }

    /// The line with its end, if it has one.
    pub(super) fn raw(&self) -> &[u8] {
        &self.buffer
    }

    /// The line's number, from 1; 0 before the first.
    pub(super) fn number(&self) -> u64 {
        self.line
    }

    pub(super) fn too_long(&self) -> DataError {
        let limit = MAX_LINE >> 20;
        let problem = format!("the row is longer than {limit} MiB; check that its quotes and line breaks are right");
        bad_row(&self.path, self.line, None, problem)
    }
}

/// What the decompressor refuses is the file's fault; what the system refuses is not.
fn read_error(path: &Path, packing: Packing, error: std::io::Error) -> DataError {
    let name = match packing {
        Packing::Gzip if error.raw_os_error().is_none() => "gzip",
        Packing::Zstd if error.raw_os_error().is_none() => "zstd",
        _ => return DataError::io(path, error),
    };
    bad_file(path, format!("the {name} data are damaged or cut short ({error}); write or copy the file again"))
}
