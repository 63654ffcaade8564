//! Reading Parquet and Arrow files.

mod read_support;

use std::error::Error;
use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeListBuilder, Float32Builder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int8Array, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampMillisecondArray, UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use polyrank_schema::config::Reading;
use read_support::{Outcome, complaint, folder, read, source, strings, texts, types};

type Bytes = Result<Vec<u8>, Box<dyn Error>>;

fn parquet_file(batches: &[RecordBatch], group_rows: usize) -> Bytes {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(group_rows))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
    }
    Ok(writer.into_inner()?)
}

fn arrow_file(batches: &[RecordBatch], compression: Option<CompressionType>) -> Bytes {
    let options = IpcWriteOptions::default().try_with_compression(compression)?;
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn arrow_stream(batches: &[RecordBatch]) -> Bytes {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema())?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// The same rows in every binary format.
fn files(batches: &[RecordBatch]) -> Result<Vec<(&'static str, Vec<u8>)>, Box<dyn Error>> {
    Ok(vec![
        ("t.parquet", parquet_file(batches, 2)?),
        ("t.arrow", arrow_file(batches, None)?),
        ("t.feather", arrow_file(batches, Some(CompressionType::LZ4_FRAME))?),
        ("t.ipc", arrow_file(batches, Some(CompressionType::ZSTD))?),
        ("t.ipc", arrow_stream(batches)?),
    ])
}

fn one_column(array: ArrayRef) -> Result<RecordBatch, Box<dyn Error>> {
    Ok(RecordBatch::try_from_iter_with_nullable([("v", array, true)])?)
}

/// Columns as the files have them, their plain type and their rows.
fn columns() -> Vec<(ArrayRef, &'static str, [&'static str; 3])> {
    let mut list = ListBuilder::new(Int32Builder::new());
    list.append_value([Some(1), None]);
    list.append_null();
    list.append_value([]);
    let mut large = arrow_array::builder::LargeListBuilder::new(StringBuilder::new());
    large.append_value([Some("x")]);
    large.append_value([Some("y"), Some("z")]);
    large.append_null();
    let mut fixed = FixedSizeListBuilder::new(Float32Builder::new(), 2);
    for value in [0.5, 1.5, 2.5] {
        fixed.values().append_slice(&[value, 1.0]);
        fixed.append(true);
    }
    let dictionary: DictionaryArray<Int32Type> = [Some("x"), None, Some("x")].into_iter().collect();
    let decimals = |scale| {
        Decimal128Array::from(vec![Some(150), None, Some(-2)])
            .with_precision_and_scale(10, scale)
            .expect("within bounds")
    };
    vec![
        (Arc::new(Int8Array::from(vec![Some(1), None, Some(-3)])), "Int64", ["1", "-", "-3"]),
        (
            Arc::new(Int64Array::from(vec![Some(9007199254740993), None, Some(i64::MIN)])),
            "Int64",
            ["9007199254740993", "-", "-9223372036854775808"],
        ),
        (
            Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(0)])),
            "UInt64",
            ["18446744073709551615", "-", "0"],
        ),
        (Arc::new(Float32Array::from(vec![Some(0.1), None, Some(-2.0)])), "Float32", ["0.1", "-", "-2.0"]),
        (Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-2.0)])), "Float64", ["0.1", "-", "-2.0"]),
        (Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])), "Boolean", ["true", "-", "false"]),
        (Arc::new(StringArray::from(vec![Some("x"), None, Some("é")])), "Utf8", ["x", "-", "é"]),
        (Arc::new(LargeStringArray::from(vec![Some("x"), None, Some("é")])), "Utf8", ["x", "-", "é"]),
        (Arc::new(StringViewArray::from(vec![Some("x"), None, Some("a long one")])), "Utf8", ["x", "-", "a long one"]),
        (Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), None, Some(b"y")])), "Utf8", ["x", "-", "y"]),
        (Arc::new(dictionary), "Utf8", ["x", "-", "x"]),
        (Arc::new(decimals(0)), "Int64", ["150", "-", "-2"]),
        (Arc::new(decimals(2)), "Float64", ["1.5", "-", "-0.02"]),
        (Arc::new(Date32Array::from(vec![Some(19000), None, Some(-1)])), "Int64", ["19000", "-", "-1"]),
        (
            Arc::new(TimestampMillisecondArray::from(vec![Some(1700000000123), None, Some(-1)])),
            "Int64",
            ["1700000000123", "-", "-1"],
        ),
        (Arc::new(NullArray::new(3)), "Utf8", ["-", "-", "-"]),
        (Arc::new(list.finish()), "List(Int64)", ["[1, -]", "-", "[]"]),
        (Arc::new(large.finish()), "List(Utf8)", ["[x]", "[y, z]", "-"]),
        (Arc::new(fixed.finish()), "List(Float32)", ["[0.5, 1.0]", "[1.5, 1.0]", "[2.5, 1.0]"]),
    ]
}

#[test]
fn every_type_in_every_format() -> Outcome {
    for (array, kind, rows) in columns() {
        for (name, content) in files(&[one_column(array.clone())?])? {
            let what = format!("{} in {name}", array.data_type());
            assert_eq!(read(name, &content, &["v"], &Reading::default())?, rows, "{what}");
            assert_eq!(types(name, &content, &["v"])?[0], kind, "{what}");
            let folder = folder(&[(name, &content)])?;
            let shown = source(folder.path(), &[name], &Reading::default())?.columns()?;
            assert_eq!(shown[0].1.to_string(), kind, "{what}");
        }
    }
    Ok(())
}

#[test]
fn types_that_cannot_be_read() -> Outcome {
    let inner: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let nested = StructArray::from(vec![(Arc::new(Field::new("x", DataType::Int64, true)), inner)]);
    let batch = RecordBatch::try_from_iter([
        ("v", Arc::new(nested) as ArrayRef),
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
    ])?;
    for (name, content) in files(&[batch])? {
        let message = complaint(name, &content, &["v"], &Reading::default())?;
        assert!(message.starts_with(&format!("{name}: column `v` is of type Struct")), "{message}");
        assert_eq!(read(name, &content, &["id"], &Reading::default())?, ["1", "2", "3"]);
    }
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"x"[..], b"\xff", b"y"]));
    for (name, content) in files(&[one_column(bytes)?])? {
        let message = complaint(name, &content, &["v"], &Reading::default())?;
        assert!(message.contains("column `v`, rows 1 to 3: cannot be read as Utf8"), "{message}");
    }
    let decimal = Decimal128Array::from(vec![i128::MAX / 2]).with_precision_and_scale(38, 0)?;
    let message =
        complaint("t.parquet", &parquet_file(&[one_column(Arc::new(decimal))?], 10)?, &["v"], &Reading::default())?;
    assert!(message.contains("cannot be read as Int64"), "{message}");
    Ok(())
}

fn numbered(from: i64, to: i64) -> Result<RecordBatch, Box<dyn Error>> {
    let numbers = |step: i64| Arc::new(Int64Array::from_iter_values((from..to).map(|row| row * step))) as ArrayRef;
    Ok(RecordBatch::try_from_iter([("a", numbers(1)), ("b", numbers(2)), ("c", numbers(3))])?)
}

#[test]
fn columns_come_in_the_order_asked_for() -> Outcome {
    for (name, content) in files(&[numbered(0, 3)?])? {
        assert_eq!(read(name, &content, &["c", "a"], &Reading::default())?, ["0 0", "3 1", "6 2"], "{name}");
        assert_eq!(read(name, &content, &[], &Reading::default())?, ["", "", ""], "{name}");
        assert_eq!(complaint(name, &content, &["d"], &Reading::default())?, format!("{name}: no column `d`"));
    }
    Ok(())
}

#[test]
fn batches_do_not_show_how_files_are_cut() -> Outcome {
    for (name, content) in files(&[numbered(0, 5)?, numbered(5, 6)?, numbered(6, 6)?, numbered(6, 20)?])? {
        let folder = folder(&[(name, &content), ("z.csv", b"a\n20\n21\n")])?;
        let source = source(folder.path(), &["t.*", "z.csv"], &Reading::default())?;
        for batch_rows in [1, 3, 100] {
            let rows = source.rows(&strings(&["a"]), batch_rows)?.collect::<Result<Vec<_>, _>>()?;
            assert!(rows.iter().all(|raw| (1..=batch_rows).contains(&raw.batch.num_rows())));
            for raw in rows.iter().filter(|raw| !raw.file.ends_with("z.csv")) {
                for row in 0..raw.batch.num_rows() as u64 {
                    // Row numbers of binary files count from 1.
                    assert_eq!(raw.line(row as usize), raw.first_row + row + 1);
                }
            }
            let found = texts(source.rows(&strings(&["a"]), batch_rows)?)?;
            assert_eq!(found, (0..22).map(|row| row.to_string()).collect::<Vec<_>>());
        }
        assert_eq!(source.count_rows()?, 22, "{name}");
    }
    Ok(())
}

#[test]
fn cut_files_are_errors() -> Outcome {
    let mut list = ListBuilder::new(Int64Builder::new());
    for row in 0..300 {
        list.append_value((0..row % 5).map(Some));
    }
    for (name, content) in files(&[one_column(Arc::new(list.finish()))?])? {
        for keep in [9, content.len() / 2, content.len() - 9] {
            let outcome = read(name, &content[..keep], &["v"], &Reading::default());
            // A stream that ends between messages is whole, as far as anyone can tell.
            if keep < content.len() - 9 || !content.starts_with(&[0xff; 4]) {
                let message = outcome.err().map(|error| error.to_string()).unwrap_or_default();
                assert!(message.contains("cannot be read as"), "{name}, {keep} bytes: {message}");
            }
        }
    }
    Ok(())
}
