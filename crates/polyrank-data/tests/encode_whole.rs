//! All features together: merging, layout, threads, and from disk and back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encode_support;

use std::fs;
use std::path::Path;

use arrow_array::*;
use encode_support::*;
use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::synth::ByteRec;
use polyrank_data::{Batch, DataError};
use polyrank_schema::Config;
use polyrank_schema::config::{FeatureKind, TaskKind};
use polyrank_schema::spec::OptionValue;
use proptest::prelude::*;

/// One feature of every kind.
fn everything() -> Config {
    let vector = feature("vector", FeatureKind::Vector { size: 2 });
    config(
        vec![
            item(categorical("word", block("vocabulary", &[("oov_buckets", int(3)), ("min_count", int(2))]))),
            categorical("hashed/..", block("hash", &[("buckets", int(7)), ("seed", int(1 << 60))])),
            categorical("index", block("identity", &[])),
            shared("words", "word", Some(list(Some(3)))),
            item(dense("scaled", "min_max")),
            dense("standard", "standard"),
            dense("logarithm", "log"),
            dense_with("pieces", "piecewise_linear", &[("bins", int(5))]),
            vector,
            bucketized("quantile", &[("quantiles", int(3))]),
            bucketized("bucket", &[("boundaries", OptionValue::Numbers(vec![-0.1, 0.2, 1e20]))]),
        ],
        vec![task("click", TaskKind::Binary { positive: None })],
    )
}

#[derive(Debug, Clone)]
struct Row {
    word: Option<String>,
    id: Option<i64>,
    index: u16,
    words: Vec<String>,
    x: Option<f64>,
    vector: Option<[f32; 2]>,
    click: Option<bool>,
}

fn row() -> impl Strategy<Value = Row> {
    let word = prop_oneof![3 => "[a-d]|[1-4]", 1 => "\\PC{0,4}", 1 => any::<u64>().prop_map(|n| n.to_string())];
    let x = prop_oneof![4 => -10.0..10.0f64, 1 => -1e30..1e30f64, 1 => Just(0.0)];
    (
        prop::option::of(word.clone()),
        prop::option::of(any::<i64>()),
        0u16..50,
        prop::collection::vec("[a-d]{1,2}", 0..5),
        prop::option::of(x),
        prop::option::of([-1.0..1.0f32, -1.0..1.0f32]),
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(word, id, index, words, x, vector, click)| Row { word, id, index, words, x, vector, click })
}

fn batch(of: &[Row]) -> RecordBatch {
    let floats = column(Float64Array::from_iter(of.iter().map(|r| r.x)));
    let vectors = of.iter().map(|r| r.vector.map(|v| v.map(Some)));
    rows(vec![
        ("word", column(StringArray::from_iter(of.iter().map(|r| r.word.clone())))),
        ("hashed/..", column(Int64Array::from_iter(of.iter().map(|r| r.id)))),
        ("index", column(UInt16Array::from_iter_values(of.iter().map(|r| r.index)))),
        ("words", column(StringArray::from_iter_values(of.iter().map(|r| r.words.join("|"))))),
        ("scaled", floats.clone()),
        ("standard", floats.clone()),
        ("logarithm", floats.clone()),
        ("pieces", floats.clone()),
        ("vector", column(ListArray::from_iter_primitive::<types::Float32Type, _, _>(vectors))),
        ("quantile", floats.clone()),
        ("bucket", floats),
        ("click", column(BooleanArray::from_iter(of.iter().map(|r| r.click)))),
    ])
}

/// Equal bit for bit, NaN included.
fn same(a: &Batch, b: &Batch) -> bool {
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    a.rows == b.rows && a.ids == b.ids && bits(&a.dense) == bits(&b.dense) && bits(&a.labels) == bits(&b.labels)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merged_parts_equal_one_fit(seen in prop::collection::vec(row(), 0..60), at in 0.0..1.0f64) {
        let config = everything();
        let (a, b) = seen.split_at((at * seen.len() as f64) as usize);
        let whole = fit(&config, &[batch(&seen)]).unwrap();
        let mut left = Encoders::fitter(&config, Path::new(".")).unwrap();
        left.observe(&batch(a)).unwrap();
        let mut right = Encoders::fitter(&config, Path::new(".")).unwrap();
        right.observe(&batch(b)).unwrap();
        left.merge(right).unwrap();
        let merged = left.finish().unwrap();
        prop_assert_eq!(merged.layout(), whole.layout());
        let (x, y) = (merged.transform(&batch(&seen), Labels::Read).unwrap(), whole.transform(&batch(&seen), Labels::Read).unwrap());
        prop_assert_eq!(&x.ids, &y.ids);
        for (x, y) in x.dense.iter().zip(&y.dense) {
            prop_assert!((x - y).abs() <= 1e-4 * (1.0 + y.abs()), "{} {}", x, y);
        }
    }

    #[test]
    fn saved_and_loaded_they_encode_alike(seen in prop::collection::vec(row(), 0..60), new in prop::collection::vec(row(), 1..20)) {
        let config = everything();
        let encoders = fit(&config, &[batch(&seen)]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let files = encoders.save(dir.path()).unwrap();
        prop_assert_eq!(files.len(), config.features.len());
        let loaded = Encoders::load(dir.path(), dir.path(), &config).unwrap();
        prop_assert_eq!(loaded.layout(), encoders.layout());
        prop_assert_eq!(loaded.describe(), encoders.describe());
        for rows in [&seen, &new] {
            let (a, b) = (encoders.transform(&batch(rows), Labels::Read).unwrap(), loaded.transform(&batch(rows), Labels::Read).unwrap());
            prop_assert!(same(&a, &b));
        }
        let again = tempfile::tempdir().unwrap();
        loaded.save(again.path()).unwrap();
        for file in files {
            prop_assert_eq!(fs::read(dir.path().join(&file)).unwrap(), fs::read(again.path().join(&file)).unwrap());
        }
    }

    #[test]
    fn a_row_does_not_see_its_neighbours(seen in prop::collection::vec(row(), 1..40)) {
        let encoders = fit(&everything(), &[batch(&seen)]).unwrap();
        let whole = encoders.transform(&batch(&seen), Labels::Read).unwrap();
        let width = whole.dense.len() / seen.len();
        for i in 0..seen.len() {
            let alone = encoders.transform(&batch(&seen[i..=i]), Labels::Read).unwrap();
            prop_assert_eq!(&alone.dense[..], &whole.dense[i * width..(i + 1) * width]);
            prop_assert_eq!(alone.labels[0].to_bits(), whole.labels[i].to_bits());
        }
    }

    #[test]
    fn files_that_were_cut_or_changed_never_panic(at in 0usize..4000, to in any::<u8>(), cut in any::<bool>(), which in 0usize..11) {
        let config = everything();
        let rows: Vec<Row> = (0..20u16).map(|i| Row {
            word: Some((i % 5).to_string()), id: Some(1), index: i, words: vec!["a".to_owned()], x: Some(f64::from(i)),
            vector: None, click: None,
        }).collect();
        let dir = tempfile::tempdir().unwrap();
        let files = fit(&config, &[batch(&rows)]).unwrap().save(dir.path()).unwrap();
        let path = dir.path().join(&files[which]);
        let mut bytes = fs::read(&path).unwrap();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = to }
        fs::write(&path, bytes).unwrap();
        match Encoders::load(dir.path(), dir.path(), &config) {
            Ok(encoders) => prop_assert!(encoders.transform(&batch(&rows), Labels::Read).is_ok()),
            Err(error) => prop_assert!(error.to_string().contains(&files[which]), "{}", error),
        }
    }
}

fn byterec() -> Config {
    let ids = ["uid", "user_city", "item_id", "author_id", "item_city", "channel", "music_id", "device"];
    let mut features: Vec<_> = ids.iter().map(|name| categorical(name, block("vocabulary", &[]))).collect();
    features.extend([dense("time", "standard"), dense("duration_time", "min_max")]);
    let binary = |name| task(name, TaskKind::Binary { positive: None });
    config(features, vec![binary("finish"), binary("like")])
}

#[test]
fn results_do_not_depend_on_threads() {
    let config = byterec();
    let batches: Vec<_> = (0..4).map(|i| ByteRec::new(1).rows(i * 3000..(i + 1) * 3000, false)).collect();
    let encoded: Vec<_> = [1, 3]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&config, &batches).unwrap().transform(&batches[3], Labels::Read).unwrap())
        })
        .to_vec();
    assert!(same(&encoded[0], &encoded[1]));
    assert_eq!((encoded[0].labels.len(), encoded[0].dense.len()), (6000, 6000));
}

#[test]
fn the_layout_has_the_context_first() {
    let encoders = fit(&everything(), &[]).unwrap();
    let layout = encoders.layout();
    let slots: Vec<_> =
        layout.slots.iter().map(|s| (s.feature.as_str(), layout.tables[s.table].name.as_str())).collect();
    let expected = [
        ("hashed/..", "hashed/.."),
        ("index", "index"),
        ("words", "word"),
        ("quantile", "quantile"),
        ("bucket", "bucket"),
        ("word", "word"),
    ];
    assert_eq!(slots, expected);
    let tables: Vec<_> = layout.tables.iter().map(|t| (t.name.as_str(), t.rows)).collect();
    assert_eq!(tables, [("hashed/..", 9), ("index", 3), ("word", 5), ("quantile", 3), ("bucket", 6)]);
    let dense: Vec<_> = layout.dense.iter().map(|d| (d.feature.as_str(), d.width)).collect();
    assert_eq!(dense, [("standard", 1), ("logarithm", 1), ("pieces", 5), ("vector", 2), ("scaled", 1)]);
}

#[test]
fn summaries_say_what_was_seen() {
    let config = config(vec![dense("x", "standard"), categorical("c", block("vocabulary", &[]))], Vec::new());
    let batch = rows(vec![
        ("x", column(Float64Array::from(vec![Some(1.0), None, Some(5.0), None]))),
        ("c", column(StringArray::from(vec![Some("a"), None, Some("b"), Some("a")]))),
    ]);
    let summary = fit(&config, &[batch]).unwrap().describe();
    let numbers = summary[0].numbers.unwrap();
    assert_eq!((numbers.min, numbers.max, numbers.mean, numbers.std), (1.0, 5.0, 3.0, 2.0));
    assert_eq!((summary[0].missing, summary[0].rows_seen, summary[0].table_rows), (0.5, 4, None));
    assert_eq!((summary[1].missing, summary[1].cardinality, summary[1].table_rows), (0.25, Some(2), Some(5)));
    assert_eq!(summary[1].encoder, "vocabulary");
}

#[test]
fn labels_are_needed_only_where_they_are_read() {
    let config = byterec();
    let batch = ByteRec::new(1).rows(0..10, false);
    let encoders = fit(&config, std::slice::from_ref(&batch)).unwrap();
    let unlabelled = batch.project(&[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]).unwrap();
    assert!(encoders.transform(&unlabelled, Labels::Ignore).unwrap().labels.is_empty());
    let error = encoders.transform(&unlabelled, Labels::Read).unwrap_err();
    assert!(error.to_string().contains("finish"), "{error}");
    let renamed = RecordBatch::try_from_iter([("uidd", batch.column(0).clone())]).unwrap();
    let error = encoders.transform(&renamed, Labels::Ignore).unwrap_err();
    assert!(error.to_string().contains("did you mean `uidd`"), "{error}");
    assert_eq!(encoders.transform(&batch.slice(0, 0), Labels::Read).unwrap().rows, 0);
}

#[test]
fn fitters_of_different_configurations_do_not_merge() {
    let mut a = Encoders::fitter(&everything(), Path::new(".")).unwrap();
    assert!(a.merge(Encoders::fitter(&byterec(), Path::new(".")).unwrap()).is_err());
    assert!(a.merge(Encoders::fitter(&everything(), Path::new(".")).unwrap()).is_ok());
}

#[test]
fn configurations_that_no_parser_lets_through_are_errors() {
    let bad = [
        categorical("f", block("word2vec", &[])),
        categorical("f", block("hash", &[])),
        categorical("f", block("hash", &[("buckets", int(-1))])),
        categorical("f", block("identity", &[("size", int(1 << 40))])),
        categorical("f", block("vocabulary", &[("oov_buckets", int(0))])),
        shared("f", "nothing", None),
        dense("f", "bucketize"),
        bucketized("f", &[("boundaries", OptionValue::Numbers(vec![2.0, 1.0]))]),
    ];
    for feature in bad {
        let error = Encoders::fitter(&config(vec![feature.clone()], Vec::new()), Path::new(".")).unwrap_err();
        assert!(matches!(error, DataError::BadValue { .. }), "{feature:?}: {error}");
    }
    let twice = config(vec![dense("f", "none"), dense("f", "log")], Vec::new());
    assert!(Encoders::fitter(&twice, Path::new(".")).is_err());
}

#[test]
fn files_are_readable_and_hostile_ones_refused() {
    let config = config(vec![categorical("../word", block("vocabulary", &[])), dense("x", "min_max")], Vec::new());
    let batch = rows(vec![
        ("../word", column(StringArray::from(vec!["b", "18446744073709551615", "b"]))),
        ("x", column(Float64Array::from(vec![0.1, 0.2, 0.3]))),
    ]);
    let dir = tempfile::tempdir().unwrap();
    let files = fit(&config, &[batch]).unwrap().save(dir.path()).unwrap();
    assert_eq!(files, ["0000-___word.json", "0001-x.json"]);
    let path = dir.path().join(&files[0]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\n    [\"b\", 2],\n    [18446744073709551615, 1]\n"), "{text}");
    let changes = [
        ("18446744073709551615, 1", "18446744073709551615, 3", "place"),
        ("\"b\", 2", "\"b\", 0", "min_count"),
        ("[\"b\", 2]", "[\"7\", 2]", "not an"),
        ("[\"b\", 2]", "[\"\", 2]", "not an"),
        ("18446744073709551615", "1844674407370955161500", "floating point"),
        ("\"oov_buckets\": 1", "\"oov_buckets\": 2", "oov_buckets"),
        ("\"rows_missing\": 0", "\"rows_missing\": 9", "rows"),
        ("\"format\": 1", "\"format\": 2", "format"),
        ("\"format\": 1", "\"format\": 1, \"path\": \"/etc\"", "unknown field"),
        ("\"vocabulary\"", "\"dictionary\"", "unknown variant"),
        ("../word", "word", "belongs to"),
    ];
    for (from, to, what) in changes {
        fs::write(&path, text.replace(from, to)).unwrap();
        let error = Encoders::load(dir.path(), dir.path(), &config).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(&files[0]), "{from} -> {to}: {error}");
    }
    fs::write(&path, &text).unwrap();
    let path = dir.path().join(&files[1]);
    let numbers = fs::read_to_string(&path).unwrap();
    for (from, to) in [("\"min\": 0.1", "\"min\": 0.9"), ("\"min\": 0.1", "\"min\": 1e999"), ("\"min_max\"", "\"log\"")]
    {
        fs::write(&path, numbers.replace(from, to)).unwrap();
        assert!(Encoders::load(dir.path(), dir.path(), &config).is_err(), "{from} -> {to}");
    }
    fs::remove_file(&path).unwrap();
    let error = Encoders::load(dir.path(), dir.path(), &config).unwrap_err();
    assert!(error.to_string().contains("0001-x.json") && error.is_input(), "{error}");
}
