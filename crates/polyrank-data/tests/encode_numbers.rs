//! Dense, bucketized and vector features and labels, end to end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encode_support;

use arrow_array::types::{Float32Type, Float64Type, Int32Type};
use arrow_array::*;
use encode_support::*;
use polyrank_data::DataError;
use polyrank_data::encode::Labels;
use polyrank_schema::config::{Feature, FeatureKind, RegressionLoss, TaskKind};
use polyrank_schema::spec::OptionValue;

fn numbers(kind: &str, seen: ArrayRef, column: ArrayRef) -> Vec<f32> {
    encode(dense("f", kind), seen, column).unwrap().dense
}

#[test]
fn scaled_by_the_rows_fitted_on() {
    let seen = || column(Float64Array::from(vec![Some(2.0), None, Some(4.0), Some(6.0), Some(f64::NAN), Some(8.0)]));
    let raw = || column(Float64Array::from(vec![Some(2.0), Some(5.0), Some(8.0), Some(-100.0), Some(100.0), None]));
    assert_eq!(numbers("none", seen(), raw()), [2.0, 5.0, 8.0, -100.0, 100.0, 0.0]);
    assert_eq!(numbers("min_max", seen(), raw()), [0.0, 0.5, 1.0, 0.0, 1.0, 0.5]);
    let std = 5f64.sqrt();
    let standard: Vec<f32> = [-3.0, 0.0, 3.0, -105.0, 95.0, 0.0].iter().map(|d| (d / std) as f32).collect();
    assert_eq!(numbers("standard", seen(), raw()), standard);
    let log: Vec<f32> = [3f64, 6.0, 9.0].iter().map(|x| x.ln() as f32).collect();
    assert_eq!(numbers("log", seen(), raw())[..3], log);
    assert_eq!(numbers("log", seen(), raw())[3], -(101f64.ln()) as f32);
    assert_eq!(numbers("log", seen(), raw())[5], log[1]);
}

#[test]
fn numbers_in_every_column_type() {
    let columns: Vec<ArrayRef> = vec![
        column(Int8Array::from(vec![7])),
        column(UInt64Array::from(vec![7])),
        column(Float32Array::from(vec![7.0])),
        column(StringArray::from(vec![" 7.0"])),
        column(StringViewArray::from(vec!["7e0"])),
        column(DictionaryArray::<Int32Type>::from_iter(["7"])),
        column(Decimal128Array::from(vec![700]).with_precision_and_scale(10, 2).unwrap()),
    ];
    for array in columns {
        assert_eq!(numbers("none", array.clone(), array), [7.0]);
    }
    let bools = column(BooleanArray::from(vec![Some(true), Some(false), None]));
    assert_eq!(numbers("none", bools.clone(), bools), [1.0, 0.0, 0.0]);
}

#[test]
fn what_is_no_number_is_refused_with_its_row() {
    let good = || column(Float64Array::from(vec![1.0]));
    for bad in [
        column(StringArray::from(vec!["1", "one"])),
        column(StringArray::from(vec!["1", "inf"])),
        column(Float64Array::from(vec![1.0, f64::NEG_INFINITY])),
        column(Float64Array::from(vec![1.0, 1e39])),
    ] {
        for kind in ["none", "min_max", "standard", "log"] {
            let error = encode(dense("f", kind), good(), bad.clone()).unwrap_err();
            assert!(matches!(&error, DataError::BadCell { row: 1, .. }), "{error}");
            assert!(encode(dense("f", kind), bad.clone(), good()).is_err());
        }
    }
    let error = encode(dense("f", "none"), good(), column(Date32Array::from(vec![1]))).unwrap_err();
    assert!(error.to_string().contains("Date32"), "{error}");
}

#[test]
fn buckets_by_boundaries_and_by_quantiles() {
    let seen = || column(Int32Array::from_iter_values(0..100));
    let raw = || column(Float64Array::from(vec![Some(-5.0), Some(24.9), Some(25.0), Some(74.0), Some(1e9), None]));
    let boundaries = [("boundaries", OptionValue::Numbers(vec![25.0, 50.0]))];
    assert_eq!(ids(&encode(bucketized("f", &boundaries), seen(), raw()).unwrap()), [2, 2, 3, 4, 4, 1]);
    assert_eq!(ids(&encode(bucketized("f", &[("quantiles", int(4))]), seen(), raw()).unwrap()), [2, 2, 3, 4, 5, 1]);
    let constant = column(Int32Array::from(vec![3; 9]));
    assert_eq!(ids(&encode(bucketized("f", &[("quantiles", int(4))]), constant, raw()).unwrap()), [2, 2, 2, 2, 2, 1]);
    for options in [&[][..], &[("quantiles", int(4)), boundaries[0].clone()][..]] {
        assert!(encode(bucketized("f", options), seen(), raw()).is_err());
    }
}

#[test]
fn quantiles_of_more_than_a_million_distinct_numbers() {
    let n = 1_200_000;
    let seen = column(Float64Array::from_iter_values((0..n).map(f64::from)));
    let ids = ids(&encode(bucketized("f", &[("quantiles", int(4))]), seen.clone(), seen).unwrap());
    let first_of = |id| ids.iter().position(|other| *other == id).unwrap() as f64 / f64::from(n);
    for (id, share) in [(2, 0.0), (3, 0.25), (4, 0.5), (5, 0.75)] {
        assert!((first_of(id) - share).abs() <= 0.001, "{id}: {}", first_of(id));
    }
}

#[test]
fn vectors_keep_their_length() {
    let vector = |size| Feature { kind: FeatureKind::Vector { size }, ..dense("f", "none") };
    let rows_ = [Some(vec![Some(1.0), Some(2.0)]), None, Some(vec![Some(3.0), None])];
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(rows_.clone());
    let large = LargeListArray::from_iter_primitive::<Float64Type, _, _>(rows_.clone());
    let fixed = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
        [Some([Some(1.0), Some(2.0)]), None, Some([Some(3.0), None])],
        2,
    );
    let texts = StringArray::from(vec![Some("1|2"), None, Some("[3, nan]")]);
    for array in [column(lists), column(large), column(fixed), column(texts)] {
        let encoded = encode(vector(2), array.clone(), array.clone()).unwrap();
        assert_eq!(encoded.dense, [1.0, 2.0, 0.0, 0.0, 3.0, 0.0], "{}", array.data_type());
        let part = encode(vector(2), array.clone(), array.slice(1, 2)).unwrap();
        assert_eq!(part.dense, [0.0, 0.0, 3.0, 0.0]);
        let error = encode(vector(3), array.clone(), array).unwrap_err();
        assert!(error.to_string().contains("2 numbers") && error.to_string().contains('3'), "{error}");
    }
    let infinite = column(ListArray::from_iter_primitive::<Float64Type, _, _>([Some([Some(f64::INFINITY)])]));
    assert!(encode(vector(1), infinite.clone(), infinite).is_err());
    assert!(encode(vector(0), column(NullArray::new(1)), column(NullArray::new(1))).is_err());
}

fn labels(kind: TaskKind, array: ArrayRef) -> Result<Vec<f32>, DataError> {
    let config = config(Vec::new(), vec![task("y", kind)]);
    Ok(fit(&config, &[]).unwrap().transform(&rows(vec![("y", array)]), Labels::Read)?.labels)
}

/// NaN as −1, which no binary label is.
fn known(labels: Vec<f32>) -> Vec<f32> {
    labels.into_iter().map(|x| if x.is_nan() { -1.0 } else { x }).collect()
}

#[test]
fn binary_labels() {
    let binary = || TaskKind::Binary { positive: None };
    let columns: Vec<ArrayRef> = vec![
        column(Int8Array::from(vec![Some(1), Some(0), None])),
        column(Float64Array::from(vec![1.0, 0.0, f64::NAN])),
        column(BooleanArray::from(vec![Some(true), Some(false), None])),
        column(StringArray::from(vec![Some("1"), Some("0"), Some("")])),
        column(StringArray::from(vec![Some("true"), Some("False"), None])),
        column(StringViewArray::from(vec![Some("1.0"), Some("0.0"), Some("nan")])),
    ];
    for array in columns {
        assert_eq!(known(labels(binary(), array).unwrap()), [1.0, 0.0, -1.0]);
    }
    for bad in [
        column(Int64Array::from(vec![0, 2])),
        column(StringArray::from(vec!["1", "yes"])),
        column(Float64Array::from(vec![0.0, 0.5])),
    ] {
        let error = labels(binary(), bad).unwrap_err();
        assert!(error.to_string().contains("row 2") && error.to_string().contains("positive"), "{error}");
    }
}

#[test]
fn positive_values_by_canonical_text() {
    let positive =
        |values: &[&str]| TaskKind::Binary { positive: Some(values.iter().map(|v| (*v).to_owned()).collect()) };
    let texts = column(StringArray::from(vec![Some(">50K"), Some("<=50K"), None, Some("")]));
    assert_eq!(known(labels(positive(&[">50K"]), texts).unwrap()), [1.0, 0.0, -1.0, -1.0]);
    let numbers = column(Float64Array::from(vec![Some(4.0), Some(5.0), Some(1.0), None]));
    assert_eq!(known(labels(positive(&["4", "5"]), numbers).unwrap()), [1.0, 1.0, 0.0, -1.0]);
}

#[test]
fn regression_labels() {
    let regression = || TaskKind::Regression { loss: RegressionLoss::Mse };
    let array = column(StringArray::from(vec![Some("2.5"), Some("-1e3"), None]));
    assert_eq!(known(labels(regression(), array).unwrap()), [2.5, -1000.0, -1.0]);
    assert!(labels(regression(), column(Float64Array::from(vec![f64::INFINITY]))).is_err());
    assert!(labels(regression(), column(StringArray::from(vec!["much"]))).is_err());
}

#[test]
fn labels_of_several_classes_are_their_indices() {
    let grades = || TaskKind::MultiClass { classes: ["low", "7", "high"].map(str::to_owned).to_vec() };
    let texts = column(StringArray::from(vec![Some("high"), Some("low"), Some(""), None, Some("7")]));
    assert_eq!(known(labels(grades(), texts).unwrap()), [2.0, 0.0, -1.0, -1.0, 1.0]);
    for sevens in [column(Int64Array::from(vec![Some(7), None])), column(Float64Array::from(vec![7.0, f64::NAN]))] {
        assert_eq!(known(labels(grades(), sevens).unwrap()), [1.0, -1.0]);
    }
    let error = labels(grades(), column(StringArray::from(vec!["low", "lower"]))).unwrap_err();
    assert!(matches!(&error, DataError::BadCell { row: 1, .. }), "{error}");
    assert!(error.to_string().contains("label `lower` is none of the 3 classes (`low`, `7`, `high`)"), "{error}");
}
