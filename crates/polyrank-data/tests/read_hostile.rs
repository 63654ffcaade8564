//! Files that mean harm: whatever their bytes, readers answer with rows or with an error.

mod read_support;

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use polyrank_schema::config::Reading;
use proptest::prelude::*;
use read_support::{complaint, folder, skip, source, strings};

const COLUMNS: [&str; 5] = ["id", "text", "word", "list", "score"];

/// Reads all that can be read and says what stopped it, if anything did.
fn drain(name: &str, content: &[u8], columns: &[&str], reading: &Reading) -> Option<String> {
    let folder = folder(&[(name, content)]).expect("a temporary folder");
    let source = match source(folder.path(), &[name], reading) {
        Ok(source) => source,
        Err(error) => return Some(error.to_string()),
    };
    let _ = source.columns();
    let _ = source.count_rows();
    let outcome = source.rows(&strings(columns), 64).and_then(|rows| {
        for raw in rows.take(1000) {
            raw?;
        }
        Ok(())
    });
    outcome.err().map(|error| error.to_string())
}

fn sample() -> RecordBatch {
    let rows = 200;
    let mut list = ListBuilder::new(Int64Builder::new());
    for row in 0..rows {
        list.append_value((0..row % 4).map(Some));
    }
    let words: DictionaryArray<Int32Type> =
        (0..rows).map(|row| ["red", "green", "blue"].get(row as usize % 4).copied()).collect();
    let columns: [ArrayRef; 5] = [
        Arc::new(Int64Array::from_iter_values(0..rows)),
        Arc::new(StringArray::from_iter((0..rows).map(|row| (row % 3 > 0).then(|| format!("text {row}"))))),
        Arc::new(words),
        Arc::new(list.finish()),
        Arc::new(Float64Array::from_iter_values((0..rows).map(|row| row as f64 / 8.0))),
    ];
    RecordBatch::try_from_iter_with_nullable(COLUMNS.into_iter().zip(columns).map(|(name, array)| (name, array, true)))
        .expect("columns of one length")
}

fn parquet_file() -> Vec<u8> {
    let batch = sample();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("memory takes all");
    writer.write(&batch).expect("memory takes all");
    writer.into_inner().expect("memory takes all")
}

fn arrow_file(compression: Option<CompressionType>) -> Vec<u8> {
    let batch = sample();
    let options = IpcWriteOptions::default().try_with_compression(compression).expect("a known codec");
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).expect("memory takes all");
    writer.write(&batch).expect("memory takes all");
    writer.finish().expect("memory takes all");
    writer.into_inner().expect("memory takes all")
}

fn arrow_stream() -> Vec<u8> {
    let batch = sample();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("memory takes all");
    writer.write(&batch).expect("memory takes all");
    writer.finish().expect("memory takes all");
    writer.into_inner().expect("memory takes all")
}

fn any_reading() -> impl Strategy<Value = Reading> {
    (any::<bool>(), any::<bool>()).prop_map(|(leave_out, named)| Reading {
        columns: named.then(|| strings(&["a", "b"])),
        ..if leave_out { skip() } else { Reading::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes(content in prop::collection::vec(any::<u8>(), 0..300), reading in any_reading()) {
        for name in ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.arrow", "t.csv.gz", "t.jsonl.zst"] {
            drain(name, &content, &["a"], &reading);
        }
    }

    #[test]
    fn any_bytes_after_the_right_start(content in prop::collection::vec(any::<u8>(), 0..300)) {
        let starts: [(&str, &[u8], &[u8]); 5] = [
            ("t.parquet", b"PAR1", b"\x20\x00\x00\x00PAR1"),
            ("t.arrow", b"ARROW1\x00\x00", b"\x20\x00\x00\x00ARROW1"),
            ("t.arrow", b"\xff\xff\xff\xff\x20\x00\x00\x00", b""),
            ("t.csv.gz", b"\x1f\x8b\x08\x00", b""),
            ("t.csv.zst", b"\x28\xb5\x2f\xfd", b""),
        ];
        for (name, start, end) in starts {
            drain(name, &[start, &content, end].concat(), &["a"], &Reading::default());
        }
    }

    #[test]
    fn text_made_of_what_matters(content in "[ab,\"\\n\\r\\t{}:0\u{feff}]{0,60}", reading in any_reading()) {
        for name in ["t.csv", "t.tsv", "t.jsonl"] {
            drain(name, content.as_bytes(), &["a"], &reading);
        }
    }

    #[test]
    fn json_made_of_what_matters(values in prop::collection::vec("[\\[\\]{}0-9.eE\"\\\\un, -]{0,12}", 0..8)) {
        let content: String = values.iter().map(|value| format!("{{\"a\":{value}}}\n")).collect();
        drain("t.jsonl", content.as_bytes(), &["a"], &skip());
    }

    #[test]
    fn damaged_binary_files(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let files = [
            ("t.parquet", parquet_file()),
            ("t.arrow", arrow_file(None)),
            ("t.arrow", arrow_file(Some(CompressionType::ZSTD))),
            ("t.arrow", arrow_file(Some(CompressionType::LZ4_FRAME))),
            ("t.arrow", arrow_stream()),
        ];
        for (name, mut content) in files {
            // Half of the changes go where sizes and schemas are.
            for (turn, (at, byte)) in changes.iter().enumerate() {
                let from = if turn % 2 == 0 { 0 } else { content.len() - content.len().min(900) };
                let at = from + at.index(content.len() - from);
                content[at] = *byte;
            }
            drain(name, &content, &COLUMNS, &Reading::default());
        }
    }
}

#[test]
fn sound_files_are_read_whole() {
    assert_eq!(drain("t.parquet", &parquet_file(), &COLUMNS, &Reading::default()), None);
    assert_eq!(drain("t.arrow", &arrow_file(Some(CompressionType::ZSTD)), &COLUMNS, &Reading::default()), None);
    assert_eq!(drain("t.arrow", &arrow_stream(), &COLUMNS, &Reading::default()), None);
}

#[test]
fn deep_json_is_an_error() {
    let deep = format!("{{\"a\":{}}}\n", "[".repeat(1 << 20));
    let message = complaint("t.jsonl", deep.as_bytes(), &["a"], &Reading::default()).expect("a message");
    assert!(message.starts_with("t.jsonl:1: "), "{message}");
    let unwanted = format!("{{\"b\":{}{}}}\n", "[".repeat(1 << 20), "]".repeat(1 << 20));
    drain("t.jsonl", unwanted.as_bytes(), &["a"], &Reading::default());
}

/// A Parquet file with no more than a footer of the given schema elements.
fn schema_only(elements: &[u8], count: u32) -> Vec<u8> {
    // FileMetaData: 1: version = 2, 2: schema, a list of structs with a count of 32 bits.
    let mut footer = vec![0x15, 0x04, 0x19, 0xfc];
    let mut rest = count;
    while rest >= 0x80 {
        footer.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    footer.push(rest as u8);
    footer.extend_from_slice(elements);
    footer.push(0);
    let mut file = b"PAR1".to_vec();
    file.extend_from_slice(&footer);
    file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.extend_from_slice(b"PAR1");
    file
}

#[test]
fn parquet_schemas_out_of_bounds_are_errors() {
    // SchemaElement: 4: name = "a", 5: num_children = 1: a chain of a million groups.
    let chain = [0x48, 1, b'a', 0x15, 2, 0].repeat(1_000_000);
    // The same with 2^31 - 1 children.
    let wide = [0x48, 1, b'a', 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0];
    for file in [schema_only(&chain, 1_000_000), schema_only(&wide, 1)] {
        let message = complaint("t.parquet", &file, &["a"], &Reading::default()).expect("a message");
        assert_eq!(
            message,
            "t.parquet: cannot be read as a Parquet file (its schema is damaged, or nested too deep); write or copy the \
             file again"
        );
    }
}
