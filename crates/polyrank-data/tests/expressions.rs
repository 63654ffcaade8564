//! Expressions over batches: SQL's three values, exact whole numbers, and the same from text as from typed columns.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Add as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::DataType;
use polyrank_data::expression::{holds, numbers, values, values_as};
use polyrank_schema::Expression;
use polyrank_schema::expression::Type;
use proptest::prelude::*;

/// Three rows: all there, a zero and a negative, all missing; typed, and as a text file gives them.
fn batches() -> [RecordBatch; 2] {
    let typed: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![Some(7), Some(0), None]))),
        ("x", Arc::new(Float64Array::from(vec![Some(2.5), Some(-1.0), Some(f64::NAN)]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("t", Arc::new(StringArray::from(vec![Some("Ab c"), Some("10"), None]))),
        ("id", Arc::new(UInt64Array::from(vec![Some(9_007_199_254_740_993), Some(u64::MAX), None]))),
    ];
    let texts: Vec<(&str, ArrayRef)> = [
        ("n", ["7", "0", ""]),
        ("x", ["2.5", "-1", ""]),
        ("b", ["true", "False", ""]),
        ("t", ["Ab c", "10", ""]),
        ("id", ["9007199254740993", "18446744073709551615", ""]),
    ]
    .into_iter()
    .map(|(name, cells)| (name, Arc::new(StringArray::from(cells.to_vec())) as ArrayRef))
    .collect();
    [RecordBatch::try_from_iter(typed).unwrap(), RecordBatch::try_from_iter(texts).unwrap()]
}

fn parse(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The values in canonical text, `-` for null.
fn shown(array: &dyn Array) -> Vec<String> {
    let one = |i: usize| match array.data_type() {
        _ if array.is_null(i) => "-".to_owned(),
        DataType::Boolean => array.as_boolean().value(i).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(i).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(i).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(i).add(0.0).to_string(),
        _ => array.as_string::<i32>().value(i).to_owned(),
    };
    (0..array.len()).map(one).collect()
}

#[test]
fn values_row_by_row_from_typed_columns_and_from_text() {
    for (text, expected) in [
        // Arithmetic: whole numbers stay whole, division does not, by 0 there is nothing.
        ("n + 1", ["8", "1", "-"]),
        ("n * 2 - -3", ["17", "3", "-"]),
        ("n / 2", ["3.5", "0", "-"]),
        ("1 / n", ["0.14285714285714285", "-", "-"]),
        ("7 % n", ["0", "-", "-"]),
        ("-n % 4", ["-3", "0", "-"]),
        ("x + n", ["9.5", "-1", "-"]),
        ("n + b", ["8", "0", "-"]),
        ("2 + 3 * 4 - (1 - 1)", ["14", "14", "14"]),
        // Ids are never rounded.
        ("id", ["9007199254740993", "18446744073709551615", "-"]),
        ("id - 9007199254740992", ["1", "18437736874454810623", "-"]),
        ("id = 9007199254740993", ["true", "false", "-"]),
        ("id = 9007199254740992.0", ["false", "false", "-"]),
        ("id > 9007199254740992.0", ["true", "true", "-"]),
        // Three-valued logic.
        ("n = 7", ["true", "false", "-"]),
        ("n != 7", ["false", "true", "-"]),
        ("NOT n = 7", ["false", "true", "-"]),
        ("n = 7 AND null", ["-", "false", "-"]),
        ("n = 7 OR null", ["true", "-", "-"]),
        ("b AND n", ["true", "false", "-"]),
        ("n IN (1, 7)", ["true", "false", "-"]),
        ("n IN (7, null)", ["true", "-", "-"]),
        ("n NOT IN (7, null)", ["false", "-", "-"]),
        ("n BETWEEN 0 AND 5", ["false", "true", "-"]),
        ("n NOT BETWEEN 0 AND 5", ["true", "false", "-"]),
        ("n IS NULL", ["false", "false", "true"]),
        ("(n = 7) IS NOT TRUE", ["false", "true", "true"]),
        ("b IS FALSE", ["false", "true", "false"]),
        ("n < x", ["false", "false", "-"]),
        // Texts.
        ("t = 'Ab c'", ["true", "false", "-"]),
        ("b = true", ["true", "false", "-"]),
        ("lower(t) || '!'", ["ab c!", "10!", "-"]),
        ("length(t)", ["4", "2", "-"]),
        ("upper(substring(t, 2, 2))", ["B ", "0", "-"]),
        ("substring(t, 0, 3)", ["Ab", "10", "-"]),
        ("substring(t FROM 3)", [" c", "", "-"]),
        ("trim(substring(t, 3))", ["c", "", "-"]),
        // Choices look at no branch that is not taken.
        ("CASE WHEN n > 0 THEN 'some' WHEN n = 0 THEN 'none' END", ["some", "none", "-"]),
        ("CASE n WHEN 7 THEN 1 ELSE 0.5 END", ["1", "0.5", "0.5"]),
        ("if(t = '10', CAST(t AS INTEGER), -1)", ["-1", "10", "-1"]),
        ("CASE WHEN n = 7 THEN true ELSE n END", ["true", "0", "-"]),
        ("coalesce(n, 5)", ["7", "0", "5"]),
        ("nullif(n, 0)", ["7", "-", "-"]),
        ("least(n, 3, null)", ["3", "0", "3"]),
        ("greatest(n, x)", ["7", "0", "-"]),
        // Functions of numbers.
        ("abs(x)", ["2.5", "1", "-"]),
        ("round(x)", ["3", "-1", "-"]),
        ("floor(x)", ["2", "-1", "-"]),
        ("ceil(x)", ["3", "-1", "-"]),
        ("sqrt(x * x)", ["2.5", "1", "-"]),
        ("ln(n)", ["1.9459101490553132", "-", "-"]),
        ("exp(n - n) - log1p(0)", ["1", "1", "-"]),
        ("exp(1000)", ["-", "-", "-"]),
        // Casts.
        ("CAST(x AS INTEGER)", ["2", "-1", "-"]),
        ("CAST(n AS FLOAT) / 2", ["3.5", "0", "-"]),
        ("TRY_CAST(t AS FLOAT)", ["-", "10", "-"]),
        ("CAST(n AS BOOLEAN)", ["true", "false", "-"]),
        ("CAST(n = 7 AS TEXT) || CAST(x AS TEXT)", ["true2.5", "false-1", "-"]),
    ] {
        for batch in batches() {
            let found = values(&parse(text), &batch).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(shown(&found), expected, "{text} over {:?}", batch.schema().field(0).data_type());
        }
    }
}

#[test]
fn errors_name_the_expression_the_row_and_the_way_out() {
    for (text, expected) in [
        (
            "t + 1",
            "expression `t + 1`, row 1 of the batch: `Ab c` is not a number, nor true or false; TRY_CAST(… AS FLOAT) makes it null",
        ),
        ("t = 10", "`Ab c` is not a number"),
        ("t AND true", "`Ab c` is not a number, nor true or false"),
        ("nowhere = 1", "column `nowhere`: is not there, but `nowhere = 1` reads it"),
        ("t = \"Ab c\"", "texts go in 'single quotes'"),
        ("id * id * id * id", "beyond 128 bits"),
        ("CAST(1e30 AS INTEGER)", "1000000000000000000000000000000 is beyond whole numbers of 64 bits"),
        (&format!("substring(t{}, 1, 1)", " || t || t".repeat(90)), ""),
    ] {
        for batch in batches() {
            match values(&parse(text), &batch) {
                Err(error) => assert!(error.to_string().contains(expected), "{text}: {error}"),
                Ok(_) => assert!(expected.is_empty(), "{text}"),
            }
        }
    }
    let long = RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(vec!["x".repeat(40_000)])) as ArrayRef)]);
    let error = values(&parse("t || t"), &long.unwrap()).unwrap_err();
    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
    let list = RecordBatch::try_from_iter([("d", Arc::new(arrow_array::Date32Array::from(vec![1])) as ArrayRef)]);
    let error = values(&parse("d = 1"), &list.unwrap()).unwrap_err();
    assert!(error.to_string().contains("values of type Date32 cannot be used"), "{error}");
}

#[test]
fn as_conditions_numbers_and_given_types() {
    for batch in batches() {
        assert_eq!(holds(&parse("n"), &batch).unwrap(), [Some(true), Some(false), None]);
        assert_eq!(numbers(&parse("b"), &batch).unwrap(), [Some(1.0), Some(0.0), None]);
        let typed = |text: &str, to| values_as(&parse(text), &batch, to).unwrap();
        assert_eq!(typed("n", Type::Float).data_type(), &DataType::Float64);
        assert_eq!(shown(&typed("n", Type::Text)), ["7", "0", "-"]);
        assert_eq!(shown(&typed("x", Type::Integer)), ["2", "-1", "-"]);
        assert_eq!(typed("null", Type::Boolean).data_type(), &DataType::Boolean);
        assert!(values_as(&parse("id"), &batch, Type::Integer).unwrap_err().to_string().contains("row 2"));
        // Both a float and a whole number that no float holds: kept as text.
        let mixed = values(&parse("CASE WHEN n = 7 THEN 0.5 ELSE id END"), &batch).unwrap();
        assert_eq!(shown(&mixed), ["0.5", "18446744073709551615", "-"]);
    }
}

#[test]
fn narrow_floats_are_the_decimals_that_they_were_written_as() {
    let column = Arc::new(arrow_array::Float32Array::from(vec![0.1, 16_777_216.0])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
    assert_eq!(holds(&parse("x = 0.1"), &batch).unwrap(), [Some(true), Some(false)]);
    assert_eq!(shown(&values(&parse("x"), &batch).unwrap()), ["0.1", "16777216"]);
}

/// Cells of a text column of any kind.
fn cells() -> impl Strategy<Value = Vec<String>> {
    let cell =
        prop::sample::select(vec!["", "0", "1", "-3", "2.5", "nan", "x", "true", "1e3", "99999999999999999999", "é"]);
    prop::collection::vec(cell.prop_map(str::to_owned), 1..6)
}

/// Expressions over `a` and `b`.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["a", "b", "1", "0.5", "'x'", "null", "true", "-2"]).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let op = prop::sample::select(vec!["+", "-", "*", "/", "%", "=", "<>", "<", ">=", "AND", "OR", "||"]);
        let pair = (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})"));
        let one = (prop::sample::select(vec!["NOT", "-", "abs", "lower", "floor", "ln", "length"]), inner.clone())
            .prop_map(|(f, a)| format!("{f} ({a})"));
        let three = (inner.clone(), inner.clone(), inner)
            .prop_map(|(a, b, c)| format!("CASE WHEN ({a}) IS NOT NULL THEN ({b}) ELSE ({c}) END"));
        prop_oneof![4 => pair, 1 => one, 1 => three]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_row_depends_on_itself_alone(a in cells(), b in cells(), text in expressions()) {
        let expression = parse(&text);
        let rows = a.len().min(b.len());
        let batch = |range: std::ops::Range<usize>| {
            let column = |cells: &[String]| Arc::new(StringArray::from(cells[range.clone()].to_vec())) as ArrayRef;
            RecordBatch::try_from_iter([("a", column(&a)), ("b", column(&b))]).unwrap()
        };
        let whole = values_as(&expression, &batch(0..rows), Type::Text);
        let parts: Result<Vec<_>, _> = (0..rows).map(|i| values_as(&expression, &batch(i..i + 1), Type::Text)).collect();
        match (whole, parts) {
            (Ok(whole), Ok(parts)) => {
                prop_assert_eq!(shown(&whole), parts.iter().flat_map(|part| shown(part)).collect::<Vec<_>>());
                // Whatever type fits the batch, the canonical texts are these.
                let fitted = values(&expression, &batch(0..rows));
                prop_assert!(fitted.is_err() || shown(&fitted.unwrap()) == shown(&whole), "{}", text);
            }
            (whole, parts) => prop_assert!(whole.is_err() && parts.is_err(), "{}", text),
        }
    }
}
