//! Damaged binary files become one clean message, whatever they do to the decoder.

use std::fs;

use crate::support::Place;

#[test]
fn a_damaged_parquet_file_never_shows_a_panic() {
    let place = Place::trained();
    place.rows("rows.parquet", 40, 3);
    let whole = fs::read(place.path("rows.parquet")).unwrap();
    let mut refused = 0;
    for i in 0..60 {
        let mut bytes = whole.clone();
        // Most of what can contradict itself stands in the footer, at the end.
        let at = if i % 2 == 0 { bytes.len() * i / 60 } else { bytes.len() - 9 - 7 * i };
        bytes[at] ^= 0x55;
        fs::write(place.path("damaged.parquet"), bytes).unwrap();
        let outcome = place.run(&["predict", "run/bundle", "damaged.parquet", "-o", "x.csv"]);
        assert!(matches!(outcome.code, 0 | 2), "byte {at}: {}", outcome.err);
        assert!(!outcome.err.contains("panicked") && outcome.out.is_empty(), "byte {at}: {}", outcome.err);
        if outcome.code == 2 {
            outcome.failed(2, &["damaged.parquet"]);
            refused += 1;
        }
    }
    assert!(refused > 3, "{refused}");
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused() {
    let place = Place::trained();
    place.write("text.parquet", "uid,item_id\n");
    place.run(&["predict", "run/bundle", "text.parquet", "-o", "x.csv"]).failed(2, &["text.parquet"]);
    place.rows("rows.parquet", 40, 3);
    fs::rename(place.path("rows.parquet"), place.path("rows.csv")).unwrap();
    place.run(&["predict", "run/bundle", "rows.csv", "-o", "x.csv"]).failed(2, &["rows.csv"]);
    fs::write(place.path("latin.csv"), b"uid,item_id,duration\nu\xe9,1,2\n").unwrap();
    place.run(&["predict", "run/bundle", "latin.csv", "-o", "x.csv"]).failed(2, &["latin.csv:2"]);
}

#[test]
fn odd_ids_are_scored() {
    let place = Place::trained();
    let enormous = "x".repeat(1 << 20);
    place.write(
        "odd.csv",
        &format!("uid,item_id,duration\n{enormous},18446744073709551616,\n,,nan\n\"a\"\"b,\n\",-0.0,1e-320\n"),
    );
    place.run(&["predict", "run/bundle", "odd.csv", "-o", "x.csv", "--keep", "item_id"]).ok();
    assert_eq!(place.read("x.csv").lines().count(), 4);
}
