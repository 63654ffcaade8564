//! Operators of one row: what they make of values, of missing ones and of hostile ones.

use arrow_array::types::Int64Type;
use arrow_array::{BooleanArray, ListArray};
use proptest::prelude::*;

use super::*;

/// An operator over the column `x`, applied to it.
fn made(kind: &str, options: &[(&str, OptionValue)], x: ArrayRef) -> Result<RecordBatch, DataError> {
    let options = [&[("columns", names(&["x"]))], options].concat();
    let trial = Trial::new(kind, &options).unwrap();
    let batch = rows(vec![("x", x)]);
    let fitted = match (trial.operator.spec.fits)(&trial.block) {
        true => trial.fit(&halves(&batch, 0.4))?.reloaded(),
        false => trial.ready(Path::new("."))?,
    };
    let made = fitted.apply(&batch, Phase::Scoring)?;
    assert_rows_are_alone(&fitted, &batch, |_| Phase::Scoring);
    Ok(made)
}

fn refused(kind: &str, options: &[(&str, OptionValue)]) -> String {
    let options = [&[("columns", names(&["x"]))], options].concat();
    Trial::new(kind, &options).map(|_| ()).unwrap_err()
}

fn x(batch: &RecordBatch) -> Vec<Option<f64>> {
    numbers(batch, "x")
}

fn words(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    batch.column_by_name(name).unwrap().as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn list(lists: &[Option<&[i64]>]) -> ArrayRef {
    let lists = lists.iter().map(|list| list.map(|items| items.iter().map(|n| Some(*n)).collect::<Vec<_>>()));
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))
}

fn int(n: i64) -> OptionValue {
    OptionValue::Int(n)
}

fn float(x: f64) -> OptionValue {
    OptionValue::Float(x)
}

#[test]
fn numbers_are_clipped_filled_and_scaled() {
    let column = || floats([Some(-2.0), None, Some(1.0), Some(4.0)]);
    let clipped = made("clip", &[("min", float(0.0)), ("max", int(3))], column()).unwrap();
    assert_eq!(x(&clipped), [Some(0.0), None, Some(1.0), Some(3.0)]);
    let filled = made("fill", &[("value", int(7))], column()).unwrap();
    assert_eq!(x(&filled), [Some(-2.0), Some(7.0), Some(1.0), Some(4.0)]);
    let median = made("fill", &[("median", OptionValue::Bool(true)), ("indicator", text("_gone"))], column()).unwrap();
    assert_eq!(x(&median), [Some(-2.0), Some(1.0), Some(1.0), Some(4.0)]);
    let gone = median.column_by_name("x_gone").unwrap().as_boolean();
    assert_eq!(gone, &BooleanArray::from(vec![false, true, false, false]));
    let even = made("fill", &[("median", OptionValue::Bool(true))], floats([Some(1.0), Some(4.0), None])).unwrap();
    assert_eq!(x(&even)[2], Some(2.5));
    let normal = made("normalise", &[], column()).unwrap();
    let expected = [Some(-3.0), None, Some(0.0), Some(3.0)].map(|x: Option<f64>| x.map(|x| x / 6f64.sqrt()));
    for (x, y) in x(&normal).into_iter().zip(expected) {
        assert!(x.zip(y).map_or(x == y, |(x, y)| (x - y).abs() < 1e-15), "{x:?} {y:?}");
    }
    assert_eq!(x(&made("min_max", &[], column()).unwrap()), [Some(0.0), None, Some(0.5), Some(1.0)]);
    let log = made("log", &[], floats([Some(0.0), Some(std::f64::consts::E - 1.0), None])).unwrap();
    assert_eq!(x(&log), [Some(0.0), Some(1.0), None]);
    let error = made("log", &[], column()).unwrap_err().to_string();
    assert_eq!(error, "column `x`, row 1 of the batch: -2 has no ln(1 + x); clip the column at 0 first");
    assert!(refused("clip", &[]).contains("`min`, `max` or both"));
    assert!(refused("clip", &[("min", int(2)), ("max", int(1))]).contains("above"));
    assert!(refused("fill", &[("median", OptionValue::Bool(true)), ("value", int(1))]).contains("not both"));
}

#[test]
fn texts_that_are_numbers_are_read_as_such_and_others_are_errors() {
    assert_eq!(x(&made("clip", &[("max", int(3))], texts(&["7", "", "2.5"])).unwrap()), [Some(3.0), None, Some(2.5)]);
    let error = made("clip", &[("max", int(3))], texts(&["2", "seven"])).unwrap_err().to_string();
    assert!(error.contains("column `x`, row 2") && error.contains("`seven` is not a number"), "{error}");
}

#[test]
fn numbers_fall_into_buckets() {
    let boundaries = OptionValue::Numbers(vec![0.0, 10.0]);
    let column = floats([Some(-1.0), Some(0.0), Some(9.9), Some(10.0), None]);
    let made_of = made("bucketize", &[("boundaries", boundaries)], column).unwrap();
    assert_eq!(x(&made_of), [Some(0.0), Some(1.0), Some(1.0), Some(2.0), None]);
    let quantiles = made("bucketize", &[("quantiles", int(4))], ints((0..8).map(Some))).unwrap();
    assert_eq!(x(&quantiles), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0].map(Some));
    assert!(refused("bucketize", &[]).contains("`boundaries`"));
}

#[test]
fn values_become_ids_buckets_and_columns() {
    let column = || texts(&["b", "7", "b", "", "a", "7", "b"]);
    let ids = made("categorify", &[("oov_buckets", int(2)), ("min_count", int(2))], column()).unwrap();
    // 1 missing, 2 and 3 for rare values, then by falling frequency.
    let ids = x(&ids);
    assert_eq!([ids[0], ids[1], ids[3]], [Some(4.0), Some(5.0), Some(1.0)]);
    assert!(ids[4] == Some(2.0) || ids[4] == Some(3.0), "{ids:?}");
    let whole = made("categorify", &[], ints([Some(7), Some(7), None])).unwrap();
    assert_eq!(x(&whole), [Some(3.0), Some(3.0), Some(1.0)]);
    let lists_of_ids = made("categorify", &[], list(&[Some(&[5, 6, 5]), None, Some(&[])])).unwrap();
    assert_eq!(lists(&lists_of_ids, "x"), [vec![Some(3), Some(4), Some(3)], vec![], vec![]]);

    let hashed = x(&made("hash_bucket", &[("buckets", int(10))], column()).unwrap());
    assert!(hashed[0] == hashed[2] && hashed[3].is_none() && hashed.iter().flatten().all(|n| (0.0..10.0).contains(n)));
    let as_number = x(&made("hash_bucket", &[("buckets", int(10))], ints([Some(7)])).unwrap());
    assert_eq!(as_number[0], hashed[1], "7 and \"7\" are one value");

    let values = names(&["b", "7"]);
    let hot = made("one_hot", &[("values", values)], column()).unwrap();
    assert_eq!(numbers(&hot, "x_b"), [1, 0, 1, 0, 0, 0, 1].map(|n| Some(f64::from(n))));
    assert_eq!(numbers(&hot, "x_7"), [0, 1, 0, 0, 0, 1, 0].map(|n| Some(f64::from(n))));
}

#[test]
fn columns_share_a_vocabulary() {
    let trial =
        Trial::new("categorify", &[("columns", names(&["a", "b"])), ("joint", OptionValue::Bool(true))]).unwrap();
    let batch = rows(vec![("a", texts(&["u", "v"])), ("b", texts(&["v", "w"]))]);
    let ids = trial.fit(std::slice::from_ref(&batch)).unwrap().reloaded().score(&batch);
    assert_eq!((numbers(&ids, "a"), numbers(&ids, "b")), (vec![Some(4.0), Some(3.0)], vec![Some(3.0), Some(5.0)]));
}

#[test]
fn combinations_of_values_are_told_apart() {
    let trial = |kind: &str, more: &[(&str, OptionValue)]| {
        Trial::new(kind, &[&[("columns", names(&["a", "b"])), ("into", text("ab"))], more].concat()).unwrap()
    };
    let batch = rows(vec![("a", texts(&["x_y", "x", "", "", "\\"])), ("b", texts(&["z", "y_z", "z", "", ""]))]);
    let combined = trial("combine", &[]);
    let combined = words(&combined.ready(Path::new(".")).unwrap().score(&batch), "ab");
    assert_eq!(
        combined.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [Some("x\\_y_z"), Some("x_y\\_z"), Some("_z"), None, Some("\\\\_")]
    );
    let crossed = trial("hashed_cross", &[("buckets", int(1 << 31))]);
    let crossed = numbers(&crossed.ready(Path::new(".")).unwrap().score(&batch), "ab");
    assert!(crossed[0] != crossed[1] && crossed[3].is_none(), "{crossed:?}");
    assert!(refused("combine", &[("into", text("y"))]).contains("two or more"));
}

#[test]
fn texts_become_lists_and_lists_are_cut() {
    let split = made("split", &[], texts(&["3| 4||5", "", "6"])).unwrap();
    let items = split.column_by_name("x").unwrap().as_list::<i32>();
    assert_eq!(items.value_offsets(), [0, 3, 3, 4]);
    let count = made("value_count", &[], Arc::new(items.clone())).unwrap();
    assert_eq!(x(&count), [Some(3.0), Some(0.0), Some(1.0)]);
    assert_eq!(x(&made("value_count", &[], texts(&["a", ""])).unwrap()), [Some(1.0), Some(0.0)]);

    let column = || list(&[Some(&[1, 2, 3, 4]), Some(&[5]), None]);
    let cut = |options: &[(&str, OptionValue)]| lists(&made("list_slice", options, column()).unwrap(), "x");
    let some = |items: &[i64]| items.iter().map(|n| Some(*n)).collect::<Vec<_>>();
    assert_eq!(cut(&[("start", int(1)), ("end", int(3))]), [some(&[2, 3]), vec![], vec![]]);
    assert_eq!(cut(&[("start", int(-2))]), [some(&[3, 4]), some(&[5]), vec![]]);
    assert_eq!(cut(&[("end", int(-1))]), [some(&[1, 2, 3]), vec![], vec![]]);
    let padded = cut(&[("start", int(-2)), ("pad", int(0))]);
    assert_eq!(padded, [some(&[3, 4]), some(&[5, 0]), some(&[0, 0])]);
    let error = made("list_slice", &[("end", int(2)), ("pad", text("none"))], column()).unwrap_err().to_string();
    assert!(error.contains("`pad` = none is no Int64"), "{error}");
    assert!(made("list_slice", &[], texts(&["a"])).unwrap_err().to_string().contains("not lists"));
    assert!(refused("list_slice", &[("start", int(3)), ("end", int(2))]).contains("not beyond"));
    assert!(refused("list_slice", &[("pad", int(0))]).contains("one length"));
}

#[test]
fn moments_have_parts() {
    let parts = names(&["year", "quarter", "month", "day", "day_of_year", "weekday", "hour", "minute", "second"]);
    let of = |column: ArrayRef, unit: &str| {
        let made = made("date_parts", &[("parts", parts.clone()), ("unit", text(unit))], column)?;
        let parts = ["year", "quarter", "month", "day", "day_of_year", "weekday", "hour", "minute", "second"];
        Ok::<_, DataError>(parts.map(|part| numbers(&made, &format!("x_{part}"))[0].map(|n| n as i64)))
    };
    // 2024-03-05 13:45:10 UTC was a Tuesday, and 2024 a leap year.
    let moment = [2024, 1, 3, 5, 65, 1, 13, 45, 10].map(Some);
    assert_eq!(of(ints([Some(1_709_646_310)]), "s").unwrap(), moment);
    assert_eq!(of(ints([Some(1_709_646_310_999)]), "ms").unwrap(), moment);
    assert_eq!(of(floats([Some(1_709_646_310.75)]), "s").unwrap(), moment);
    for text in ["2024-03-05 13:45:10", "2024-03-05T13:45:10.5Z", "2024-03-05T14:45:10+01:00", "1709646310"] {
        assert_eq!(of(texts(&[text]), "s").unwrap(), moment, "{text}");
    }
    assert_eq!(of(ints([Some(-1)]), "s").unwrap(), [1969, 4, 12, 31, 365, 2, 23, 59, 59].map(Some));
    assert_eq!(of(texts(&["2000-02-29"]), "s").unwrap(), [2000, 1, 2, 29, 60, 1, 0, 0, 0].map(Some));
    assert_eq!(of(texts(&[""]), "s").unwrap(), [None; 9]);
    assert!(of(texts(&["yesterday"]), "s").unwrap_err().to_string().contains("`yesterday` is no moment"));
    assert!(of(ints([Some(i64::MAX)]), "s").unwrap_err().to_string().contains("is `unit` right?"));
    assert!(refused("date_parts", &[("parts", names(&["years"]))]).contains("has no `years`"));
}

#[test]
fn columns_are_computed_and_renamed() {
    let options = [("expression", text("x * 2 + 1")), ("into", text("y"))];
    let trial = Trial::new("expression", &options).unwrap();
    let batch = rows(vec![("x", ints([Some(3), None]))]);
    assert_eq!(numbers(&trial.ready(Path::new(".")).unwrap().score(&batch), "y"), [Some(7.0), None]);
    assert!(Trial::new("expression", &[("expression", text("1 + ")), ("into", text("y"))]).is_err());
    assert!(Trial::new("expression", &[("expression", text("1 + 1")), ("into", text("y"))]).is_err());
    let renamed = made("rename", &[("into", names(&["y"]))], ints([Some(3)])).unwrap();
    assert_eq!((numbers(&renamed, "y"), renamed.num_columns()), (vec![Some(3.0)], 1));
}

#[test]
fn rows_are_kept_or_left_out() {
    let options = [("expression", text("x > 1"))];
    let filter = Trial::new("filter", &options).unwrap();
    let batch = rows(vec![("x", ints([Some(3), None, Some(1), Some(2)]))]);
    assert_eq!(x(&filter.ready(Path::new(".")).unwrap().score(&batch)), [Some(3.0), Some(2.0)]);
    let missing = Trial::new("drop_missing", &[("columns", names(&["x"]))]).unwrap();
    assert_eq!(x(&missing.ready(Path::new(".")).unwrap().score(&batch)), [Some(3.0), Some(1.0), Some(2.0)]);
}

#[test]
fn hostile_states_are_refused() {
    for (kind, options, from, to) in [
        ("normalise", vec![], "\"mean\": 2.0", "\"mean\": 9.0"),
        ("min_max", vec![], "\"format\": 1", "\"format\": 2"),
        ("bucketize", vec![("quantiles", int(2))], "3.0", "3.0, 2.0"),
        ("categorify", vec![], "3,\n    1", "3,\n    7"),
        ("fill", vec![("median", OptionValue::Bool(true))], "\"median\": 2.0", "\"median\": 1e300"),
        ("drop_low_cardinality", vec![("min_cardinality", int(5))], "\"values\": 3", "\"values\": 6"),
    ] {
        let options = [vec![("columns", names(&["x"]))], options].concat();
        let trial = Trial::new(kind, &options).unwrap();
        let batch = rows(vec![("x", ints([1, 2, 3].map(Some)))]);
        let dir = tempfile::tempdir().unwrap();
        trial.fit(&[batch]).unwrap().save(dir.path());
        assert!(trial.load(dir.path()).is_ok(), "{kind}");
        let path = dir.path().join(format!("0000-{kind}.json"));
        let state = std::fs::read_to_string(&path).unwrap();
        assert!(state.contains(from), "{kind}: {state}");
        std::fs::write(&path, state.replacen(from, to, 1)).unwrap();
        let error = trial.load(dir.path()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(kind), "{kind}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is fitted on counts is the same to the bit, however rows are cut and ordered; means to rounding.
    #[test]
    fn parts_merge_and_order_does_not_matter(
        column in prop::collection::vec(prop::option::of(-50i64..50), 1..60),
        at in 0.0..1.0f64,
        by in 0usize..60,
    ) {
        let batch = rows(vec![("x", ints(column))]);
        for (kind, options) in [
            ("min_max", vec![]),
            ("normalise", vec![]),
            ("bucketize", vec![("quantiles", int(5))]),
            ("categorify", vec![("min_count", int(2))]),
            ("fill", vec![("median", OptionValue::Bool(true))]),
        ] {
            let trial = Trial::new(kind, &[vec![("columns", names(&["x"]))], options].concat()).unwrap();
            let whole = x(&trial.fit(std::slice::from_ref(&batch)).unwrap().score(&batch));
            for other in [trial.fit_apart(&halves(&batch, at)).unwrap(), trial.fit(&[turned(&batch, by)]).unwrap()] {
                for (a, b) in x(&other.score(&batch)).into_iter().zip(&whole) {
                    let near = |(a, b): (f64, f64)| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
                    prop_assert!(if kind == "normalise" { a.zip(*b).is_none_or(near) } else { a == *b }, "{kind} {a:?} {b:?}");
                }
            }
        }
    }

    /// No two combinations share a text.
    #[test]
    fn combinations_can_be_taken_apart(a in "[_\\\\a]{0,4}", b in "[_\\\\a]{0,4}", c in "[_\\\\a]{0,4}", d in "[_\\\\a]{0,4}") {
        let trial = Trial::new("combine", &[("columns", names(&["a", "b"])), ("into", text("ab"))]).unwrap();
        let batch = rows(vec![("a", texts(&[&a, &c])), ("b", texts(&[&b, &d]))]);
        let combined = words(&trial.ready(Path::new(".")).unwrap().score(&batch), "ab");
        prop_assert_eq!(combined[0] == combined[1], (a, b) == (c, d));
    }
}
