//! Code 2 for what the input caused, 1 for anything else; messages that say where and what to do; nothing half-written.

use std::fs;

use crate::support::{CONFIG, Place};

#[test]
fn a_configuration_is_checked_whole() {
    let place = Place::new();
    place.write("bad.toml", &CONFIG.replace("batch_size", "batchsize").replace("experts = 2", "experts = 0"));
    let message = place
        .run(&["train", "bad.toml"])
        .failed(2, &["bad.toml:22: model.multi_task.experts", "bad.toml:26: train.batchsize", "`batch_size`"]);
    assert_eq!(message.lines().count(), 2, "every problem, one a line: {message}");
    place.write("broken.toml", "[data\ntrain = 1");
    place.run(&["train", "broken.toml"]).failed(2, &["broken.toml:1"]);
    place.run(&["train", "config.toml", "--set", "train.epoch=3"]).failed(2, &["--set train.epoch", "epochs"]);
    place.run(&["train", "config.toml", "--set", "train.epochs"]).failed(2, &["train.epochs"]);
    place
        .run(&["train", "config.toml", "--set", "model.multi_task={type=\"mmo\"}"])
        .failed(2, &["did you mean \"mmoe\"?"]);
    fs::write(place.path("binary.toml"), [0xff, 0xfe, 0]).unwrap();
    place.run(&["train", "binary.toml"]).failed(2, &["binary.toml", "UTF-8"]);
    assert!(!place.path("run").exists());
}

#[test]
fn what_is_missing_is_named() {
    let place = Place::trained();
    place.run(&["train", "none.toml"]).failed(2, &["none.toml"]);
    place.run(&["train", "."]).failed(2, &["."]);
    place.run(&["train", "config.toml", "--train", "none.csv"]).failed(2, &["none.csv"]);
    place
        .run(&["train", "config.toml", "--set", "data.valid=[\"none-*.csv\"]"])
        .failed(2, &["none-*.csv", "matches no file"]);
    place.run(&["explain", "none"]).failed(2, &["none"]);
    for command in [&["evaluate", "none", "valid.csv"][..], &["predict", "none", "valid.csv", "-o", "x.csv"]] {
        place.run(command).failed(2, &["none", "no bundle"]);
    }
    place.run(&["evaluate", "run/bundle"]).failed(2, &["data.test"]);
    place.run(&["evaluate", "run/bundle", "none.csv"]).failed(2, &["none.csv"]);
    place.run(&["predict", "run/bundle", "none.csv", "-o", "x.csv"]).failed(2, &["none.csv"]);
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "x.txt"]).failed(2, &["x.txt", ".parquet", ".csv"]);
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "nowhere/x.csv"]).failed(2, &["nowhere/x.csv"]);
    place
        .run(&["predict", "run/bundle", "valid.csv", "-o", "x.csv", "--keep", "uids"])
        .failed(2, &["valid.csv", "`uids`", "`uid`"]);
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "x.csv", "--keep", "like"]).failed(2, &["--keep like"]);
    assert_eq!(place.names("."), ["config.toml", "run", "train.csv", "valid.csv"]);
}

#[test]
fn an_unknown_column_is_named_with_the_nearest() {
    let place = Place::trained();
    place.write("other.csv", &place.read("valid.csv").replace("item_id", "itemid"));
    for command in [
        &["train", "config.toml", "--train", "other.csv"][..],
        &["evaluate", "run/bundle", "other.csv"],
        &["predict", "run/bundle", "other.csv", "-o", "x.csv"],
        &["explain", "config.toml", "--set", "data.train=[\"other.csv\"]"],
        &["bench", "train", "other.csv", "--config", "config.toml"],
    ] {
        place.run(command).failed(2, &["other.csv", "no column `item_id`", "`itemid`"]);
    }
    assert!(!place.path("x.csv").exists());
}

#[test]
fn a_malformed_row_is_named_by_file_line_and_column() {
    let place = Place::trained();
    let mut lines: Vec<String> = place.read("valid.csv").lines().map(str::to_owned).collect();
    lines[60] = "u1,2,long,1,0".to_owned();
    place.write("bad.csv", &lines.join("\n"));
    for command in [
        &["train", "config.toml", "--train", "bad.csv", "--out", "new"][..],
        &["evaluate", "run/bundle", "bad.csv"],
        &["predict", "run/bundle", "bad.csv", "-o", "x.csv"],
        &["bench", "predict", "bad.csv", "--config", "config.toml"],
    ] {
        place.run(command).failed(2, &["bad.csv:61", "`duration`", "long"]);
    }
    lines[60] = "u1,2,3,1".to_owned();
    place.write("short.csv", &lines.join("\n"));
    place.run(&["predict", "run/bundle", "short.csv", "-o", "x.csv"]).failed(2, &["short.csv:61"]);
    place.write("bad.jsonl", "{\"uid\": \"u1\", \"item_id\": 1, \"duration\": 1}\n{\"uid\": \n");
    place.run(&["predict", "run/bundle", "bad.jsonl", "-o", "x.csv"]).failed(2, &["bad.jsonl:2"]);
    assert_eq!(place.names("."), ["bad.csv", "bad.jsonl", "config.toml", "run", "short.csv", "train.csv", "valid.csv"]);
}

#[test]
fn a_failed_prediction_leaves_the_old_file() {
    let place = Place::trained();
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "x.csv"]).ok();
    let old = place.read("x.csv");
    // So many good rows that some are written before the bad one is read.
    let mut text = place.read("valid.csv");
    let rows = text.split_once('\n').unwrap().1.to_owned();
    text += &rows.repeat(150);
    text += "u1,2,long,1,0\n";
    place.write("late.csv", &text);
    place.run(&["predict", "run/bundle", "late.csv", "-o", "x.csv"]).failed(2, &["late.csv:15102", "`duration`"]);
    assert_eq!(place.read("x.csv"), old);
    assert_eq!(place.names("."), ["config.toml", "late.csv", "run", "train.csv", "valid.csv", "x.csv"]);
}

#[test]
fn files_without_rows_are_errors() {
    let place = Place::trained();
    place.write("zero.csv", "");
    place.write("header.csv", "uid,item_id,duration,finish,like\n");
    for file in ["zero.csv", "header.csv"] {
        place.run(&["train", "config.toml", "--train", file, "--out", "new"]).failed(2, &[file]);
        place.run(&["train", "config.toml", "--valid", file, "--out", "new"]).failed(2, &[]);
        place.run(&["evaluate", "run/bundle", file]).failed(2, &[file]);
        place.run(&["bench", "train", file, "--config", "config.toml"]).failed(2, &[file]);
        place.run(&["predict", "run/bundle", file, "-o", "x.csv"]).failed(2, &[]);
    }
    assert!(!place.path("x.csv").exists() && !place.path("new/bundle").exists());
}

#[test]
fn divergence_is_nobodys_input() {
    let place = Place::new();
    let sets =
        ["train.optimizer={type=\"sgd\", learning_rate=1000}", "model.activation=\"linear\"", "train.epochs=200"];
    let mut arguments = vec!["train", "config.toml", "--out", "run"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    place.run(&arguments).failed(1, &["epoch", "step", "learning_rate"]);
    assert!(!place.path("run/bundle").exists());
}

#[test]
fn too_much_memory_is_refused_not_tried() {
    let place = Place::new();
    place.write(
        "large.toml",
        &CONFIG.replace("dim   = 4", "dim = 4096\nencoder = { type = \"hash\", buckets = 2_147_483_648 }"),
    );
    place.run(&["train", "large.toml", "--out", "new"]).failed(2, &["TiB", "lower"]);
    place.run(&["bench", "train", "train.csv", "--config", "large.toml"]).failed(2, &["TiB", "lower"]);
    let shown = place.run(&["explain", "large.toml"]).ok().out;
    assert!(shown.contains("2147483650"), "explaining allocates nothing: {shown}");
}

#[test]
fn a_foreign_or_damaged_bundle_is_refused() {
    let place = Place::trained();
    place.write(
        "run/bundle/manifest.json",
        &place.read("run/bundle/manifest.json").replacen("format_version\": 1", "format_version\": 9", 1),
    );
    place.run(&["evaluate", "run/bundle", "valid.csv"]).failed(2, &["manifest.json", "version 9"]);
    place.write("run/bundle/manifest.json", "{}");
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "x.csv"]).failed(2, &["manifest.json", "damaged"]);
    place.run(&["explain", "run/bundle"]).failed(2, &["manifest.json"]);
    assert!(!place.path("x.csv").exists());
}

#[test]
fn a_run_needs_a_folder_and_a_benchmark_an_end() {
    let place = Place::new();
    place.write("file", "");
    place.run(&["train", "config.toml", "--out", "file"]).failed(2, &["file", "needs a folder"]);
    for seconds in ["nan", "inf", "-1", "soon"] {
        let option = format!("--seconds={seconds}");
        place.run(&["bench", "train", "train.csv", "--config", "config.toml", &option]).failed(2, &["--seconds"]);
    }
}

#[test]
fn a_kept_column_that_changes_its_type_cannot_be_parquet() {
    let place = Place::trained();
    let line = |uid: &str| format!("{{\"uid\": {uid}, \"item_id\": 1, \"duration\": 2}}\n");
    place.write("mixed.jsonl", &(line("7").repeat(9000) + &line("\"seven\"").repeat(9000)));
    let predict = |out: &str| place.run(&["predict", "run/bundle", "mixed.jsonl", "-o", out, "--keep", "uid"]);
    predict("x.parquet").failed(2, &["x.parquet", "`uid`", "Int64", "Utf8", ".csv"]);
    assert!(!place.path("x.parquet").exists());
    predict("x.csv").ok();
    let text = place.read("x.csv");
    assert_eq!((text.lines().count(), text.lines().filter(|line| line.starts_with("seven,")).count()), (18_001, 9000));
}
