//! Small rows, a configuration for them, and runs in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use polyrank_data::read::{RawBatch, Source};
use polyrank_model::{Predictor, registry};
use polyrank_schema::config::Reading;
use polyrank_schema::{Config, SetOverride};
use polyrank_train::{RunOptions, RunResult, TrainError, run};
use tempfile::TempDir;

/// Three tasks over two ids, a list and a number.
pub(crate) const CONFIG: &str = r#"
[data]
train = ["train.csv"]
valid = ["valid.csv"]

[[features]]
names = ["uid", "item_id"]
kind  = "categorical"
dim   = 4

[[features]]
name = "tags"
kind = "categorical"
dim  = 4
list = { combiner = "mean", max_length = 3, separator = "|" }

[[features]]
name    = "duration"
kind    = "dense"
encoder = { type = "standard" }

[[tasks]]
name = "finish"

[[tasks]]
name = "like"

[[tasks]]
name = "watch"
kind = "regression"

[model]
multi_task = { type = "mmoe", experts = 2, expert_units = [8, 4] }
towers     = { units = [4] }

[train]
batch_size = 150
epochs     = 2
threads    = 1
optimizer  = { type = "adagrad", learning_rate = 0.05 }
"#;

pub(crate) const HEADER: &str = "uid,item_id,tags,duration,finish,like,watch";

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Rows in which items decide what is finished, users what is liked, and duration how long is watched; every tenth
/// `like` is missing.
pub(crate) fn csv(rows: usize, seed: u64) -> String {
    let mut random = Random(seed);
    let mut text = format!("{HEADER}\n");
    for i in 0..rows {
        let (uid, item, duration) = (random.below(40), random.below(30), 1 + random.below(60));
        let tags: Vec<String> = (0..random.below(5)).map(|_| format!("t{}", random.below(8))).collect();
        let finish = u64::from(random.below(10) < if item % 2 == 0 { 8 } else { 2 });
        let like = u64::from(random.below(10) < if uid % 3 == 0 { 7 } else { 1 });
        let like = if i % 10 == 9 { String::new() } else { like.to_string() };
        let watch = duration as f64 * (0.25 + 0.5 * finish as f64) / 60.0;
        text += &format!("u{uid},{item},{},{duration},{finish},{like},{watch}\n", tags.join("|"));
    }
    text
}

/// A folder with rows and what runs leave in it.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

impl Place {
    /// A folder with 700 training and 200 validation rows.
    pub(crate) fn new() -> Place {
        let place = Place::empty();
        place.write("train.csv", &csv(700, 1));
        place.write("valid.csv", &csv(200, 2));
        place
    }

    pub(crate) fn empty() -> Place {
        Place { dir: folder() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn config(&self, sets: &[&str]) -> Config {
        parse(CONFIG, sets).unwrap()
    }

    pub(crate) fn options(&self, out: &str) -> RunOptions {
        RunOptions {
            out: self.path(out),
            base: self.dir.path().to_owned(),
            cache: None,
            resume: false,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Trains into the folder `out`.
    pub(crate) fn train(&self, out: &str, sets: &[&str]) -> Result<RunResult, TrainError> {
        run(&self.config(sets), &self.options(out), &mut |_| ())
    }

    /// As [`Place::train`], from the latest checkpoint.
    pub(crate) fn resume(&self, out: &str, sets: &[&str]) -> Result<RunResult, TrainError> {
        run(&self.config(sets), &RunOptions { resume: true, ..self.options(out) }, &mut |_| ())
    }

    pub(crate) fn predictor(&self, out: &str) -> Predictor {
        Predictor::load(&self.path(out).join("bundle")).unwrap()
    }

    /// The bytes of all weights and tables of a run's bundle.
    pub(crate) fn weights(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        let bundle = self.path(out).join("bundle");
        let mut names = vec!["weights.safetensors".to_owned()];
        let tables = fs::read_dir(bundle.join("tables")).unwrap();
        names.extend(tables.map(|entry| format!("tables/{}", entry.unwrap().file_name().to_str().unwrap())));
        names.sort();
        names.into_iter().map(|name| (name.clone(), fs::read(bundle.join(name)).unwrap())).collect()
    }

    /// The rows of a file in one batch.
    pub(crate) fn raw(&self, name: &str, columns: &[String]) -> RawBatch {
        let source = Source::open(&[name.to_owned()], self.dir.path(), &Reading::default()).unwrap();
        let mut rows = source.rows(columns, 1 << 16).unwrap();
        rows.next().unwrap().unwrap()
    }
}

pub(crate) fn parse(text: &str, sets: &[&str]) -> Result<Config, polyrank_schema::ConfigErrors> {
    let sets: Vec<SetOverride> = sets.iter().map(|set| SetOverride::parse(set).unwrap()).collect();
    polyrank_schema::parse(text, "test.toml", &registry(), &sets)
}

pub(crate) fn bits(scores: &[f32]) -> Vec<u32> {
    scores.iter().map(|v| v.to_bits()).collect()
}

/// The message of what must have failed, which holds all of `parts`.
pub(crate) fn refused<T>(result: Result<T, TrainError>, parts: &[&str]) -> TrainError {
    let error = result.err().expect("this must be refused");
    let message = error.to_string();
    assert!(parts.iter().all(|part| message.contains(part)), "`{message}` lacks one of {parts:?}");
    error
}

/// The names in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder in memory where there is one: runs wait until what they write is on the disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
