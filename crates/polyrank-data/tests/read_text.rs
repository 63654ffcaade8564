//! Reading separated text.

mod read_support;

use std::io::Write as _;

use polyrank_schema::config::Reading;
use read_support::{Outcome, complaint, folder, read, skip, source, strings, texts};

fn plain() -> Reading {
    Reading::default()
}

#[test]
fn fields_by_extension() -> Outcome {
    let rows = ["1 x -", "2 y 0.5"];
    assert_eq!(read("t.csv", b"id,name,v\n1,x,\n2,y,0.5\n", &["id", "name", "v"], &plain())?, rows);
    assert_eq!(read("t.tsv", b"id\tname\tv\n1\tx\t\n2\ty\t0.5", &["id", "name", "v"], &plain())?, rows);
    assert_eq!(read("T.TXT", b"id\tname\tv\n1\tx\t\n2\ty\t0.5", &["id", "name", "v"], &plain())?, rows);
    let semicolons = Reading { separator: Some(';'), ..plain() };
    assert_eq!(read("t.csv", b"id;name;v\n1;x;\n2;y;0.5\n", &["id", "name", "v"], &semicolons)?, rows);
    Ok(())
}

#[test]
fn columns_come_in_the_order_asked_for() -> Outcome {
    assert_eq!(read("t.csv", b"a,b,c\n1,2,3\n4,5,6\n", &["c", "a", "c"], &plain())?, ["3 1", "6 4"]);
    assert_eq!(read("t.csv", b"a,b\n1,2\n", &[], &plain())?, [""]);
    Ok(())
}

#[test]
fn names_from_the_configuration_mean_no_header() -> Outcome {
    let named = Reading { columns: Some(strings(&["a", "b"])), ..plain() };
    assert_eq!(read("t.csv", b"1,2\n3,4\n", &["b"], &named)?, ["2", "4"]);
    assert_eq!(read("t.csv", b"", &["b"], &named)?, [""; 0]);
    assert_eq!(
        complaint("t.csv", b"1,2\n3\n", &["b"], &named)?,
        "t.csv:2, column `b`: 1 field where 2 columns are expected; correct the row, or set data.on_bad_row = \"skip\" \
         to leave such rows out"
    );
    Ok(())
}

#[test]
fn quotes() -> Outcome {
    let file = b"a,b\n\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n\"c\r\nd\",e\r\n\"last\",f";
    assert_eq!(read("t.csv", file, &["a", "b"], &plain())?, ["x, y say \"hi\"", "two\nlines -", "c\r\nd e", "last f"]);
    // A quote within a field is text, as is any quote between tabs.
    assert_eq!(read("t.csv", b"a,b\n5\" disk,x\n", &["a"], &plain())?, ["5\" disk"]);
    assert_eq!(read("t.tsv", b"a\tb\n\"x\ty\"\n", &["a", "b"], &plain())?, ["\"x y\""]);
    Ok(())
}

#[test]
fn lines_of_rows_are_known() -> Outcome {
    let folder = folder(&[("t.csv", b"a,b\n\n1,\"x\ny\"\n2,z\n\n3,w\n"), ("u.csv", b"a,b\n4,v\n5,u\n")])?;
    let source = source(folder.path(), &["t.csv", "u.csv"], &plain())?;
    let rows = source.rows(&strings(&["a"]), 2)?.collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<u64> = rows.iter().flat_map(|raw| (0..raw.batch.num_rows()).map(|row| raw.line(row))).collect();
    assert_eq!(lines, [3, 5, 7, 2, 3]);
    assert_eq!(rows.iter().map(|raw| raw.first_row).collect::<Vec<_>>(), [0, 2, 3]);
    assert!(rows[2].file.ends_with("u.csv"));
    assert_eq!(source.count_rows()?, 5);
    Ok(())
}

#[test]
fn marks_and_line_ends() -> Outcome {
    assert_eq!(read("t.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4\r\n", &["a", "b"], &plain())?, ["1 2", "3 4"]);
    Ok(())
}

#[test]
fn spaces_and_nulls() -> Outcome {
    let file = b" a , b \n x ,NA\n\\N, y\n  ,\" z \"\n";
    let nulls = Reading { null_values: strings(&["NA", "\\N"]), ..plain() };
    assert_eq!(read("t.csv", file, &["a", "b"], &nulls)?, ["x -", "- y", "- z"]);
    let kept = Reading { trim: false, ..plain() };
    assert_eq!(read("t.csv", b"a,b\n x ,NA\n", &["a", "b"], &kept)?, [" x  NA"]);
    Ok(())
}

#[test]
fn malformed_rows_name_their_place() -> Outcome {
    let short = "t.csv:3, column `c`: 2 fields where 3 columns are expected; correct the row, or set data.on_bad_row = \
                 \"skip\" to leave such rows out";
    assert_eq!(complaint("t.csv", b"a,b,c\n1,2,3\n4,5\n", &["a"], &plain())?, short);
    let long = "t.csv:2: 4 fields where 3 columns are expected; correct the row, or set data.on_bad_row = \"skip\" to \
                leave such rows out";
    assert_eq!(complaint("t.csv", b"a,b,c\n1,2,3,4\n", &["a"], &plain())?, long);
    let encoding = "t.csv:2, column `b`: byte 0xe9 is not UTF-8; save the file as UTF-8";
    assert_eq!(complaint("t.csv", b"a,b\n1,caf\xe9\n", &["a"], &plain())?, encoding);
    assert_eq!(complaint("t.csv", b"a,b\n\"1\",\"caf\xe9\"\n", &["a"], &plain())?, encoding);
    let quote = "t.csv:2: a quote opened in this row is never closed; close it, or double it if it is part of the text";
    assert_eq!(complaint("t.csv", b"a,b\n1,\"x\n2,y\n3,z", &["a"], &plain())?, quote);
    // Nobody knows how many rows that swallowed, so it cannot be left out.
    assert_eq!(complaint("t.csv", b"a,b\n1,\"x\n2,y\n3,z", &["a"], &skip())?, quote);
    Ok(())
}

#[test]
fn malformed_rows_are_left_out_and_counted() -> Outcome {
    let bad = b"a,b\n1,x\n2\n3,y,z\n4,\xff\n5,w\n";
    let folder = folder(&[("t.csv", bad), ("u.csv", b"a,b\n6\n7,v\n")])?;
    let source = source(folder.path(), &["t.csv", "u.csv"], &skip())?;
    let mut rows = source.rows(&strings(&["a"]), 1)?;
    let kept: Vec<u64> = rows.by_ref().map(|raw| raw.map(|raw| raw.line(0))).collect::<Result<_, _>>()?;
    assert_eq!(kept, [2, 6, 3]);
    assert_eq!(rows.skipped(), 4);
    assert_eq!(source.count_rows()?, 3);
    Ok(())
}

#[test]
fn headers() -> Outcome {
    assert_eq!(
        complaint("t.csv", b"", &["a"], &plain())?,
        "t.csv: is empty: no header line; write one, or name the columns in data.columns"
    );
    assert_eq!(read("t.csv", b"a,b\n", &["a"], &plain())?, [""; 0]);
    assert_eq!(
        complaint("t.csv", b"a,b,a\n1,2,3\n", &["a"], &plain())?,
        "t.csv:1, column `a`: the header names `a` twice; rename one of the columns"
    );
    assert_eq!(
        complaint("t.csv", b"user_id,b\n", &["userid"], &plain())?,
        "t.csv: no column `userid`; did you mean `user_id`?"
    );
    assert_eq!(complaint("t.csv", b"user_id,b\n", &["zzz"], &plain())?, "t.csv: no column `zzz`");
    // A later file must have the columns as well.
    let folder = folder(&[("1.csv", b"a,b\n1,2\n"), ("2.csv", b"b\n2\n")])?;
    let source = source(folder.path(), &["*.csv"], &plain())?;
    let outcome: Vec<_> = source.rows(&strings(&["a"]), 10)?.collect();
    assert_eq!(outcome.len(), 2);
    assert!(outcome[1].as_ref().is_err_and(|error| error.to_string().ends_with("2.csv: no column `a`")));
    assert!(source.check_columns(&strings(&["a"])).is_err());
    assert!(source.check_columns(&strings(&["b"])).is_ok());
    Ok(())
}

#[test]
fn packed_text() -> Outcome {
    let text = b"a,b\n1,x\n2,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text)?;
    let gzip = gzip.finish()?;
    let zstd = zstd::encode_all(&text[..], 1)?;
    assert_eq!(read("t.csv.gz", &gzip, &["a", "b"], &plain())?, ["1 x", "2 y"]);
    // Several members, one after the other, are one file.
    let twice = [&gzip[..], &gzip[..]].concat();
    assert_eq!(read("t.csv.gz", &twice, &["a", "b"], &plain())?, ["1 x", "2 y", "a b", "1 x", "2 y"]);
    assert_eq!(read("t.csv.zst", &zstd, &["a", "b"], &plain())?, ["1 x", "2 y"]);
    for (name, content) in [("t.csv.gz", &gzip[..gzip.len() - 6]), ("t.csv.zst", &zstd[..zstd.len() - 3])] {
        let message = complaint(name, content, &["a"], &plain())?;
        assert!(message.contains("are damaged or cut short"), "{message}");
    }
    Ok(())
}

#[test]
fn a_row_beyond_the_limit_is_an_error() -> Outcome {
    let mut long = b"a,b\n1,".to_vec();
    long.resize(long.len() + (65 << 20), b'x');
    let message = "t.csv:2: the row is longer than 64 MiB; check that its quotes and line breaks are right";
    assert_eq!(complaint("t.csv", &long, &["a"], &plain())?, message);
    let mut long = b"a,b\n1,\"".to_vec();
    for _ in 0..65 << 10 {
        long.resize(long.len() + 1023, b'x');
        long.push(b'\n');
    }
    assert!(complaint("t.csv", &long, &["a"], &skip())?.contains("the row is longer than 64 MiB"));
    Ok(())
}

#[test]
fn files_by_pattern() -> Outcome {
    let folder =
        folder(&[("b.csv", b"a\n3\n"), ("a.csv", b"a\n1\n2\n"), (".c.csv", b"a\n9\n"), ("x[1].csv", b"a\n4\n")])?;
    let read = |patterns: &[&str]| -> Result<Vec<String>, Box<dyn std::error::Error>> {
        texts(source(folder.path(), patterns, &plain())?.rows(&strings(&["a"]), 10)?)
    };
    assert_eq!(read(&["?.csv"])?, ["1", "2", "3"]);
    assert_eq!(read(&["b.csv", "a.csv"])?, ["3", "1", "2"]);
    assert_eq!(read(&["x[1].csv"])?, ["4"]);
    assert_eq!(read(&["*.csv"])?, ["1", "2", "3", "4"]);
    let complain = |patterns: &[&str]| source(folder.path(), patterns, &plain()).map(|_| ()).map_err(|e| e.to_string());
    let base = folder.path().display();
    assert_eq!(
        complain(&["no-*.csv"]),
        Err(format!("`no-*.csv` matches no file; write a path or glob relative to {base}"))
    );
    assert_eq!(
        complain(&["no.csv"]),
        Err(format!("`no.csv` matches no file; write a path or glob relative to {base}"))
    );
    assert_eq!(
        complain(&["a.csv", "a*"]),
        Err(format!("{base}/a.csv: `a*` names this file a second time; name it once"))
    );
    assert_eq!(
        complain(&["."]),
        Err(format!("{base}/.: is a directory; name its files, with a glob such as DIR/*.parquet"))
    );
    Ok(())
}

#[test]
fn foreign_files() -> Outcome {
    let known = "known are .csv, .tsv, .txt (tab-separated), .jsonl or .ndjson, each also with .gz or .zst; .parquet; \
                 .arrow, .ipc or .feather";
    assert_eq!(complaint("t.xls", b"a", &["a"], &plain())?, format!("t.xls: `.xls` is not a known extension; {known}"));
    assert_eq!(complaint("data", b"a", &["a"], &plain())?, format!("data: has no known extension; {known}"));
    for (name, content, message) in [
        ("t.csv", &b"PAR1...."[..], "t.csv: is a Parquet file, not text as its name says; rename it"),
        ("t.csv", b"\x1f\x8b\x08\x00", "t.csv: is a gzip file, not text as its name says; rename it"),
        ("t.csv", b"a,b\n\x00\x01", "t.csv: holds binary data, not text; check that it is the right file"),
        ("t.tsv", b"\xff\xfea\x00", "t.tsv: is UTF-16 text (save it as UTF-8), not text as its name says; rename it"),
        (
            "t.csv.gz",
            b"a,b\n",
            "t.csv.gz: is not a gzip file, as its name says; check that it was written or copied whole",
        ),
        ("t.csv.zst", b"", "t.csv.zst: is empty"),
        (
            "t.parquet",
            b"a,b\n",
            "t.parquet: is not a Parquet file, as its name says; check that it was written or copied whole",
        ),
        ("t.parquet.gz", b"\x1f\x8b", "t.parquet.gz: a .parquet file is compressed inside; unpack it first"),
        ("t.arrow", b"PAR1", "t.arrow: is a Parquet file, not an Arrow file as its name says; rename it"),
    ] {
        assert_eq!(complaint(name, content, &["a"], &plain())?, message);
    }
    let wide = Reading { separator: Some('→'), ..plain() };
    assert_eq!(
        complaint("t.csv", b"a", &["a"], &wide)?,
        "t.csv: the separator '→' cannot be used; use one ASCII character other than a quote or a line break"
    );
    Ok(())
}

#[test]
fn batch_size_changes_nothing() -> Outcome {
    let mut file = String::from("a,b\n");
    for row in 0..1000 {
        file += &format!("{row},\"{}\"\n", "x".repeat(row % 7));
    }
    let folder = folder(&[("t.csv", file.as_bytes())])?;
    let source = source(folder.path(), &["t.csv"], &plain())?;
    let whole = texts(source.rows(&strings(&["a", "b"]), 100_000)?)?;
    assert_eq!(whole.len(), 1000);
    for batch_rows in [0, 1, 7, 999, 1000] {
        assert_eq!(texts(source.rows(&strings(&["a", "b"]), batch_rows)?)?, whole);
    }
    Ok(())
}

#[test]
fn rows_can_be_read_ahead_on_another_thread() -> Outcome {
    let folder = folder(&[("t.csv", b"a\n1\n2\n3\n")])?;
    let rows = source(folder.path(), &["t.csv"], &plain())?.rows(&strings(&["a"]), 1)?;
    let ahead = polyrank_data::stream::Prefetch::new(rows, 2)?;
    let sizes = ahead.map(|raw| raw.map(|raw| raw.batch.num_rows())).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(sizes, [1, 1, 1]);
    Ok(())
}

mod like_the_csv_crate {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a-z,\"\\n\\r é]{0,6}", 3), 0..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).expect("memory takes all");
            for row in &rows {
                writer.write_record(row).expect("memory takes all");
            }
            let file = writer.into_inner().expect("memory takes all");
            let reading = Reading { trim: false, ..plain() };
            let expected: Vec<String> = rows.iter().map(|row| {
                row.iter().map(|field| if field.is_empty() { "-" } else { field }).collect::<Vec<_>>().join(" ")
            }).collect();
            let found = read("t.csv", &file, &["a", "b", "c"], &reading).expect("a sound file");
            prop_assert_eq!(found, expected);
        }
    }
}
