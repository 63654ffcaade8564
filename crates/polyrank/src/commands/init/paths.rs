//! The data's paths as the configuration has them: relative to its folder, so that both can move together.

use std::path::{Component, Path, PathBuf};

use polyrank_data::read::Source;
use polyrank_schema::config::Reading;

use super::file::folder;
use super::toml::shown;
use crate::failure::Failure;

/// `patterns`, which are relative to the working folder, for a configuration that is written to `output` (the working
/// folder if none). Each way of writing them counts only if it names the same files as `source`.
pub(super) fn relative(
    patterns: &[String],
    source: &Source,
    output: Option<&Path>,
    reading: &Reading,
) -> Result<Vec<String>, Failure> {
    let base = output.map_or(PathBuf::from("."), folder);
    if !base.is_dir() {
        let path = output.unwrap_or(&base).display();
        return Err(Failure::input(format!("{path}: its folder does not exist; make it first")));
    }
    let real = |source: &Source| source.files().map(|f| f.canonicalize().ok()).collect::<Vec<_>>();
    let files = real(source);
    let mut ways: Vec<Vec<String>> = Vec::new();
    ways.extend(patterns.iter().map(|p| from(p, &base)).collect::<Option<Vec<_>>>());
    ways.extend(patterns.iter().map(|p| absolute(p)).collect::<Option<Vec<_>>>());
    for way in ways {
        if Source::open(&way, &base, reading).is_ok_and(|opened| real(&opened) == files) {
            return Ok(way);
        }
    }
    let what = patterns.first().map(String::as_str).unwrap_or_default();
    let hint = "name the files by absolute paths, or rename their folder to plain text";
    Err(Failure::input(format!(
        "{}: cannot be written into a configuration in {}; {hint}",
        shown(what),
        base.display()
    )))
}

/// The path from `base` to `pattern`, if both lie below one folder other than the root.
fn from(pattern: &str, base: &Path) -> Option<String> {
    let (to, base) = (plain(Path::new(pattern))?, plain(base)?);
    let (to, base): (Vec<_>, Vec<_>) = (to.components().collect(), base.components().collect());
    let common = to.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let shared = to[..common].iter().any(|c| matches!(c, Component::Normal(_)));
    if !shared && common < base.len() {
        return None;
    }
    let up = base[common..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    path.to_str().map(str::to_owned)
}

/// An absolute path without `.` and `..`.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for component in std::path::absolute(path).ok()?.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = out.pop(),
            other => out.push(other),
        }
    }
    Some(out)
}

/// A pattern that means the same from any folder: the working folder's own name is no glob.
fn absolute(pattern: &str) -> Option<String> {
    if Path::new(pattern).is_absolute() {
        return Some(pattern.to_owned());
    }
    let whole = std::path::absolute(pattern).ok()?;
    if whole.exists() {
        return whole.to_str().map(str::to_owned);
    }
    let mut escaped = String::new();
    for c in std::env::current_dir().ok()?.to_str()?.chars() {
        if matches!(c, '[' | ']' | '*' | '?') { escaped.extend(['[', c, ']']) } else { escaped.push(c) }
    }
    Some(format!("{escaped}/{pattern}"))
}
