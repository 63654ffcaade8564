//! Categorical features end to end: one id for one value, whatever column type it comes from.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encode_support;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, LargeListBuilder, ListBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use encode_support::*;
use polyrank_data::encode::Labels;
use polyrank_data::{DataError, Ids};
use polyrank_schema::config::{Combiner, List};
use proptest::prelude::*;

fn vocabulary(options: &[(&str, i64)]) -> polyrank_schema::config::Feature {
    let options: Vec<_> = options.iter().map(|(key, n)| (*key, int(*n))).collect();
    categorical("f", block("vocabulary", &options))
}

#[test]
fn seven_is_one_value_in_every_column_type() {
    let seen = || column(StringArray::from(vec!["7", "7", "7", "0.5", "0.5", "true", ""]));
    let columns: Vec<ArrayRef> = vec![
        column(Int8Array::from(vec![7])),
        column(Int16Array::from(vec![7])),
        column(Int32Array::from(vec![7])),
        column(Int64Array::from(vec![7])),
        column(UInt8Array::from(vec![7])),
        column(UInt16Array::from(vec![7])),
        column(UInt32Array::from(vec![7])),
        column(UInt64Array::from(vec![7])),
        column(Float32Array::from(vec![7.0])),
        column(Float64Array::from(vec![7.0])),
        column(StringArray::from(vec!["7"])),
        column(LargeStringArray::from(vec!["7"])),
        column(StringViewArray::from(vec!["7"])),
        column(BinaryArray::from(vec![b"7".as_slice()])),
        column(DictionaryArray::<Int32Type>::from_iter(["7"])),
        column(Decimal128Array::from(vec![7]).with_precision_and_scale(20, 0).unwrap()),
    ];
    for array in columns {
        let kind = array.data_type().clone();
        assert_eq!(ids(&encode(vocabulary(&[]), seen(), array).unwrap()), [3], "{kind}");
    }
    for half in [column(Float32Array::from(vec![0.5])), column(Float64Array::from(vec![0.5]))] {
        assert_eq!(ids(&encode(vocabulary(&[]), seen(), half).unwrap()), [4]);
    }
    assert_eq!(ids(&encode(vocabulary(&[]), seen(), column(BooleanArray::from(vec![true, false]))).unwrap()), [5, 2]);
}

#[test]
fn a_32_bit_float_is_the_value_that_its_text_is() {
    let seen = column(StringArray::from(vec!["0.1"]));
    assert_eq!(ids(&encode(vocabulary(&[]), seen, column(Float32Array::from(vec![0.1, 0.2]))).unwrap()), [3, 2]);
}

#[test]
fn missing_values_are_not_errors_and_not_values() {
    let missing: Vec<ArrayRef> = vec![
        column(Int64Array::from(vec![None::<i64>])),
        column(Float64Array::from(vec![None, Some(f64::NAN)])),
        column(StringArray::from(vec![None, Some("")])),
        column(BooleanArray::from(vec![None::<bool>])),
        column(NullArray::new(2)),
    ];
    for array in missing {
        let n = array.len();
        assert_eq!(ids(&encode(vocabulary(&[]), array.clone(), array.clone()).unwrap()), vec![1; n]);
        let hash = categorical("f", block("hash", &[("buckets", int(10))]));
        assert_eq!(ids(&encode(hash, array.clone(), array.clone()).unwrap()), vec![1; n]);
        let identity = categorical("f", block("identity", &[]));
        assert_eq!(ids(&encode(identity, array.clone(), array).unwrap()), vec![1; n]);
    }
}

#[test]
fn neighbouring_large_ids_stay_apart() {
    let large: Vec<i64> = [24, 31, 32, 53, 62].iter().flat_map(|p| [(1i64 << p) - 1, 1 << p, (1 << p) + 1]).collect();
    let array = column(Int64Array::from(large.clone()));
    let encoded = ids(&encode(vocabulary(&[]), array.clone(), array.clone()).unwrap());
    assert_eq!(encoded, (3..18).collect::<Vec<u32>>());
    let texts = column(StringArray::from_iter_values(large.iter().map(i64::to_string)));
    assert_eq!(ids(&encode(vocabulary(&[]), array.clone(), texts).unwrap()), encoded);
    let stored: Vec<f64> = large[..9].iter().map(|n| *n as f64).collect();
    assert_eq!(ids(&encode(vocabulary(&[]), array, column(Float64Array::from(stored))).unwrap()), encoded[..9]);
    let unsigned = column(UInt64Array::from(vec![u64::MAX, u64::MAX - 1]));
    assert_eq!(ids(&encode(vocabulary(&[]), unsigned.clone(), unsigned).unwrap()), [4, 3]);
}

#[test]
fn floats_that_cannot_hold_an_id_are_refused_with_their_row() {
    let seen = || column(Int64Array::from(vec![1]));
    for (array, row) in [
        (column(Float64Array::from(vec![1.0, 2f64.powi(53), 2f64.powi(53) + 2.0])), 2),
        (column(Float64Array::from(vec![1.0, -1e300])), 1),
        (column(Float64Array::from(vec![f64::INFINITY])), 0),
        (column(Float32Array::from(vec![2f32.powi(24), 2f32.powi(24) + 2.0])), 1),
    ] {
        let error = encode(vocabulary(&[]), seen(), array.clone()).unwrap_err();
        assert!(matches!(&error, DataError::BadCell { column, row: r, .. } if column == "x" && *r == row), "{error}");
        assert!(encode(vocabulary(&[]), array, seen()).is_err());
    }
}

#[test]
fn unseen_and_enormous_values_have_a_row() {
    let long = "é".repeat(100_000);
    let unseen =
        || column(StringArray::from(vec!["unseen", long.as_str(), "-1", "99999999999999999999999999", " 7", "NaN"]));
    let seen = || column(Int64Array::from(vec![7, 8]));
    assert_eq!(ids(&encode(vocabulary(&[]), seen(), unseen()).unwrap()), [2; 6]);
    let spread = ids(&encode(vocabulary(&[("oov_buckets", 50)]), seen(), unseen()).unwrap());
    assert!(spread.iter().all(|id| (2..52).contains(id)) && spread.iter().any(|id| *id != spread[0]), "{spread:?}");
    let identity = || categorical("f", block("identity", &[]));
    assert_eq!(ids(&encode(identity(), seen(), unseen()).unwrap()), [2; 6]);
    let bounds = column(Int64Array::from(vec![0, 8, 9, -1, i64::MAX]));
    assert_eq!(ids(&encode(identity(), seen(), bounds).unwrap()), [3, 11, 2, 2, 2]);
    let error = encode(identity(), column(Int64Array::from(vec![3, 1 << 40])), seen()).unwrap_err();
    assert!(error.to_string().contains("row 2") && error.to_string().contains("vocabulary"), "{error}");
}

#[test]
fn hashing_spreads_one_value_to_one_row() {
    let hash = || categorical("f", block("hash", &[("buckets", int(1000)), ("seed", int(5))]));
    let texts =
        ids(&encode(hash(), column(NullArray::new(1)), column(StringArray::from(vec!["7", "cat", "-3"]))).unwrap());
    let numbers = ids(&encode(hash(), column(NullArray::new(1)), column(Float64Array::from(vec![7.0, -3.0]))).unwrap());
    assert_eq!([texts[0], texts[2]], numbers[..]);
    let other = categorical("f", block("hash", &[("buckets", int(1000)), ("seed", int(6))]));
    let others =
        ids(&encode(other, column(NullArray::new(1)), column(StringArray::from(vec!["7", "cat", "-3"]))).unwrap());
    assert_ne!(texts, others);
}

#[test]
fn lists_in_text_and_in_arrays_are_alike() {
    let feature = |max| list_of("f", block("vocabulary", &[]), list(max));
    let history = |max| {
        let combiner = Combiner::Sequence(block("din", &[]));
        list_of("f", block("vocabulary", &[]), List { combiner, ..list(Some(max)) })
    };
    let texts = || column(StringArray::from(vec![Some("5|6| 5 ||x"), None, Some(""), Some("|"), Some("6")]));
    let mut builder = ListBuilder::new(StringBuilder::new());
    let mut large = LargeListBuilder::new(StringBuilder::new());
    for items in [Some(vec!["5", "6", "5", "x"]), None, Some(vec![]), Some(vec![]), Some(vec!["6"])] {
        builder.append_option(items.clone().map(|items| items.into_iter().map(Some)));
        large.append_option(items.map(|items| items.into_iter().map(Some)));
    }
    let arrays = [texts(), column(builder.finish()), column(large.finish())];
    for array in arrays {
        let encoded = encode(feature(None), texts(), array.clone()).unwrap();
        assert_eq!(lists(&encoded), (vec![0, 4, 4, 4, 4, 5], vec![3, 4, 3, 5, 4]));
        let encoded = encode(feature(Some(2)), array.clone(), array.clone()).unwrap();
        assert_eq!(lists(&encoded), (vec![0, 2, 2, 2, 2, 3], vec![4, 3, 3]), "cut when fitted too");
        let last = encode(history(2), texts(), array.clone()).unwrap();
        assert_eq!(lists(&last), (vec![0, 2, 2, 2, 2, 3], vec![3, 5, 4]), "a sequence keeps its end");
        let whole = encode(history(9), texts(), array.clone()).unwrap();
        assert_eq!(lists(&whole), (vec![0, 4, 4, 4, 4, 5], vec![3, 4, 3, 5, 4]));
        let encoded = encode(feature(None), texts(), array.slice(3, 2)).unwrap();
        assert_eq!(lists(&encoded), (vec![0, 0, 1], vec![4]), "a part of an array");
    }
}

#[test]
fn missing_items_stay_in_their_places() {
    let mut builder = ListBuilder::new(Int64Builder::new());
    builder.append_value([Some(5), None, Some(6)]);
    builder.append_null();
    let array = column(builder.finish());
    let feature = || list_of("f", block("vocabulary", &[]), list(None));
    assert_eq!(lists(&encode(feature(), array.clone(), array.clone()).unwrap()), (vec![0, 3, 3], vec![3, 1, 4]));
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        [None, Some([Some(6), None]), Some([Some(5), Some(9)])],
        2,
    );
    let fixed = column(fixed);
    assert_eq!(lists(&encode(feature(), array.clone(), fixed.slice(1, 2)).unwrap()), (vec![0, 2, 4], vec![4, 1, 3, 2]));
    let single = column(Int64Array::from(vec![Some(6), None]));
    assert_eq!(lists(&encode(feature(), array, single).unwrap()), (vec![0, 1, 1], vec![4]));
}

#[test]
fn shared_tables_are_fitted_on_all_their_columns() {
    let config = config(
        vec![shared("recent", "item", Some(list(None))), item(categorical("item", block("vocabulary", &[])))],
        Vec::new(),
    );
    let batch = rows(vec![
        ("item", column(Int64Array::from(vec![1, 2]))),
        ("recent", column(StringArray::from(vec!["9|2|2", "9|9|9"]))),
    ]);
    let encoders = fit(&config, std::slice::from_ref(&batch)).unwrap();
    let layout = encoders.layout();
    assert_eq!(layout.tables.len(), 1);
    assert_eq!((layout.tables[0].name.as_str(), layout.tables[0].rows), ("item", 6));
    assert_eq!(
        layout.slots.iter().map(|s| (s.feature.as_str(), s.table)).collect::<Vec<_>>(),
        [("recent", 0), ("item", 0)]
    );
    let encoded = encoders.transform(&batch, Labels::Ignore).unwrap();
    assert_eq!(encoded.ids[1], Ids::One(vec![5, 4]));
    assert_eq!(encoded.ids[0], Ids::Many { offsets: vec![0, 3, 6], ids: vec![3, 4, 4, 3, 3, 3] });
    let summary = encoders.describe();
    assert_eq!((summary[0].table.as_deref(), summary[0].cardinality), (Some("item"), Some(3)));
}

#[test]
fn types_that_are_no_categories_are_refused() {
    let array = column(Date32Array::from(vec![1]));
    let error = encode(vocabulary(&[]), array.clone(), array).unwrap_err();
    assert!(error.to_string().contains("Date32"), "{error}");
    let bytes = column(BinaryArray::from(vec![b"\xff".as_slice()]));
    assert!(encode(vocabulary(&[]), bytes.clone(), bytes).is_err());
}

/// Values as texts: few and many, integers and not, some missing.
fn values() -> impl Strategy<Value = Vec<Option<String>>> {
    let value = prop_oneof![
        4 => (-3i64..12).prop_map(|n| n.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        3 => "[a-c]{0,2}",
        1 => "\\PC{0,5}",
    ];
    // Numbers are looked up up to 64 at a time.
    prop_oneof![
        prop::collection::vec(prop::option::weighted(0.9, value), 0..60),
        prop::collection::vec(prop::option::weighted(0.99, (0u64..200).prop_map(|n| n.to_string())), 0..400),
    ]
}

/// What the documentation says, in the plainest words: ids by position in a sorted list of canonical texts.
fn reference(seen: &[Option<String>], min_count: usize, max_size: usize) -> HashMap<String, u32> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    seen.iter().flatten().filter(|text| !text.is_empty()).for_each(|text| *counts.entry(text).or_insert(0) += 1);
    let number = |text: &str| {
        text.parse::<i128>().ok().filter(|n| n.to_string() == text && *n >= i64::MIN.into() && *n <= u64::MAX.into())
    };
    let mut order: Vec<(&str, usize)> = counts.into_iter().filter(|(_, n)| *n >= min_count).collect();
    order.sort_by_key(|(text, n)| (usize::MAX - n, number(text).is_none(), number(text), (*text).to_owned()));
    order.iter().take(max_size).enumerate().map(|(i, (text, _))| ((*text).to_owned(), 3 + i as u32)).collect()
}

proptest! {
    #[test]
    fn vocabularies_are_as_the_reference(seen in values(), other in values(), min_count in 1usize..4, max_size in 1usize..30) {
        let expected = reference(&seen, min_count, max_size);
        let feature = vocabulary(&[("min_count", min_count as i64), ("max_size", max_size as i64)]);
        let all: Vec<_> = seen.iter().chain(&other).cloned().collect();
        let encoded = encode(feature, column(StringArray::from(seen)), column(StringArray::from(all.clone()))).unwrap();
        for (text, id) in all.iter().zip(ids(&encoded)) {
            let missing = text.as_ref().is_none_or(|text| text.is_empty());
            prop_assert_eq!(id, if missing { 1 } else { expected.get(text.as_ref().unwrap()).copied().unwrap_or(2) });
        }
    }

    #[test]
    fn a_row_does_not_see_its_neighbours(seen in values(), rows_ in values(), buckets in 1i64..9) {
        let config = config(vec![
            categorical("f", block("vocabulary", &[("oov_buckets", int(buckets)), ("min_count", int(2))])),
            categorical("f2", block("hash", &[("buckets", int(buckets))])),
        ], Vec::new());
        let batch = |values: &[Option<String>]| {
            let array: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
            rows(vec![("f", array.clone()), ("f2", array)])
        };
        let encoders = fit(&config, &[batch(&seen)]).unwrap();
        let whole = encoders.transform(&batch(&rows_), Labels::Ignore).unwrap();
        for i in 0..rows_.len() {
            let alone = encoders.transform(&batch(&rows_[i..=i]), Labels::Ignore).unwrap();
            for (alone, whole) in alone.ids.iter().zip(&whole.ids) {
                let (Ids::One(alone), Ids::One(whole)) = (alone, whole) else { panic!("lists") };
                prop_assert_eq!(alone[0], whole[i]);
            }
        }
    }
}
