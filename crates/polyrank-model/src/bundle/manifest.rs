//! `manifest.json`: what a bundle must consist of.

use std::fs;
use std::path::Path;

use polyrank_schema::config::Precision;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::files::write_file;
use crate::error::ModelError;

/// The version that this program writes. Older ones keep loading; newer ones are refused.
pub(super) const FORMAT_VERSION: u32 = 1;

const NAME: &str = "manifest.json";
const MOST_BYTES: u64 = 64 << 20;

/// The manifest, without its own checksum.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format_version: u32,
    /// Number format that the network was trained with.
    pub(super) precision: String,
    /// Instruction set that it was trained on. In fp32 every instruction set gives the same bits.
    pub(super) isa: String,
    pub(super) files: Vec<FileEntry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    name: String,
    bytes: u64,
    /// XXH3 (64 bits) of the contents, in hexadecimal.
    xxh3: String,
}

impl FileEntry {
    fn check_length(&self, path: &Path) -> Result<(), ModelError> {
        let bytes = fs::metadata(path).map_err(|e| ModelError::io(path, e))?.len();
        if bytes != self.bytes {
            let problem =
                format!("is {bytes} bytes long, {} were written; restore it from where it was made", self.bytes);
            return Err(ModelError::bad_file(path, problem));
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// XXH3 of `manifest` in compact JSON.
    xxh3: String,
    manifest: Manifest,
}

fn sum(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

impl Manifest {
    pub(super) fn add(&mut self, name: String, bytes: &[u8]) {
        self.files.push(FileEntry { name, bytes: bytes.len() as u64, xxh3: sum(bytes) });
    }

    fn own_sum(&self, path: &Path) -> Result<String, ModelError> {
        let text = serde_json::to_vec(self).map_err(|e| ModelError::bad_file(path, e.to_string()))?;
        Ok(sum(&text))
    }

    pub(super) fn save(self, dir: &Path) -> Result<(), ModelError> {
        let path = dir.join(NAME);
        let signed = Signed { xxh3: self.own_sum(&path)?, manifest: self };
        write_file(&path, &super::json(&path, &signed)?)
    }

    pub(super) fn load(dir: &Path) -> Result<Manifest, ModelError> {
        let path = dir.join(NAME);
        if !dir.is_dir() || !path.is_file() {
            return Err(ModelError::bad_file(dir, "is no bundle: it has no manifest.json"));
        }
        let bytes = fs::metadata(&path).map_err(|e| ModelError::io(&path, e))?.len();
        if bytes > MOST_BYTES {
            return Err(ModelError::bad_file(
                path,
                format!("is {bytes} bytes long, a manifest has at most {MOST_BYTES}"),
            ));
        }
        let text = fs::read(&path).map_err(|e| ModelError::io(&path, e))?;
        // The version first: a newer format may have other fields.
        #[derive(Deserialize)]
        struct Version {
            manifest: VersionOnly,
        }
        #[derive(Deserialize)]
        struct VersionOnly {
            format_version: u32,
        }
        let broken = |e: serde_json::Error| {
            ModelError::bad_file(&path, format!("is damaged: {e}; restore the bundle from where it was made"))
        };
        let version: Version = serde_json::from_slice(&text).map_err(broken)?;
        let version = version.manifest.format_version;
        if version == 0 || version > FORMAT_VERSION {
            let problem = format!(
                "has format version {version}, this program reads up to {FORMAT_VERSION}; use a newer polyrank"
            );
            return Err(ModelError::bad_file(path, problem));
        }
        let signed: Signed = serde_json::from_slice(&text).map_err(broken)?;
        // The bytes too: not even a space may differ from what was written.
        if signed.manifest.own_sum(&path)? != signed.xxh3 || super::json(&path, &signed)? != text {
            return Err(ModelError::bad_file(
                path,
                "was altered: its checksum differs; restore the bundle from where it was made",
            ));
        }
        if Precision::ALL.iter().all(|precision| precision.name() != signed.manifest.precision) {
            let problem =
                format!("has precision `{}`, this program knows `fp32` and `bf16`", signed.manifest.precision);
            return Err(ModelError::bad_file(path, problem));
        }
        Ok(signed.manifest)
    }

    /// The lengths that are stated for files whose names `which` picks.
    pub(super) fn bytes_of(&self, which: impl Fn(&str) -> bool) -> impl Iterator<Item = u64> {
        self.files.iter().filter(move |entry| which(&entry.name)).map(|entry| entry.bytes)
    }

    /// Checks that exactly the listed files are there, each as long as stated; `found` is sorted.
    pub(super) fn check_files(&self, dir: &Path, found: &[String]) -> Result<(), ModelError> {
        let mut listed: Vec<&str> = self.files.iter().map(|entry| entry.name.as_str()).collect();
        listed.sort_unstable();
        if let Some(twice) = listed.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ModelError::bad_file(dir.join(NAME), format!("lists `{}` twice", twice[0])));
        }
        if let Some(name) = found.iter().find(|name| *name != NAME && listed.binary_search(&name.as_str()).is_err()) {
            return Err(ModelError::bad_file(dir, format!("`{name}` does not belong to the bundle; remove it")));
        }
        for entry in &self.files {
            // Only names that the folder was found to have are ever joined to its path.
            if found.binary_search(&entry.name).is_err() {
                return Err(ModelError::bad_file(
                    dir,
                    format!("`{}` is missing; restore the bundle from where it was made", entry.name),
                ));
            }
            entry.check_length(&dir.join(&entry.name))?;
        }
        Ok(())
    }

    /// The contents of a listed file, if they are what was written.
    pub(super) fn read(&self, dir: &Path, name: &str) -> Result<Vec<u8>, ModelError> {
        let path = dir.join(name);
        let Some(entry) = self.files.iter().find(|entry| entry.name == name) else {
            return Err(ModelError::bad_file(
                dir,
                format!("has no `{name}`; restore the bundle from where it was made"),
            ));
        };
        entry.check_length(&path)?;
        let contents = fs::read(&path).map_err(|e| ModelError::io(&path, e))?;
        if sum(&contents) != entry.xxh3 {
            return Err(ModelError::bad_file(
                path,
                "was altered: its checksum differs; restore it from where it was made",
            ));
        }
        Ok(contents)
    }
}
