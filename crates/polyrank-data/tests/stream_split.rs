//! Dividing rows into training and validation.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use polyrank_data::read::RawBatch;
use polyrank_data::stream::Splitter;
use polyrank_schema::config::Split;
use proptest::prelude::*;

fn raw(first_row: u64, columns: Vec<(&str, ArrayRef)>) -> RawBatch {
    RawBatch {
        batch: RecordBatch::try_from_iter(columns).expect("columns of one length"),
        file: Path::new("rows.csv").into(),
        first_row,
        first_line: first_row + 2,
        lines: None,
    }
}

/// Rows `from` to `to` with their number and a user each.
fn rows(from: u64, to: u64) -> RawBatch {
    let numbers = Int64Array::from_iter_values((from..to).map(|row| row as i64));
    let users = Int64Array::from_iter_values((from..to).map(|row| (row * row % 97) as i64));
    raw(from, vec![("row", Arc::new(numbers)), ("user", Arc::new(users))])
}

fn column(raw: &RawBatch, name: &str) -> Vec<i64> {
    raw.batch.column_by_name(name).expect("the column").as_primitive::<Int64Type>().values().to_vec()
}

/// The training and validation rows of `total` rows in batches of `size`.
fn divide(splitter: &Splitter, total: u64, size: u64) -> (Vec<i64>, Vec<i64>) {
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    let mut from = 0;
    while from < total {
        let to = total.min(from + size);
        let parts = splitter.divide(&rows(from, to)).expect("a sound batch");
        for (part, all) in [(parts.0, &mut train), (parts.1, &mut valid)] {
            let numbers = column(&part, "row");
            let lines: Vec<u64> = (0..numbers.len()).map(|row| part.line(row)).collect();
            assert_eq!(lines, numbers.iter().map(|number| *number as u64 + 2).collect::<Vec<_>>());
            assert!(numbers.first().is_none_or(|first| *first as u64 == part.first_row));
            all.extend(numbers);
        }
        from = to;
    }
    (train, valid)
}

proptest! {
    #[test]
    fn parts_are_disjoint_and_complete_whatever_the_batches(
        total in 0u64..500,
        size in 1u64..100,
        fraction in 0.01f64..0.99,
        seed in any::<u64>(),
    ) {
        for split in [Split::Random, Split::Tail, Split::Group("user".into())] {
            let splitter = Splitter::new(fraction, &split, seed, Some(total)).expect("within bounds");
            let (train, valid) = divide(&splitter, total, size);
            let mut all = [&train[..], &valid].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..total as i64).collect::<Vec<_>>());
            prop_assert_eq!((train, valid), divide(&splitter, total, total.max(1)));
        }
    }
}

#[test]
fn parts_have_the_size_asked_for() {
    for split in [Split::Random, Split::Group("row".into())] {
        let splitter = Splitter::new(0.2, &split, 7, None).expect("within bounds");
        let valid = divide(&splitter, 10_000, 1000).1.len();
        // 2000 expected, standard deviation 40.
        assert!((1840..2160).contains(&valid), "{split:?}: {valid}");
    }
    let tail = |fraction, total| {
        divide(&Splitter::new(fraction, &Split::Tail, 7, Some(total)).expect("within bounds"), total, 7)
    };
    assert_eq!(tail(0.2, 10), ((0..8).collect(), vec![8, 9]));
    assert_eq!(tail(0.01, 3), (vec![0, 1], vec![2]));
    assert_eq!(tail(0.99, 3), (vec![0], vec![1, 2]));
    assert_eq!(tail(0.5, 1), (vec![0], vec![]));
}

#[test]
fn seeds_give_different_parts() {
    for split in [Split::Random, Split::Group("user".into())] {
        let valid = |seed| divide(&Splitter::new(0.5, &split, seed, None).expect("within bounds"), 200, 50).1;
        assert_eq!(valid(1), valid(1));
        assert_ne!(valid(1), valid(2));
    }
}

#[test]
fn a_group_stays_together_whatever_its_type() {
    let splitter = Splitter::new(0.5, &Split::Group("user".into()), 3, None).expect("within bounds");
    assert_eq!(splitter.column(), Some("user"));
    let users = 0..100u32;
    let columns: [ArrayRef; 4] = [
        Arc::new(Int64Array::from_iter_values(users.clone().map(i64::from))),
        Arc::new(UInt64Array::from_iter_values(users.clone().map(u64::from))),
        Arc::new(Float64Array::from_iter_values(users.clone().map(f64::from))),
        Arc::new(StringArray::from_iter_values(users.map(|user| user.to_string()))),
    ];
    let parts = columns.map(|column| {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let (train, valid) = splitter.divide(&raw(5, vec![("user", column), ("n", numbers)])).expect("a sound batch");
        (self::column(&train, "n"), self::column(&valid, "n"))
    });
    assert!(parts.iter().all(|part| *part == parts[0]));
    assert!(!parts[0].0.is_empty() && !parts[0].1.is_empty());
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(f64::NAN), Some(0.0), Some(-0.0)]));
    let (train, valid) = splitter.divide(&raw(0, vec![("user", missing)])).expect("a sound batch");
    assert!(train.batch.num_rows() % 2 == 0 && valid.batch.num_rows() % 2 == 0);
}

#[test]
fn what_cannot_be_split_is_an_error() {
    for fraction in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(Splitter::new(fraction, &Split::Random, 0, None).is_err());
    }
    assert!(Splitter::needs_total(&Split::Tail) && !Splitter::needs_total(&Split::Random));
    assert!(Splitter::new(0.5, &Split::Tail, 0, None).is_err());
    let splitter = Splitter::new(0.5, &Split::Group("city".into()), 0, None).expect("within bounds");
    let message = splitter.divide(&rows(0, 3)).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(message, Err("rows.csv: no column `city`".into()));
}
