//! Files and folders that are whole or absent.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::ModelError;

/// Writes a file and syncs it.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| ModelError::io(path, e))
}

/// Writes a file that takes the place of the old one only when it is whole.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let name = path.file_name().ok_or_else(|| ModelError::bad_file(path, "is no name for a file"))?;
    let fresh = path.with_file_name(format!(".{}.new-{}", name.to_string_lossy(), std::process::id()));
    let written =
        write_file(&fresh, bytes).and_then(|()| fs::rename(&fresh, path).map_err(|e| ModelError::io(path, e)));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

pub(super) fn sync(path: &Path) -> Result<(), ModelError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| ModelError::io(path, e))
}

pub(super) fn make_dir(path: &Path) -> Result<(), ModelError> {
    fs::create_dir_all(path).map_err(|e| ModelError::io(path, e))
}

/// Fills a folder through `fill`, then puts it in the place of `dir`: first under a temporary name beside it, synced,
/// then renamed. On an error nothing is left and the old folder stays.
pub fn replace_dir<E: From<ModelError>>(dir: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let name = dir
        .file_name()
        .ok_or_else(|| ModelError::bad_file(dir, "is no name for a folder"))?
        .to_string_lossy()
        .into_owned();
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    make_dir(&parent)?;
    let beside = |kind: &str| parent.join(format!(".{name}.{kind}-{}", std::process::id()));
    let (fresh, old) = (beside("new"), beside("old"));
    let clear = |path: &Path| if path.exists() { fs::remove_dir_all(path) } else { Ok(()) };
    clear(&fresh).and_then(|()| clear(&old)).map_err(|e| ModelError::io(&parent, e))?;
    make_dir(&fresh)?;
    let swapped = fill(&fresh).and_then(|()| {
        sync(&fresh)?;
        if dir.exists() {
            fs::rename(dir, &old).map_err(|e| ModelError::io(dir, e))?;
        }
        fs::rename(&fresh, dir).map_err(|e| {
            // The old folder is whole: put it back before reporting.
            let _ = fs::rename(&old, dir);
            ModelError::io(dir, e)
        })?;
        Ok(())
    });
    if let Err(e) = swapped {
        let _ = fs::remove_dir_all(&fresh);
        return Err(e);
    }
    clear(&old).map_err(|e| ModelError::io(&old, e))?;
    Ok(sync(&parent)?)
}

/// The files of a bundle folder, as `name` or `folder/name`, sorted. Anything but files and one level of folders is
/// refused, links too.
pub(super) fn list(dir: &Path) -> Result<Vec<String>, ModelError> {
    const MOST: usize = 1_000_000;
    let mut found = Vec::new();
    let mut visit = |folder: &Path, prefix: &str| -> Result<Vec<String>, ModelError> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder).map_err(|e| ModelError::io(folder, e))? {
            let entry = entry.map_err(|e| ModelError::io(folder, e))?;
            let kind = entry.file_type().map_err(|e| ModelError::io(entry.path(), e))?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|_| ModelError::bad_file(entry.path(), "a bundle's file names are plain text"))?;
            if kind.is_file() {
                found.push(format!("{prefix}{name}"));
            } else if kind.is_dir() && prefix.is_empty() {
                folders.push(name);
            } else {
                return Err(ModelError::bad_file(entry.path(), "does not belong in a bundle; remove it"));
            }
            if found.len() > MOST {
                return Err(ModelError::bad_file(folder, "holds too many files for a bundle"));
            }
        }
        Ok(folders)
    };
    for folder in visit(dir, "")? {
        visit(&dir.join(&folder), &format!("{folder}/"))?;
    }
    found.sort();
    Ok(found)
}
