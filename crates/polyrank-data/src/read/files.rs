//! Which files a pattern names, and what kind of file each is.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polyrank_schema::config::Reading;

use super::bad_file;
use crate::error::DataError;

/// One file to read.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    pub(super) path: Arc<Path>,
    pub(super) format: Format,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub(super) enum Format {
    Text(TextStyle),
    JsonLines(Packing),
    Parquet,
    /// With a footer.
    ArrowFile,
    /// Without.
    ArrowStream,
}

/// How a text file separates its fields.
#[derive(Debug, Clone)]
pub(super) struct TextStyle {
    pub(super) separator: u8,
    /// Whether `"` quotes a field.
    pub(super) quoting: bool,
    pub(super) packing: Packing,
}

/// How a text file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

const KNOWN: &str = ".csv, .tsv, .txt (tab-separated), .jsonl or .ndjson, each also with .gz or .zst; .parquet; \
                     .arrow, .ipc or .feather";

/// Names the files, in the order of the patterns and sorted within one.
pub(super) fn resolve(patterns: &[String], base: &Path, reading: &Reading) -> Result<Vec<DataFile>, DataError> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for pattern in patterns {
        for path in matches(pattern, base)? {
            if !seen.insert(path.clone()) {
                return Err(bad_file(&path, format!("`{pattern}` names this file a second time; name it once")));
            }
            let format = format(&path, reading)?;
            files.push(DataFile { path: path.into(), format });
        }
    }
    Ok(files)
}

fn matches(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, DataError> {
    let no_file = || DataError::NoFile { pattern: pattern.into(), base: base.into() };
    if pattern.is_empty() || pattern.contains('\0') {
        return Err(no_file());
    }
    // A file whose very name is the pattern wins, so that a name with brackets in it can be written as it is.
    let literal = base.join(pattern);
    if literal.exists() {
        return Ok(vec![literal]);
    }
    let bad_pattern = |problem: String| bad_file(Path::new(pattern), problem);
    let full = if Path::new(pattern).is_absolute() {
        pattern.to_owned()
    } else {
        let base = base.to_str().ok_or_else(|| {
            bad_pattern(format!("globs need a folder whose name is UTF-8, which {} is not", base.display()))
        })?;
        // `join` alone would let the folder's own name act as a glob.
        Path::new(&glob::Pattern::escape(base)).join(pattern).to_string_lossy().into_owned()
    };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found = glob::glob_with(&full, options)
        .map_err(|error| bad_pattern(format!("is not a valid glob: {}; [[] stands for a bracket", error.msg)))?;
    let mut paths = Vec::new();
    for path in found {
        paths.push(path.map_err(|error| DataError::io(error.path().to_path_buf(), error.into()))?);
    }
    if paths.is_empty() {
        return Err(no_file());
    }
    paths.sort();
    Ok(paths)
}

fn format(path: &Path, reading: &Reading) -> Result<Format, DataError> {
    let metadata = std::fs::metadata(path).map_err(|error| DataError::io(path, error))?;
    if metadata.is_dir() {
        return Err(bad_file(path, "is a directory; name its files, with a glob such as DIR/*.parquet"));
    }
    if !metadata.is_file() {
        return Err(bad_file(path, "is not a regular file; write the rows to a file first"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (stem, packing) = match name.rsplit_once('.') {
        Some((stem, "gz")) => (stem, Packing::Gzip),
        Some((stem, "zst")) => (stem, Packing::Zstd),
        _ => (name.as_str(), Packing::Plain),
    };
    let extension = stem.rsplit_once('.').map_or("", |(_, extension)| extension);
    let text = |default: u8| -> Result<Format, DataError> {
        let separator = match reading.separator {
            None => default,
            Some(separator) => u8::try_from(separator)
                .ok()
                .filter(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0))
                .ok_or_else(|| {
                    let problem = format!("the separator {separator:?} cannot be used; use one ASCII character");
                    bad_file(path, problem + " other than a quote or a line break")
                })?,
        };
        Ok(Format::Text(TextStyle { separator, quoting: separator != b'\t', packing }))
    };
    let start = start_of(path).map_err(|error| DataError::io(path, error))?;
    let format = match (extension, packing) {
        ("csv", _) => text(b',')?,
        ("tsv" | "txt", _) => text(b'\t')?,
        ("jsonl" | "ndjson", _) => Format::JsonLines(packing),
        ("parquet", Packing::Plain) => Format::Parquet,
        ("arrow" | "ipc" | "feather", Packing::Plain) if start.starts_with(ARROW_MAGIC) => Format::ArrowFile,
        ("arrow" | "ipc" | "feather", Packing::Plain) => Format::ArrowStream,
        ("parquet" | "arrow" | "ipc" | "feather", _) => {
            return Err(bad_file(path, format!("a .{extension} file is compressed inside; unpack it first")));
        }
        ("", _) => return Err(bad_file(path, format!("has no known extension; known are {KNOWN}"))),
        _ => return Err(bad_file(path, format!("`.{extension}` is not a known extension; known are {KNOWN}"))),
    };
    agree(path, &format, &start)?;
    Ok(format)
}

const ARROW_MAGIC: &[u8] = b"ARROW1";
const PARQUET_MAGIC: &[u8] = b"PAR1";
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(16);
    File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether the first bytes are those of the format that the name promises.
fn agree(path: &Path, format: &Format, start: &[u8]) -> Result<(), DataError> {
    let foreign = |expected: &str| {
        let problem = if start.is_empty() {
            "is empty".to_owned()
        } else {
            match known_start(start) {
                Some(found) => format!("is {found}, not {expected} as its name says; rename it"),
                None => format!("is not {expected}, as its name says; check that it was written or copied whole"),
            }
        };
        Err(bad_file(path, problem))
    };
    match format {
        Format::Parquet if !start.starts_with(PARQUET_MAGIC) => foreign("a Parquet file"),
        // A stream starts with a continuation marker, and with the length of the schema before Arrow 0.15.
        Format::ArrowStream if !start.starts_with(&[0xff; 4]) => foreign("an Arrow file"),
        Format::Parquet | Format::ArrowFile | Format::ArrowStream => Ok(()),
        Format::Text(TextStyle { packing, .. }) | Format::JsonLines(packing) => match packing {
            Packing::Gzip if !start.starts_with(GZIP_MAGIC) => foreign("a gzip file"),
            Packing::Zstd if !start.starts_with(ZSTD_MAGIC) => foreign("a zstd file"),
            Packing::Gzip | Packing::Zstd => Ok(()),
            Packing::Plain => text_start(path, start),
        },
    }
}

/// Refuses (unpacked) content that starts like something else than UTF-8 text.
pub(super) fn text_start(path: &Path, start: &[u8]) -> Result<(), DataError> {
    match known_start(start) {
        Some(found) => Err(bad_file(path, format!("is {found}, not text as its name says; rename it"))),
        None if start.contains(&0) => {
            Err(bad_file(path, "holds binary data, not text; check that it is the right file"))
        }
        None => Ok(()),
    }
}

fn known_start(start: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &'static str); 9] = [
        (PARQUET_MAGIC, "a Parquet file"),
        (ARROW_MAGIC, "an Arrow file"),
        (&[0xff; 4], "an Arrow stream"),
        (b"FEA1", "a Feather version 1 file (write version 2 instead)"),
        (GZIP_MAGIC, "a gzip file"),
        (ZSTD_MAGIC, "a zstd file"),
        (b"PK\x03\x04", "a zip archive"),
        (&[0xff, 0xfe], "UTF-16 text (save it as UTF-8)"),
        (&[0xfe, 0xff], "UTF-16 text (save it as UTF-8)"),
    ];
    known.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name)
}
