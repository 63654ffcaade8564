//! Writing the configuration: whole or not at all, and never over another file unasked.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use polyrank_data::read::Source;

use crate::failure::Failure;

/// The folder that a file's name stands in.
pub(super) fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Refuses what could not be written later, before any row is read.
pub(super) fn check(path: &Path, force: bool, source: &Source) -> Result<(), Failure> {
    let shown = path.display();
    if path.file_name().is_none() || path.is_dir() {
        return Err(Failure::input(format!("{shown}: is a folder; name a file to write, as {shown}/config.toml")));
    }
    if !folder(path).is_dir() {
        return Err(Failure::input(format!("{shown}: its folder does not exist; make it first")));
    }
    let same = |file: &Path| matches!((file.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if source.files().any(same) {
        return Err(Failure::input(format!("{shown}: is one of the data files; name another file to write")));
    }
    if !force && path.symlink_metadata().is_ok() { Err(exists(path)) } else { Ok(()) }
}

fn exists(path: &Path) -> Failure {
    Failure::input(format!("{}: exists; name another file, or add --force to overwrite it", path.display()))
}

pub(super) fn write(path: &Path, force: bool, text: &str) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.new-{}", std::process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| if force { fs::rename(&temporary, path) } else { place(&temporary, path) });
    // A rename leaves nothing to remove.
    let _ = fs::remove_file(&temporary);
    placed.map_err(|e| if e.kind() == ErrorKind::AlreadyExists { exists(path) } else { Failure::io(path, e) })
}

/// Gives the file its name unless another has it; a link does so in one step where the file system knows links.
fn place(temporary: &Path, path: &Path) -> std::io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists && path.symlink_metadata().is_err() => {
            fs::rename(temporary, path)
        }
        done => done,
    }
}
