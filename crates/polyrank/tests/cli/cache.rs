//! Encoded rows that are written once and trained on again and again.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_array::{ArrayRef, Float32Array, Int64Array, ListArray, RecordBatch, StringArray, UInt32Array};
use parquet::arrow::ArrowWriter;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{Place, read};

/// Everything that a batch can hold: ids, lists in order beside their target, numbers in one column and in several,
/// vectors, groups, weights, spaces, classes, missing labels; and operators that remove rows and know other rows.
const CONFIG: &str = r#"
[data]
train = ["train.csv"]
valid_fraction = 0.25
split = "group:uid"
group = "uid"
shuffle_buffer = 64
weight_column = "heft"

[[operators]]
type = "target_encoding"
columns = ["item_id"]
target = ["finish"]

[[operators]]
type = "drop_missing"
columns = ["duration"]

[[operators]]
type = "history"
key = "uid"
time = "time"
collect = ["item_id"]
max_length = 5

[[features]]
name = "item_id"
kind = "categorical"
dim = 4

[[features]]
name = "uid"
kind = "categorical"
dim = 4
encoder = { type = "hash", buckets = 20 }

[[features]]
name = "item_id_history"
kind = "categorical"
table = "item_id"
list = { combiner = "din", target = "item_id", max_length = 5, units = [4] }

[[features]]
name = "tags"
kind = "categorical"
dim = 4
list = { combiner = "max", max_length = 2 }

[[features]]
name = "te_item_id_finish"
kind = "dense"
encoder = "standard"

[[features]]
name = "duration"
kind = "dense"
encoder = { type = "piecewise_linear", bins = 4 }

[[features]]
name = "time"
kind = "dense"
encoder = { type = "bucketize", quantiles = 4 }
dim = 4

[[features]]
name = "vector"
kind = "vector"
size = 3

[[tasks]]
name = "finish"
class_weights = [1.0, 2.5]

[[tasks]]
name = "watch"
kind = "regression"
when = "finish == 1"
transform = "log1p"

[[tasks]]
name = "rating"
kind = "multi_class"
classes = ["low", "mid", "high"]

[model]
multi_task = { type = "mmoe", experts = 2, expert_units = [8] }
towers = { units = [4] }

[train]
batch_size = 32
epochs = 2
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("ranker.toml", CONFIG);
    let mut text = "uid,item_id,tags,duration,time,vector,heft,finish,watch,rating\n".to_owned();
    let mut state = 7u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for time in 0..400 {
        let (uid, item) = (below(30), below(12));
        let tags = ["", "a", "a|b", "b|c|a"][below(4) as usize];
        let duration = if below(10) == 0 { String::new() } else { below(60).to_string() };
        let finish = if below(9) == 0 { String::new() } else { (u64::from(below(12) > item)).to_string() };
        let rating = ["low", "mid", "high", ""][below(4) as usize];
        let (x, heft, watch) = (below(8) as f64 / 8.0, 1 + below(3), below(50));
        text += &format!("u{uid},i{item},{tags},{duration},{time},{x} 1 {x},{heft},{finish},{watch},{rating}\n");
    }
    place.write("train.csv", &text);
    place
}

/// The files of a folder and of the folders in it, with what they hold.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

/// A bundle's files by their names in it.
fn bundle(place: &Place, run: &str) -> Vec<(String, Vec<u8>)> {
    let dir = place.path(run).join("bundle");
    let name = |path: String| path.strip_prefix(&dir.display().to_string()).unwrap().to_owned();
    contents(&dir).into_iter().map(|(path, bytes)| (name(path), bytes)).collect()
}

fn same(place: &Place, a: &str, b: &str) {
    let (a, b) = (bundle(place, a), bundle(place, b));
    assert!(a.len() > 10);
    assert_eq!(a.iter().map(|file| &file.0).collect::<Vec<_>>(), b.iter().map(|file| &file.0).collect::<Vec<_>>());
    for (a, b) in a.iter().zip(&b) {
        assert!(a.1 == b.1, "{} differs", a.0);
    }
}

#[test]
fn training_on_the_cache_is_training_on_the_raw_rows_to_the_byte() {
    let place = place();
    place.run(&["train", "ranker.toml", "--out", "raw"]).ok();
    let said = place.run(&["prepare", "ranker.toml", "--cache", "cache"]).ok();
    assert!(said.out.is_empty() && said.err.contains("rows to train on and"), "{}", said.err);
    assert_eq!(place.names("cache"), ["cache.json", "encoders", "operators", "train.parquet", "valid.parquet"]);
    let said = place.run(&["train", "ranker.toml", "--cache", "cache", "--out", "cached"]).ok();
    assert!(said.err.contains("opened the cache of") && !said.err.contains("fitted"), "{}", said.err);
    same(&place, "raw", "cached");
    // Another network on the same rows, and other rows kept in memory; then without the raw rows.
    let other = ["--set", "features.dim=8", "--set", "train.epochs=1", "--set", "train.seed=1024"];
    let list = "features.item_id_history.list={ combiner = \"bst\", target = \"item_id\", max_length = 5, heads = 2 }";
    let more = ["--set", "data.shuffle_buffer=10000", "--set", "tasks.watch.loss=mae", "--set", list];
    let other = [&other[..], &more, &["--set", "model.interaction=dcn"]].concat();
    place.run(&[&["train", "ranker.toml", "--out", "raw2"], &other[..]].concat()).ok();
    fs::rename(place.path("train.csv"), place.path("moved.csv")).unwrap();
    place.run(&[&["train", "ranker.toml", "--cache", "cache", "--out", "cached2"], &other[..]].concat()).ok();
    same(&place, "raw2", "cached2");
    place.run(&["predict", "cached/bundle", "moved.csv", "-o", "a.csv"]).ok();
    place.run(&["predict", "raw/bundle", "moved.csv", "-o", "b.csv"]).ok();
    assert_eq!(place.read("a.csv"), place.read("b.csv"));
    let bench = ["bench", "train", "--config", "ranker.toml", "--cache", "cache", "--seconds", "0.01"];
    assert!(place.run(&bench).ok().out.contains("from the cache"));
}

#[test]
fn a_run_on_raw_rows_goes_on_from_the_cache() {
    let place = Place::new();
    place.run(&["prepare", "config.toml", "--cache", "cache"]).ok();
    place.run(&["train", "config.toml", "--out", "whole"]).ok();
    place.run(&["train", "config.toml", "--out", "run", "--set", "train.epochs=1"]).ok();
    let said = place.run(&["train", "config.toml", "--out", "run", "--resume", "--cache", "cache"]).ok();
    assert!(said.err.contains("resumed after epoch 1"), "{}", said.err);
    let whole: Vec<_> = bundle(&place, "whole");
    assert!(whole == bundle(&place, "run"));
}

#[test]
fn a_cache_of_another_configuration_or_of_other_rows_is_refused() {
    let place = place();
    place.run(&["prepare", "ranker.toml", "--cache", "cache"]).ok();
    let train = |sets: &[&str], parts: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", *set]);
        let all: Vec<&str> =
            ["train", "ranker.toml", "--cache", "cache", "--out", "run"].into_iter().chain(sets).collect();
        place.run(&all).failed(2, &[&["cache: ", "polyrank prepare"], parts].concat())
    };
    train(&["train.seed=7"], &["`train.seed` is 1024 in the cache and 7 here"]);
    train(&["features.uid.encoder.buckets=21"], &["`features.uid.encoder.buckets` is 20", "and 21 here"]);
    train(&["features.item_id.encoder={type=\"vocabulary\", min_count=2}"], &["`features.item_id.encoder.min_count`"]);
    train(&["features.tags.list.max_length=1"], &["`features.tags.list.max_length` is 2"]);
    train(&["features.vector.size=2"], &["`features.vector.size` is 3 in the cache and 2 here"]);
    train(&["tasks.finish.class_weights=[1, 2]"], &["`tasks.finish.class_weights` is [1.0,2.5]"]);
    train(&["tasks.rating.classes=[\"low\", \"high\", \"mid\"]"], &["classes` is [\"low\",\"mid\",\"high\"]"]);
    train(&["tasks.watch.when=\"finish == 0\""], &["`tasks.watch.when` is"]);
    train(&["data.split=\"tail\""], &["`data.valid", "`train.seed` is 1024 in the cache and not set here"]);
    train(&["data.null_values=[\"i1\"]"], &["`data.null_values` is [] in the cache and [\"i1\"] here"]);
    train(&["operators.history.max_length=3"], &["`operators.history"]);
    place.write("less.toml", &CONFIG.replacen("[[features]]\nname = \"vector\"\nkind = \"vector\"\nsize = 3\n", "", 1));
    let less = ["train", "less.toml", "--cache", "cache", "--out", "run"];
    place.run(&less).failed(2, &["cache: ", "`features.vector` is in the cache alone;"]);
    assert!(!place.path("run").exists());

    place.write("other.csv", &place.read("train.csv"));
    let other = ["train", "ranker.toml", "--cache", "cache", "--train", "other.csv"];
    place.run(&other).failed(2, &["data.train", "written of train.csv, and these are other.csv"]);
    let none = ["train", "ranker.toml", "--cache", "cache", "--train", "none.csv"];
    place.run(&none).failed(2, &["none.csv", "no file"]);
    let text = place.read("train.csv");
    place.write("train.csv", &text.replacen("u", "v", 1));
    train(&[], &["train.csv has changed since"]);
    place.write("train.csv", &(text + "u1,i1,,1,1,1 1 1,1,1,1,low\n"));
    train(&[], &["train.csv had", "bytes then"]);
}

/// Writes one column of a cache's training rows anew, as if the cache had been written so.
fn replaced(place: &Place, column: &str, array: ArrayRef) {
    let path = place.path("cache/train.parquet");
    let rows = read(&path);
    let (names, arrays): (Vec<_>, Vec<_>) = (rows.schema().fields().iter().zip(rows.columns()))
        .map(|(field, old)| (field.name().clone(), if field.name() == column { array.clone() } else { old.clone() }))
        .unzip();
    let batch = RecordBatch::try_from_iter_with_nullable(names.iter().zip(arrays).map(|(n, a)| (n, a, true))).unwrap();
    write(place, &batch);
}

fn write(place: &Place, batch: &RecordBatch) {
    let path = place.path("cache/train.parquet");
    let before = fs::read(&path).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    known_again(place, &before);
}

/// Makes `cache.json` say of the training rows' file what it is now.
fn known_again(place: &Place, before: &[u8]) {
    let now = fs::read(place.path("cache/train.parquet")).unwrap();
    let ends = |bytes: &[u8]| {
        let most = bytes.len().min(1 << 16);
        format!("{:016x}", xxh3_64(&[&bytes[..most], &bytes[bytes.len() - most..]].concat()))
    };
    let about = place.read("cache/cache.json");
    let length = |bytes: &[u8]| format!("\"bytes\": {}", bytes.len());
    let about = about.replacen(&length(before), &length(&now), 1).replacen(&ends(before), &ends(&now), 1);
    place.write("cache/cache.json", &about);
}

#[test]
fn rows_that_no_encoder_made_are_refused_by_file_row_and_column() {
    let place = place();
    place.run(&["prepare", "ranker.toml", "--cache", "cache"]).ok();
    let path = place.path("cache/train.parquet");
    let (whole, about) = (fs::read(&path).unwrap(), place.read("cache/cache.json"));
    let rows = read(&path);
    let refused = |parts: &[&str]| {
        let train = ["train", "ranker.toml", "--cache", "cache", "--out", "run"];
        place.run(&train).failed(2, &[&["cache/train.parquet"], parts].concat());
        fs::write(&path, &whole).unwrap();
        place.write("cache/cache.json", &about);
    };
    let column = |name: &str| rows.column_by_name(name).unwrap().clone();
    let ids = |name: &str, at: usize, id: Option<u32>| -> ArrayRef {
        let mut ids: Vec<_> = column(name).as_primitive::<UInt32Type>().iter().collect();
        ids[at] = id;
        Arc::new(UInt32Array::from(ids))
    };
    let numbers = |name: &str, at: usize, x: Option<f32>| -> ArrayRef {
        let mut numbers: Vec<_> = column(name).as_primitive::<Float32Type>().iter().collect();
        numbers[at] = x;
        Arc::new(Float32Array::from(numbers))
    };
    let lists = |name: &str, at: usize, list: Option<Vec<Option<u32>>>| -> ArrayRef {
        let lists = column(name);
        let old = lists.as_list::<i32>().iter();
        let mut all: Vec<Option<Vec<Option<u32>>>> =
            old.map(|list| list.map(|list| list.as_primitive::<UInt32Type>().iter().collect())).collect();
        all[at] = list;
        Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(all))
    };
    let count = rows.num_rows();

    replaced(&place, "item_id", ids("item_id", 4, Some(4_000_000_000)));
    refused(&[":5, column `item_id`", "the id 4000000000 is not below", "rows of its table", "polyrank prepare"]);
    replaced(&place, "uid", ids("uid", 0, None));
    refused(&[":1, column `uid`", "null"]);
    replaced(&place, "uid", Arc::new(Int64Array::from(vec![3; count])));
    refused(&["column `uid`", "holds Int64", "ids (UInt32)"]);
    replaced(&place, "tags", Arc::new(StringArray::from(vec!["a|b"; count])));
    refused(&["column `tags`", "holds Utf8", "lists of ids"]);
    replaced(&place, "tags", lists("tags", 7, Some(vec![Some(2), Some(99)])));
    refused(&[":8, column `tags`", "the id 99 is not below"]);
    replaced(&place, "tags", lists("tags", 7, Some(vec![None])));
    refused(&[":8, column `tags`", "a null in it"]);
    replaced(&place, "tags", lists("tags", 7, None));
    refused(&[":8, column `tags`", "null"]);
    replaced(&place, "tags", lists("tags", 7, Some(vec![Some(2); 3])));
    refused(&[":8, column `tags`", "a list of 3 ids, but `max_length` is 2"]);
    replaced(&place, "te_item_id_finish", numbers("te_item_id_finish", 2, Some(f32::INFINITY)));
    refused(&[":3, column `te_item_id_finish`", "inf is no finite number"]);
    replaced(&place, "te_item_id_finish", numbers("te_item_id_finish", 2, None));
    refused(&[":3, column `te_item_id_finish`", "null"]);
    replaced(&place, "vector", column("te_item_id_finish"));
    refused(&["column `vector`", "holds Float32", "lists of 3 numbers"]);
    replaced(&place, "vector", column("duration"));
    refused(&[":1, column `vector`", "a list of 4 numbers, but the feature has 3"]);
    replaced(&place, "finish", numbers("finish", 9, Some(0.5)));
    refused(&[":10, column `finish`", "the label 0.5 is not 0 or 1"]);
    replaced(&place, "rating", numbers("rating", 9, Some(3.0)));
    refused(&[":10, column `rating`", "the label 3 is not the place of one of 3 classes"]);
    replaced(&place, "watch", numbers("watch", 9, Some(-1.0)));
    refused(&[":10, column `watch`", "above -1"]);
    replaced(&place, "weight:finish", numbers("weight:finish", 9, Some(-1.0)));
    refused(&[":10, column `weight:finish`", "the weight -1 is no weight"]);
    replaced(&place, "group:uid", numbers("finish", 0, None));
    refused(&["column `group:uid`", "groups (FixedSizeBinary(16))"]);

    let all: Vec<usize> = (0..rows.num_columns()).collect();
    write(&place, &rows.project(&all[1..]).unwrap());
    refused(&["no column `item_id`"]);
    write(&place, &rows.slice(0, 20));
    refused(&["has 20 rows"]);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    known_again(&place, &whole);
    refused(&["cut short"]);
    // Of the right length, and damaged anywhere.
    for i in 0..40 {
        let mut bytes = whole.clone();
        let at = if i % 2 == 0 { bytes.len() * i / 40 } else { bytes.len() - 9 - 7 * i };
        bytes[at] ^= 0x55;
        fs::write(&path, bytes).unwrap();
        known_again(&place, &whole);
        let train = ["train", "ranker.toml", "--cache", "cache", "--out", "run", "--set", "train.epochs=1"];
        let outcome = place.run(&train);
        assert!(matches!(outcome.code, 0 | 2) && !outcome.err.contains("panicked"), "byte {at}: {}", outcome.err);
        place.write("cache/cache.json", &about);
    }
}

#[test]
fn a_folder_that_is_no_whole_cache_is_refused_and_no_other_folder_is_overwritten() {
    let place = Place::new();
    let train = |parts: &[&str]| {
        place.run(&["train", "config.toml", "--cache", "cache", "--out", "run"]).failed(2, parts);
    };
    train(&["cache: is no cache", "polyrank prepare"]);
    place.run(&["prepare", "config.toml", "--cache", "cache"]).ok();
    // A cache takes the place of the one before.
    place.run(&["prepare", "config.toml", "--cache", "cache"]).ok();
    let about = place.read("cache/cache.json");
    for (damaged, part) in [
        (about.replacen("\"format\": 1", "\"format\": 2", 1), "has format 2"),
        (about.replacen("\"skipped\"", "\"skyped\"", 1), "is damaged"),
        (about[..about.len() / 2].to_owned(), "is damaged"),
        (about.replacen("\"rows\": 300", "\"rows\": 299", 1), "has 300 rows, 299 were written"),
    ] {
        assert_ne!(damaged, about);
        place.write("cache/cache.json", &damaged);
        train(&["cache/", part]);
    }
    place.write("cache/cache.json", &about);
    let encoder = place.read("cache/encoders/0001-item_id.json");
    place.write("cache/encoders/0001-item_id.json", &encoder.replacen("1099511627777", "1099511627778", 1));
    train(&["0001-item_id.json", "is not as it was written"]);
    fs::remove_file(place.path("cache/encoders/0001-item_id.json")).unwrap();
    train(&["0001-item_id.json"]);
    place.write("cache/encoders/0001-item_id.json", &encoder);
    // Rows of another cache do not pass for this one's.
    place.run(&["prepare", "config.toml", "--cache", "other", "--set", "data.train=[\"valid.csv\"]"]).ok();
    fs::rename(place.path("other/valid.parquet"), place.path("cache/valid.parquet")).unwrap();
    train(&["cache: is not as it was written: valid.parquet"]);
    fs::remove_file(place.path("cache/valid.parquet")).unwrap();
    train(&["valid.parquet"]);

    fs::create_dir(place.path("mine")).unwrap();
    place.write("mine/notes.txt", "mine");
    place.run(&["prepare", "config.toml", "--cache", "mine"]).failed(2, &["mine: is there and no cache"]);
    assert_eq!(place.names("mine"), ["notes.txt"]);
    place.run(&["prepare", "config.toml", "--cache", "config.toml"]).failed(2, &["config.toml"]);
    let both = place.run(&["prepare", "config.toml", "--cache", "new", "-o", "x.parquet"]);
    assert!(both.code == 2 && both.err.contains("cannot be used with"), "{}", both.err);
    // What cannot be cached leaves nothing.
    place.write("twice.toml", &place.read("config.toml").replacen("\"like\"", "\"uid\"\ncolumn = \"like\"", 1));
    place.run(&["prepare", "twice.toml", "--cache", "new"]).failed(2, &["two columns would be called `uid`"]);
    assert!(!place.path("new").exists() && !place.names(".").iter().any(|name| name.starts_with(".new")));
}
