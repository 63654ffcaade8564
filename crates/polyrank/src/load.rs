//! Reading a configuration file, with what the command line changes in it.

use std::io::Read;
use std::path::{Path, PathBuf};

use polyrank_model::registry;
use polyrank_schema::{Config, SetOverride};

use crate::failure::Failure;

/// A configuration and what its paths are relative to.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) base: PathBuf,
}

const MOST_BYTES: u64 = 16 << 20;

/// Reads a configuration; `sets` are `key=value` texts, `files` replace `data.KEY` with paths relative to the working
/// folder.
pub(crate) fn config(path: &Path, sets: &[String], files: &[(&str, &[String])]) -> Result<Loaded, Failure> {
    let text = read(path)?;
    let mut overrides = Vec::new();
    for set in sets {
        overrides.push(SetOverride::parse(set)?);
    }
    for (key, files) in files {
        if !files.is_empty() {
            overrides.push(SetOverride::texts(&format!("data.{key}"), &absolute(files)?)?);
        }
    }
    let base = path.parent().map(Path::to_owned).unwrap_or_default();
    let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
    let open = |named: &str| read(&base.join(named)).map_err(|failure| failure.said().to_owned());
    let origin = path.display().to_string();
    let config = polyrank_schema::parse_with_files(&text, &origin, &registry(), &overrides, &open)?;
    Ok(Loaded { config, base })
}

/// The text of a file that is a configuration, or of one that it names.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // A pipe does not say how long it is.
    let file = std::fs::File::open(path).map_err(|e| Failure::io(path, e))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|e| Failure::io(path, e))?;
    let shown = path.display();
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::input(format!("{shown}: more than {MOST_BYTES} bytes is too long for a configuration")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::input(format!("{shown}: is not UTF-8 text")))
}

/// Paths that mean the same from any folder.
fn absolute(paths: &[String]) -> Result<Vec<String>, Failure> {
    paths
        .iter()
        .map(|path| {
            let whole = std::path::absolute(path).map_err(|e| Failure::io(path, e))?;
            whole.to_str().map(str::to_owned).ok_or_else(|| Failure::input(format!("{path}: is not UTF-8")))
        })
        .collect()
}
