//! Reading JSON lines.

mod read_support;

use arrow_schema::{DataType, Fields};
use polyrank_schema::config::Reading;
use read_support::{Outcome, complaint, folder, read, skip, source, strings, texts, types};

fn plain() -> Reading {
    Reading::default()
}

#[test]
fn values_of_every_kind() -> Outcome {
    let file = b"{\"i\":1,\"f\":0.5,\"t\":\"x\",\"b\":true,\"l\":[1,2]}\n\n{\"t\":null,\"l\":[],\"b\":false,\"i\":-2}\r\n  \n{}";
    assert_eq!(
        read("t.jsonl", file, &["i", "f", "t", "b", "l"], &plain())?,
        ["1 0.5 x true [1, 2]", "-2 - - false []", "- - - - -"]
    );
    assert_eq!(
        types("t.jsonl", file, &["i", "f", "t", "b", "l"])?,
        ["Int64", "Float64", "Utf8", "Boolean", "List(Int64)"]
    );
    assert_eq!(read("t.ndjson", file, &["none"], &plain())?, ["-", "-", "-"]);
    Ok(())
}

#[test]
fn no_integer_goes_through_a_float() -> Outcome {
    let above = b"{\"id\":9007199254740993}\n{\"id\":-9007199254740993}\n";
    assert_eq!(read("t.jsonl", above, &["id"], &plain())?, ["9007199254740993", "-9007199254740993"]);
    assert_eq!(types("t.jsonl", above, &["id"])?, ["Int64"]);
    let unsigned = b"{\"id\":18446744073709551615}\n{\"id\":1}\n";
    assert_eq!(read("t.jsonl", unsigned, &["id"], &plain())?, ["18446744073709551615", "1"]);
    assert_eq!(types("t.jsonl", unsigned, &["id"])?, ["UInt64"]);
    let mixed = b"{\"id\":18446744073709551615}\n{\"id\":-1}\n{\"id\":123456789012345678901234567890}\n{\"id\":7.5}\n{\"id\":7.0}\n{\"id\":-0}\n";
    let texts = ["18446744073709551615", "-1", "123456789012345678901234567890", "7.5", "7", "0"];
    assert_eq!(read("t.jsonl", mixed, &["id"], &plain())?, texts);
    assert_eq!(types("t.jsonl", mixed, &["id"])?, ["Utf8"]);
    let lists = b"{\"id\":[9007199254740993,null]}\n{\"id\":[\"x\",2.50]}\n";
    assert_eq!(read("t.jsonl", lists, &["id"], &plain())?, ["[9007199254740993, -]", "[x, 2.5]"]);
    Ok(())
}

#[test]
fn texts_are_unescaped_trimmed_and_may_mean_missing() -> Outcome {
    let file = br#"{"t":" a\tb "}
{"t":"NA"}
{"t":""}
{"\u0074":"\u00e9\ud83d\ude00"}
"#;
    let nulls = Reading { null_values: strings(&["NA"]), ..plain() };
    assert_eq!(read("t.jsonl", file, &["t"], &nulls)?, ["a\tb", "-", "-", "é😀"]);
    Ok(())
}

#[test]
fn malformed_rows_name_their_place() -> Outcome {
    for (line, message) in [
        (r#"{"a":1,}"#, "t.jsonl:2: trailing comma at character 8; write one JSON object a line"),
        (r#"{"a":1"#, "t.jsonl:2: EOF while parsing an object at character 6; write one JSON object a line"),
        (r#"{"a":1} {"#, "t.jsonl:2: trailing characters at character 9; write one JSON object a line"),
        (
            r#"7"#,
            "t.jsonl:2: invalid type: integer `7`, expected a JSON object at character 1; write one JSON object a line",
        ),
        (r#"[{"a":1}]"#, "t.jsonl:2: a JSON array where one object a line is expected; write each row on its own line"),
        (
            r#"{"a":{"b":1}}"#,
            "t.jsonl:2, column `a`: an object where a value or a list is expected; write its parts as columns",
        ),
        (r#"{"a":[[1]]}"#, "t.jsonl:2, column `a`: a list within a list; write a list of values"),
        (r#"{"a":[1]}"#, "t.jsonl:2, column `a`: a list where earlier rows have single values; write all rows alike"),
        (r#"{"a":1,"a":2}"#, "t.jsonl:2, column `a`: the key appears twice; write it once"),
        (r#"{"a":1e999}"#, "t.jsonl:2, column `a`: the number 1e999 is beyond what a 64-bit float holds"),
    ] {
        let file = format!("{{\"a\":0}}\n{line}\n{{\"a\":3}}\n");
        assert_eq!(complaint("t.jsonl", file.as_bytes(), &["a"], &plain())?, message);
        assert_eq!(read("t.jsonl", file.as_bytes(), &["a"], &skip())?, ["0", "3"], "{line}");
    }
    Ok(())
}

#[test]
fn what_is_not_asked_for_does_not_matter() -> Outcome {
    assert_eq!(read("t.jsonl", b"{\"x\":{\"y\":[[1]]},\"a\":1}\n", &["a"], &plain())?, ["1"]);
    Ok(())
}

#[test]
fn half_taken_rows_leave_no_trace() -> Outcome {
    let file =
        b"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":{}}\n{\"b\":\"z\"}\n{\"a\":3,\"b\":\"y\"} x\n{\"a\":4,\"b\":\"w\"}\n";
    let folder = folder(&[("t.jsonl", file)])?;
    let source = source(folder.path(), &["t.jsonl"], &skip())?;
    for batch_rows in [1, 2, 10] {
        let mut rows = source.rows(&strings(&["a", "b"]), batch_rows)?;
        let first = rows.by_ref().collect::<Result<Vec<_>, _>>()?;
        let lines: Vec<u64> = first.iter().flat_map(|raw| (0..raw.batch.num_rows()).map(|row| raw.line(row))).collect();
        assert_eq!(lines, [1, 3, 5]);
        assert_eq!(rows.skipped(), 2);
        assert_eq!(texts(source.rows(&strings(&["a", "b"]), batch_rows)?)?, ["1 x", "- z", "4 w"]);
    }
    assert_eq!(source.count_rows()?, 4);
    Ok(())
}

#[test]
fn columns_of_the_first_rows() -> Outcome {
    let folder = folder(&[("t.jsonl", b"{\"b\":1,\"o\":{}}\n{\"a\":[0.5],\"b\":2}\n{\"b\":null,\"n\":null}\n")])?;
    let source = source(folder.path(), &["t.jsonl"], &plain())?;
    let list = DataType::new_list(DataType::Float64, true);
    let expected =
        [("b", DataType::Int64), ("o", DataType::Struct(Fields::empty())), ("a", list), ("n", DataType::Utf8)];
    assert_eq!(source.columns()?, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert!(source.check_columns(&strings(&["a", "n"])).is_ok());
    let error = source.check_columns(&strings(&["absent"])).map_err(|error| error.to_string());
    assert!(error.is_err_and(|message| message.ends_with("t.jsonl: no column `absent`")));
    Ok(())
}
