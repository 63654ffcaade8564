//! Running the program, and rows in every format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

pub(crate) const CONFIG: &str = r#"
[data]
train = ["train.csv"]
valid = ["valid.csv"]

[[features]]
names = ["uid", "item_id"]
kind  = "categorical"
dim   = 4

[[features]]
name = "duration"
kind = "dense"

[[tasks]]
name = "finish"

[[tasks]]
name = "like"

[model]
multi_task = { type = "mmoe", experts = 2, expert_units = [8] }
towers     = { units = [4] }

[train]
batch_size = 64
epochs     = 2
"#;

pub(crate) const COLUMNS: [&str; 5] = ["uid", "item_id", "duration", "finish", "like"];

/// What a run of the program left.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// Done, and said nothing that is not data on standard output.
    pub(crate) fn ok(self) -> Outcome {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// Ended with this code and a message with all of `parts`; nothing on standard output.
    pub(crate) fn failed(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        let lines: Vec<&str> = self.err.lines().filter(|line| line.starts_with("error: ")).collect();
        let message = lines.join("\n");
        assert!(!message.is_empty() && !self.err.contains("panicked"), "{}", self.err);
        assert!(parts.iter().all(|part| message.contains(part)), "`{message}` lacks one of {parts:?}");
        message
    }
}

/// The rows of a small Parquet file.
pub(crate) fn read(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1 << 20).build().unwrap();
    let batch = reader.next().unwrap().unwrap();
    assert!(reader.next().is_none());
    batch
}

/// One row: uid, item_id, duration, finish, like (missing where `None`).
type Row = (String, i64, f64, i64, Option<i64>);

pub(crate) fn rows(count: usize, seed: u64) -> Vec<Row> {
    let mut state = seed;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    (0..count)
        .map(|i| {
            let (uid, item) = (below(25), below(20) as i64);
            let finish = i64::from(below(10) < if item % 2 == 0 { 8 } else { 2 });
            let like = i64::from(below(10) < if uid % 3 == 0 { 7 } else { 1 });
            (format!("u{uid}"), (1 << 40) + item, below(100) as f64 / 8.0, finish, (i % 10 != 9).then_some(like))
        })
        .collect()
}

fn text(rows: &[Row], separator: &str, header: bool) -> String {
    let mut text = if header { COLUMNS.join(separator) + "\n" } else { String::new() };
    for (uid, item, duration, finish, like) in rows {
        let like = like.map_or(String::new(), |like| like.to_string());
        let cells = [uid.clone(), item.to_string(), duration.to_string(), finish.to_string(), like];
        text += &(cells.join(separator) + "\n");
    }
    text
}

fn json_lines(rows: &[Row]) -> String {
    let line = |(uid, item_id, duration, finish, like): &Row| {
        serde_json::json!({ "uid": uid, "item_id": item_id, "duration": duration, "finish": finish, "like": like })
            .to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [ArrayRef; 5] = [
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0))),
        // Ids in a column of floats, as tools that know no nullable integers write them.
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.1 as f64))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.2))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.3))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.4))),
    ];
    RecordBatch::try_from_iter(COLUMNS.into_iter().zip(columns)).unwrap()
}

/// A folder to work in, with `config.toml`, 300 training and 100 validation rows.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place { dir: folder() };
        place.write("config.toml", CONFIG);
        place.rows("train.csv", 300, 1);
        place.rows("valid.csv", 100, 2);
        place
    }

    /// A folder with a trained bundle in `run/`.
    pub(crate) fn trained() -> Place {
        let place = Place::new();
        place.run(&["train", "config.toml", "--out", "run"]).ok();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes made-up rows in the format of the name: .csv, .tsv (without header), .jsonl or .parquet.
    pub(crate) fn rows(&self, name: &str, count: usize, seed: u64) {
        let rows = rows(count, seed);
        match Path::new(name).extension().and_then(|e| e.to_str()) {
            Some("csv") => self.write(name, &text(&rows, ",", true)),
            Some("tsv") => self.write(name, &text(&rows, "\t", false)),
            Some("jsonl") => self.write(name, &json_lines(&rows)),
            Some("parquet") => {
                let batch = batch(&rows);
                let file = fs::File::create(self.path(name)).unwrap();
                let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
                writer.write(&batch).unwrap();
                writer.close().unwrap();
            }
            other => panic!("{other:?}"),
        }
    }

    /// Runs the program in this folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let output =
            Command::new(env!("CARGO_BIN_EXE_polyrank")).args(arguments).current_dir(self.dir.path()).output().unwrap();
        Outcome {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The names in a folder, sorted; hidden ones too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A CSV file as a header and rows of cells.
pub(crate) fn parse(csv: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect())
}

/// A folder in memory where there is one: runs wait until what they write is on the disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
