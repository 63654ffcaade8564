//! What a large file is known again by, without reading it whole.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use polyrank_data::DataError;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes at either end that are looked at: a Parquet or Arrow file says at its end what is in it.
const ENDS: u64 = 1 << 16;

/// A file's name, without its folder, its length and a checksum of its ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fingerprint {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// XXH3 (64 bits) of the first and the last 64 KiB, in hexadecimal.
    ends: String,
}

impl Fingerprint {
    pub(super) fn of(path: &Path) -> Result<Fingerprint, DataError> {
        let read = || {
            let mut file = File::open(path)?;
            let bytes = file.metadata()?.len();
            let mut ends = Vec::new();
            (&mut file).take(ENDS).read_to_end(&mut ends)?;
            file.seek(SeekFrom::Start(bytes.saturating_sub(ENDS)))?;
            file.take(ENDS).read_to_end(&mut ends)?;
            Ok((bytes, format!("{:016x}", xxh3_64(&ends))))
        };
        let (bytes, ends) = read().map_err(|e| DataError::io(path, e))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Fingerprint { name, bytes, ends })
    }

    /// How a file of that name is no longer the same, in words.
    pub(super) fn change(&self, now: &Fingerprint) -> Option<String> {
        let Fingerprint { name, bytes, .. } = self;
        if *bytes != now.bytes {
            return Some(format!("{name} had {bytes} bytes then and has {} now", now.bytes));
        }
        (self != now).then(|| format!("{name} has changed since"))
    }
}
