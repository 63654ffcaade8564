//! Rows written as operators and encoders leave them.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use polyrank::{Schema, Tag};

use crate::support::{CONFIG, Place, read};

const OPERATORS: &str = r#"
[[operators]]
type    = "target_encoding"
columns = ["item_id"]
target  = ["finish"]

[[operators]]
type = "group_statistics"
by   = ["uid"]

[[features]]
names   = ["te_item_id_finish", "uid_count"]
kind    = "dense"
encoder = "none"

[[tasks]]
name = "finish"
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("config.toml", &CONFIG.replacen("[[tasks]]\nname = \"finish\"\n", OPERATORS, 1));
    place
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// The encodings of each item.
fn encodings(batch: &RecordBatch) -> BTreeMap<String, BTreeSet<u64>> {
    let items = batch.column_by_name("item_id").unwrap().as_string::<i32>();
    let encoded = batch.column_by_name("te_item_id_finish").unwrap().as_primitive::<Float64Type>();
    let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        all.entry(items.value(row).to_owned()).or_default().insert(encoded.value(row).to_bits());
    }
    all
}

#[test]
fn columns_after_the_operators_are_those_of_training_or_of_other_rows() {
    let place = place();
    for part in ["train", "valid"] {
        let file = format!("{part}.parquet");
        let said = place.run(&["prepare", "config.toml", "-o", &file, "--part", part, "--columns"]).ok();
        assert!(said.out.is_empty() && said.err.contains(&file), "{}", said.err);
    }
    let (train, valid) = (read(&place.path("train.parquet")), read(&place.path("valid.parquet")));
    assert_eq!(names(&train), ["uid", "item_id", "duration", "te_item_id_finish", "uid_count", "finish", "like"]);
    // A training row is encoded without its own fold, any other row by all of them.
    assert!(encodings(&train).values().any(|seen| seen.len() > 1));
    assert!(encodings(&valid).values().all(|seen| seen.len() == 1));
    let counts = train.column_by_name("uid_count").unwrap().as_primitive::<Int64Type>();
    let users = train.column_by_name("uid").unwrap().as_string::<i32>();
    let rows_of = |user: &str| users.iter().filter(|other| *other == Some(user)).count() as i64;
    assert!((0..train.num_rows()).all(|row| counts.value(row) == rows_of(users.value(row))));
}

#[test]
fn encoded_rows_are_ids_and_numbers_with_their_schema_beside_them() {
    let place = place();
    place.run(&["prepare", "config.toml", "-o", "rows.parquet"]).ok();
    let batch = read(&place.path("rows.parquet"));
    assert_eq!(names(&batch), ["uid", "item_id", "duration", "te_item_id_finish", "uid_count", "finish", "like"]);
    let text = std::fs::read_to_string(place.path("schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let columns = schema["columns"].as_array().unwrap();
    assert_eq!(columns.iter().map(|column| column["name"].as_str().unwrap()).collect::<Vec<_>>(), names(&batch));
    assert_eq!((&columns[0]["encoder"], &columns[0]["role"]), (&"vocabulary".into(), &"feature".into()));
    assert_eq!((&columns[2]["type"], &columns[6]["role"]), (&"Float32".into(), &"label".into()));
    let ids = batch.column(1).as_primitive::<UInt32Type>();
    let most = columns[1]["table_rows"].as_u64().unwrap();
    assert!(ids.values().iter().all(|id| (3..most).contains(&u64::from(*id))));
    assert_eq!(ids.values().iter().collect::<BTreeSet<_>>().len() as u64, columns[1]["cardinality"].as_u64().unwrap());
    let labels = batch.column(6).as_primitive::<Float32Type>();
    assert_eq!(labels.null_count(), batch.num_rows() / 10, "every tenth is missing");
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_no_file() {
    let place = place();
    place.run(&["prepare", "config.toml", "-o", "rows.xlsx"]).failed(2, &["rows.xlsx", ".parquet"]);
    let none = ["prepare", "config.toml", "-o", "rows.parquet", "--part", "valid", "--set", "data.valid=[]"];
    place.run(&none).failed(2, &["no validation rows"]);
    place.write("valid.csv", "uid,item_id,duration,finish,like\nu1,1,x,1,1\n");
    let bad = ["prepare", "config.toml", "-o", "rows.parquet", "--part", "valid"];
    place.run(&bad).failed(2, &["valid.csv:2", "`duration`"]);
    assert!(!place.path("rows.parquet").exists());
}

#[test]
fn the_schema_beside_the_rows_reads_back_and_trains() {
    let place = place();
    for (columns, file) in [(false, "encoded"), (true, "raw")] {
        let output = format!("{file}/rows.parquet");
        std::fs::create_dir(place.path(file)).unwrap();
        let all = ["prepare", "config.toml", "-o", &output, "--columns"];
        place.run(&all[..4 + usize::from(columns)]).ok();
        let text = place.read(&format!("{file}/schema.pbtxt"));
        let schema = Schema::from_pbtxt(&text, "schema.pbtxt").unwrap();
        assert_eq!(schema.names(), names(&read(&place.path(&output))));
        let copy = Schema::new(schema.columns().to_vec()).unwrap();
        assert_eq!((copy.to_pbtxt(), &copy), (text, &schema));
        assert_eq!(schema.targets().names(), ["finish", "like"]);
        assert!(schema.get("duration").unwrap().tags.has(&Tag::Continuous));
        assert!(schema.get("te_item_id_finish").unwrap().tags.has(&Tag::Continuous));
        if !columns {
            let described: serde_json::Value = serde_json::from_str(&place.read("encoded/schema.json")).unwrap();
            let rows = described["columns"][1]["table_rows"].as_u64();
            assert_eq!(schema.get("item_id").unwrap().cardinality(), rows);
        }
        let config = "[data]\ntrain = [\"rows.parquet\"]\nschema = \"schema.pbtxt\"\n[train]\nepochs = 1\n";
        place.write(&format!("{file}/again.toml"), config);
        place.run(&["train", &format!("{file}/again.toml"), "--out", &format!("{file}/run")]).ok();
    }
}

#[test]
fn features_that_are_left_out_are_not_written() {
    let place = Place::new();
    let operator =
        "[[operators]]\ntype = \"drop_low_cardinality\"\ncolumns = [\"uid\", \"duration\"]\nmin_cardinality = 100000\n";
    place.write("config.toml", &CONFIG.replacen("[[features]]", &format!("{operator}\n[[features]]"), 1));
    place.run(&["prepare", "config.toml", "-o", "rows.parquet"]).ok();
    assert_eq!(names(&read(&place.path("rows.parquet"))), ["item_id", "finish", "like"]);
    let schema = Schema::from_pbtxt(&place.read("schema.pbtxt"), "schema.pbtxt").unwrap();
    assert_eq!(schema.names(), ["item_id", "finish", "like"]);
}
