//! Embedding tables written as Parquet, and read back against the bundle.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polyrank_model::bundle;

use crate::support::Place;

fn read(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1 << 20).build().unwrap();
    let batch = reader.next().unwrap().unwrap();
    assert!(reader.next().is_none());
    batch
}

#[test]
fn a_features_table_is_written_with_what_its_rows_stand_for() {
    let place = Place::trained();
    let said = place.run(&["embeddings", "run/bundle", "item_id", "-o", "items.parquet"]).ok();
    assert_eq!(said.out, "");
    assert!(said.err.contains("`table.item_id`"), "{}", said.err);
    let batch = read(&place.path("items.parquet"));
    let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["id", "kind", "value", "vector"]);
    let bundle = bundle::load(&place.path("run/bundle")).unwrap();
    let table = bundle.network.tables().find(|t| t.name == "table.item_id").unwrap();
    assert_eq!(batch.num_rows(), table.dims[0]);
    let ids: Vec<u32> = batch.column(0).as_primitive::<UInt32Type>().values().to_vec();
    assert_eq!(ids, (0..table.dims[0] as u32).collect::<Vec<_>>());
    let vectors = batch.column(3).as_fixed_size_list();
    assert_eq!(vectors.value_length(), 4);
    let numbers = vectors.values().as_primitive::<Float32Type>().values();
    assert!(numbers.iter().zip(&table.data).all(|(a, b)| a.to_bits() == b.to_bits()));
    let (kinds, values) = (batch.column(1).as_string::<i32>(), batch.column(2).as_string::<i32>());
    assert_eq!((0..4).map(|i| kinds.value(i)).collect::<Vec<_>>(), ["padding", "missing", "unseen", "value"]);
    assert!(values.is_null(0) && values.is_null(1) && values.value(2) == "0");
    // Ids of items begin at 2^40, and pass no float.
    let value = |row: usize| values.value(row).parse::<u64>().unwrap();
    assert!((3..batch.num_rows()).all(|row| (1 << 40..(1 << 40) + 20).contains(&value(row))));
}

#[test]
fn all_tables_go_to_a_folder_and_names_that_do_not_fit_are_refused() {
    let place = Place::trained();
    let single = ["--set", "model.multi_task=single", "--set", "model.interaction=wide", "--out", "single"];
    place.run(&[&["train", "config.toml"][..], &single].concat()).ok();
    place.run(&["embeddings", "single/bundle", "-o", "tables"]).ok();
    let mut files: Vec<String> = std::fs::read_dir(place.path("tables"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files.len(), 8, "two tables and two of `wide` for each task: {files:?}");
    assert!(files.contains(&"0000-finish_table.uid.parquet".to_owned()), "{files:?}");
    for file in &files {
        let rows = read(&place.path("tables").join(file)).num_rows();
        assert_eq!(rows, if file.ends_with("uid.parquet") { 28 } else { 23 }, "{file}");
    }
    let embeddings = |rest: &[&str]| place.run(&[&["embeddings", "single/bundle"], rest].concat());
    embeddings(&["like/table.uid", "-o", "one.parquet"]).ok();
    embeddings(&["uid", "-o", "x.parquet"]).failed(2, &["several tables", "finish/table.uid, like/table.uid"]);
    embeddings(&["duration", "-o", "x.parquet"]).failed(2, &["`duration`", "uid, item_id"]);
    embeddings(&["like/table.uid", "-o", "x.csv"]).failed(2, &["x.csv", ".parquet"]);
    embeddings(&["-o", "one.parquet"]).failed(2, &["one.parquet: is a file"]);
    assert!(!place.path("x.parquet").exists());
}
