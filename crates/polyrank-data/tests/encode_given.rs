//! Vocabularies that are given, and what rows of a table stand for.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encode_support;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::*;
use encode_support::*;
use parquet::arrow::ArrowWriter;
use polyrank_data::encode::{Encoders, Labels, RowName};
use polyrank_schema::Config;
use polyrank_schema::spec::OptionValue;
use proptest::prelude::*;

fn given_by(file: &str) -> Config {
    let encoder = block("vocabulary", &[("file", OptionValue::Text(file.to_owned()))]);
    config(vec![categorical("f", encoder)], Vec::new())
}

fn fit_in(base: &Path, config: &Config, seen: ArrayRef) -> Result<Encoders, polyrank_data::DataError> {
    let mut fitter = Encoders::fitter(config, base)?;
    fitter.observe(&rows(vec![("f", seen)]))?;
    fitter.finish()
}

fn ids_of(encoders: &Encoders, texts: &[&str]) -> Vec<u32> {
    let array = column(StringArray::from(texts.to_vec()));
    ids(&encoders.transform(&rows(vec![("f", array)]), Labels::Ignore).unwrap())
}

#[test]
fn listed_values_keep_their_order_and_all_else_is_unseen() {
    let values = ["low", "7", "high"].map(str::to_owned).to_vec();
    let encoder = block("vocabulary", &[("values", OptionValue::Names(values)), ("oov_buckets", int(2))]);
    let config = config(vec![categorical("f", encoder)], Vec::new());
    let seen = column(StringArray::from(vec!["high", "other", "other", "7"]));
    let encoders = fit_in(Path::new("."), &config, seen).unwrap();
    assert_eq!(ids_of(&encoders, &["low", "7", "high", ""]), [4, 5, 6, 1]);
    assert!((2..4).contains(&ids_of(&encoders, &["other"])[0]), "seen, but not in the list");
    assert_eq!(encoders.layout().tables[0].rows, 7);
    let dir = tempfile::tempdir().unwrap();
    encoders.save(dir.path()).unwrap();
    assert_eq!(ids_of(&Encoders::load(dir.path(), dir.path(), &config).unwrap(), &["high", "low"]), [6, 4]);
}

#[test]
fn a_file_gives_the_vocabulary_a_line_or_a_row_a_value() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("v.txt"), "b, with a comma\n7\n\na\n").unwrap();
    fs::write(dir.path().join("v.csv"), "count,f\n9,\"b, with a comma\"\n8,7\n7,a\n").unwrap();
    let batch = rows(vec![("anything", column(StringArray::from(vec!["b, with a comma", "7", "a"])))]);
    let mut writer =
        ArrowWriter::try_new(File::create(dir.path().join("v.parquet")).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    for file in ["v.txt", "v.csv", "v.parquet"] {
        let config = given_by(file);
        let encoders = fit_in(dir.path(), &config, column(Int64Array::from(vec![7, 8, 8]))).unwrap();
        assert_eq!(ids_of(&encoders, &["b, with a comma", "7", "a", "8"]), [3, 4, 5, 2], "{file}");
        let saved = tempfile::tempdir().unwrap();
        encoders.save(saved.path()).unwrap();
        let loaded = Encoders::load(saved.path(), saved.path(), &config).unwrap();
        assert_eq!(ids_of(&loaded, &["a", "8"]), [5, 2], "the bundle needs no {file}");
    }
}

#[test]
fn files_that_give_no_vocabulary_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        fit_in(dir.path(), &given_by(name), column(Int64Array::from(vec![7]))).unwrap_err().to_string()
    };
    let twice = refused("v.txt", "a\nb\na\n");
    assert!(twice.contains("v.txt:3") && twice.contains("`a` is listed twice"), "{twice}");
    let twice = refused("v.jsonl", "{\"f\": 7}\n{\"f\": \"7\"}\n");
    assert!(twice.contains("v.jsonl:2") && twice.contains("7 is listed twice"), "{twice}");
    let several = refused("v.csv", "a,b\n1,2\n");
    assert!(several.contains("2 columns") && several.contains("`f`"), "{several}");
    let empty = refused("w.csv", "a\n\"\"\n");
    assert!(empty.contains("w.csv:2") && empty.contains("an empty value"), "{empty}");
    let none = refused("x.csv", "a\n");
    assert!(none.contains("no values"), "{none}");
    let missing = fit_in(dir.path(), &given_by("none.txt"), column(Int64Array::from(vec![7]))).unwrap_err();
    assert!(missing.to_string().contains("none.txt"), "{missing}");
}

#[test]
fn every_kind_of_row_has_a_name() {
    let features = vec![
        categorical("v", block("vocabulary", &[("oov_buckets", int(2))])),
        categorical("h", block("hash", &[("buckets", int(2))])),
        categorical("i", block("identity", &[("size", int(2))])),
        bucketized("b", &[("boundaries", OptionValue::Numbers(vec![0.5, 2.0]))]),
    ];
    let names = ["v", "h", "i", "b"];
    let array = || column(Int64Array::from(vec![1, 1, 0]));
    let batch = rows(names.iter().map(|name| (*name, array())).collect());
    let encoders = fit(&config(features, Vec::new()), &[batch]).unwrap();
    let shown = |table: usize| -> Vec<String> {
        let names: Vec<RowName> = encoders.row_names(table).unwrap().collect();
        assert_eq!(names.len(), encoders.layout().tables[table].rows);
        assert_eq!(names[..2], [RowName::Padding, RowName::Missing]);
        names[2..].iter().map(|name| format!("{} {name}", name.kind())).collect()
    };
    assert_eq!(shown(0), ["unseen 0", "unseen 1", "value 1", "value 0"]);
    assert_eq!(shown(1), ["bucket 0", "bucket 1"]);
    assert_eq!(shown(2), ["unseen 0", "value 0", "value 1"]);
    assert_eq!(shown(3), ["interval (-inf, 0.5)", "interval [0.5, 2)", "interval [2, inf)"]);
    assert!(encoders.row_names(4).is_none());
}

proptest! {
    #[test]
    fn a_rows_name_encodes_to_the_row(
        seen in prop::collection::vec(prop_oneof!["[a-c]{0,2}", "\\PC{0,4}", any::<i64>().prop_map(|n| n.to_string())], 0..60),
        buckets in 1i64..5,
    ) {
        let encoder = block("vocabulary", &[("oov_buckets", int(buckets))]);
        let config = config(vec![categorical("f", encoder)], Vec::new());
        let array: ArrayRef = Arc::new(StringArray::from(seen.clone()));
        let encoders = fit_in(Path::new("."), &config, array).unwrap();
        let names: Vec<RowName> = encoders.row_names(0).unwrap().collect();
        prop_assert_eq!(names.len(), encoders.layout().tables[0].rows);
        for (row, name) in names.iter().enumerate() {
            if let RowName::Value(text) = name {
                prop_assert_eq!(ids_of(&encoders, &[text])[0] as usize, row);
            }
        }
        // And the other way round: each value seen has a row with its name.
        for text in seen.iter().filter(|text| !text.is_empty()) {
            let id = ids_of(&encoders, &[text])[0] as usize;
            prop_assert_eq!(&names[id], &RowName::Value(text.clone()));
        }
    }
}
