//! `polyrank init`: what it suggests is what `polyrank train` accepts, whatever the data hold.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, Int64Builder, ListBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use polyrank_schema::Config;
use polyrank_schema::config::{FeatureKind, Side, Split, TaskKind, Validation};
use tempfile::TempDir;

fn polyrank(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polyrank")).current_dir(folder).args(args).output().unwrap()
}

/// Standard output of a command that must work.
fn ok(folder: &Path, args: &[&str]) -> String {
    let output = polyrank(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that must blame its input.
fn blamed(folder: &Path, args: &[&str]) -> String {
    let output = polyrank(folder, args);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert!(output.stdout.is_empty());
    text
}

fn parse(text: &str) -> Config {
    polyrank_schema::parse(text, "init.toml", &polyrank_model::registry(), &[])
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn kind<'a>(config: &'a Config, name: &str) -> &'a FeatureKind {
    &config.features.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no feature {name}")).kind
}

/// The encoder's name, after `list of ` for lists.
fn encoder(config: &Config, name: &str) -> String {
    match kind(config, name) {
        FeatureKind::Categorical { encoder, list: None, .. } => encoder.kind.clone(),
        FeatureKind::Categorical { encoder, list: Some(_), .. } => format!("list of {}", encoder.kind),
        FeatureKind::Dense { encoder, .. } | FeatureKind::Bucketized { encoder, .. } => encoder.kind.clone(),
        FeatureKind::Vector { size } => format!("vector {size}"),
    }
}

fn has(config: &Config, name: &str) -> bool {
    config.features.iter().any(|f| f.name == name)
}

/// A pseudo-random number below `n`, another for each `i`.
fn below(i: u64, n: u64) -> u64 {
    (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % n
}

/// A thousand rows with every sort of column.
fn many_sorts() -> String {
    let mut text =
        "row_id,uid,item_id,event_time,duration,height,level,code,tags,vec,note,same,nothing,click,bought,stars\n"
            .to_owned();
    let genres = ["war", "crime", "drama", "comedy", "romance"];
    for i in 0..1000u64 {
        let (duration, tag) = (below(i, 30) * below(i + 7, 30) * below(i + 9, 1 + below(i, 300)), |k: u64| {
            genres[below(i + k, 5) as usize]
        });
        let height = if i % 50 == 3 { "NULL".to_owned() } else { format!("{}.5", 150 + below(i, 50)) };
        let _ = writeln!(
            text,
            "r{i},{},{},{},{duration},{height},{},{:03},{}|{}|{},\"{}.5,{},1.0\",{},x,,{},{},{}",
            below(i, 200),
            5_000_000_000 + below(i, 90),
            1_600_000_000 + 5 * i,
            below(i, 6),
            below(i, 60),
            tag(1),
            tag(2),
            tag(3),
            below(i, 9),
            below(i + 1, 9),
            if i % 3 == 0 { "" } else { "seen" },
            u8::from(below(i, 3) == 0),
            if below(i + 3, 4) == 0 { "yes" } else { "no" },
            1 + below(i, 5),
        );
    }
    text
}

#[test]
fn each_column_becomes_what_it_looks_like_and_the_result_trains() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::create_dir_all(at.join("rows")).unwrap();
    fs::create_dir_all(at.join("conf")).unwrap();
    fs::write(at.join("rows/a.csv"), many_sorts()).unwrap();
    let tasks = ["--task", "click", "--task", "bought", "--task", "stars"];
    let args: Vec<&str> = ["init", "rows/*.csv", "-o", "conf/c.toml"].into_iter().chain(tasks).collect();
    assert_eq!(ok(at, &args), "");
    let text = fs::read_to_string(at.join("conf/c.toml")).unwrap();
    let config = parse(&text);

    assert_eq!(config.data.train, ["../rows/*.csv"]);
    assert_eq!(config.data.reading.null_values, ["NULL"]);
    // The rows are in the order of event_time.
    assert_eq!(config.data.valid, Validation::Fraction { fraction: 0.1, split: Split::Tail });
    let tasks: Vec<_> = config.tasks.iter().map(|t| (t.name.as_str(), &t.kind)).collect();
    assert!(matches!(tasks[0], ("click", TaskKind::Binary { positive: None })));
    let TaskKind::Binary { positive: Some(positive) } = tasks[1].1 else { panic!("{tasks:?}") };
    assert_eq!(positive, &["yes"], "the rarer one");
    assert!(matches!(tasks[2], ("stars", TaskKind::Regression { .. })));

    for (name, expected) in [
        ("uid", "vocabulary"),
        ("item_id", "vocabulary"),
        ("duration", "log"),
        ("height", "min_max"),
        ("level", "vocabulary"),
        ("code", "vocabulary"),
        ("tags", "list of vocabulary"),
        ("vec", "vector 3"),
        ("note", "vocabulary"),
    ] {
        assert_eq!(encoder(&config, name), expected, "{name}\n{text}");
    }
    let FeatureKind::Categorical { list: Some(list), .. } = kind(&config, "tags") else { panic!() };
    assert_eq!(list.separator, "|");
    for (name, why) in [
        ("row_id", "a different value in every row"),
        ("event_time", "a point in time"),
        ("same", "constant"),
        ("nothing", "no row looked at has a value"),
    ] {
        assert!(!has(&config, name), "{name}");
        assert!(text.contains(&format!("# `{name}` is left out: {why}")), "{name}\n{text}");
        let line = |l: &str| l.starts_with("# name ") && l.ends_with(&format!("= \"{name}\""));
        assert!(text.lines().any(line), "{name}\n{text}");
    }
    let items: Vec<&str> = config.features.iter().filter(|f| f.side == Side::Item).map(|f| f.name.as_str()).collect();
    assert_eq!(items, ["item_id"]);

    assert!(ok(at, &["explain", "conf/c.toml"]).contains("item_id"));
    ok(at, &["train", "conf/c.toml", "--out", "run", "--set", "train.epochs=1"]);
    assert!(at.join("run/bundle/manifest.json").is_file());
}

#[test]
fn list_columns_and_vectors_of_binary_files() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let (mut lists, mut vectors) = (ListBuilder::new(Int64Builder::new()), ListBuilder::new(Float32Builder::new()));
    for i in 0..400u64 {
        (0..below(i, 5)).for_each(|k| lists.values().append_value(below(i + k, 30) as i64));
        lists.append(true);
        (0..4).for_each(|k| vectors.values().append_value(below(i + k, 100) as f32 / 7.0));
        vectors.append(true);
    }
    let ints = |of: fn(u64) -> u64| Arc::new(Int64Array::from_iter_values((0..400).map(|i| of(i) as i64))) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("recent", Arc::new(lists.finish()) as ArrayRef),
        ("vector", Arc::new(vectors.finish()) as ArrayRef),
        ("like", ints(|i| below(i, 2))),
        ("device", ints(|i| below(i, 90))),
        ("unsorted_time", ints(|i| 1_600_000_000 + below(i, 1_000_000))),
    ])
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(fs::File::create(at.join("a.parquet")).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let text = ok(at, &["init", "a.parquet", "--task", "like"]);
    let config = parse(&text);
    assert_eq!(encoder(&config, "recent"), "list of vocabulary");
    assert_eq!(encoder(&config, "vector"), "vector 4");
    assert_eq!(encoder(&config, "device"), "vocabulary");
    assert_eq!(config.data.valid, Validation::Fraction { fraction: 0.1, split: Split::Random });
    assert!(text.contains("not in the order of `unsorted_time`"), "{text}");
    fs::write(at.join("c.toml"), &text).unwrap();
    ok(at, &["train", "c.toml", "--out", "run", "--set", "train.epochs=1"]);
}

#[test]
fn hostile_names_and_values_stay_texts() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let names =
        ["q\"uote", "back\\slash", "naïve \u{202e}名", "[data]", "a = 1 # b", "line\nbreak", "a'b", "''' \"\"\""];
    let mut writer = csv::Writer::from_path(at.join("x.csv")).unwrap();
    writer.write_record(names.iter().chain(&["la\"bel\\", ""])).unwrap();
    for i in 0..60u64 {
        let value = ["a\nb = 1\n[model]", "\u{1b}[31m\u{7f}x", "\"]", "\u{85}\u{2028}\\"][below(i, 4) as usize];
        let mut row: Vec<String> = names.iter().map(|_| value.to_owned()).collect();
        row.extend([["no \"n\"", "yes\\\n"][usize::from(i % 3 == 0)].to_owned(), "z".to_owned()]);
        writer.write_record(&row).unwrap();
    }
    writer.flush().unwrap();
    let text = ok(at, &["init", "x.csv", "--task", "la\"bel\\"]);
    let config = parse(&text);
    let kept: Vec<&str> = config.features.iter().map(|f| f.column.as_str()).collect();
    assert_eq!(kept, names.iter().copied().filter(|n| !n.contains('\n')).collect::<Vec<_>>(), "{text}");
    assert_eq!(config.tasks[0].column, "la\"bel\\");
    let bad = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
    assert!(!text.contains(bad), "{text:?}");
    assert!(text.contains("the name holds a control character"), "{text}");
    fs::write(at.join("c.toml"), &text).unwrap();
    ok(at, &["train", "c.toml", "--out", "run", "--set", "train.epochs=1"]);
}

#[test]
fn columns_separator_and_positive_values_from_the_command_line() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let rows: String = (0..90u64)
        .map(|i| format!("{};{};{}\n", below(i, 7), ["a", "b", "c"][below(i, 3) as usize], below(i, 50)))
        .collect();
    fs::write(at.join("x.csv"), rows).unwrap();
    let args = ["init", "x.csv", "--columns", "uid,kind,price", "--separator", ";", "--task"];
    let config = parse(&ok(at, &[&args[..], &["kind=c"]].concat()));
    assert_eq!(config.data.reading.columns.as_deref(), Some(&["uid", "kind", "price"].map(str::to_owned)[..]));
    assert_eq!(config.data.reading.separator, Some(';'));
    assert_eq!(config.tasks[0].kind, TaskKind::Binary { positive: Some(vec!["c".to_owned()]) });
    // Three texts are no numbers: the user must say.
    let text = blamed(at, &[&args[..], &["kind"]].concat());
    assert!(text.contains("--task NAME=VALUE"), "{text}");
    let config = parse(&ok(at, &[&args[..], &["price"]].concat()));
    assert!(matches!(config.tasks[0].kind, TaskKind::Regression { .. }));
    let text = blamed(at, &[&args[..], &["prise"]].concat());
    assert!(text.contains("did you mean `price`?"), "{text}");
}

#[test]
fn two_values_that_are_not_0_and_1() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (values, positive) in [
        (["-1", "1"], Some("1")),
        (["+", "-"], Some("-")),
        (["True", "FALSE"], None),
        (["0.0", "1.0"], None),
        (["2", "1"], Some("2")),
    ] {
        let rows: String = (0..30).map(|i| format!("{},{}\n", values[usize::from(i % 3 == 0)], i % 4)).collect();
        fs::write(at.join("x.csv"), format!("y,x\n{rows}")).unwrap();
        let text = ok(at, &["init", "x.csv", "--task", "y"]);
        let config = parse(&text);
        let positive = positive.map(|p| vec![p.to_owned()]);
        assert_eq!(config.tasks[0].kind, TaskKind::Binary { positive }, "{values:?}");
        assert!(config.data.reading.null_values.is_empty(), "{values:?}");
        fs::write(at.join("c.toml"), &text).unwrap();
        ok(at, &["train", "c.toml", "--out", "run", "--set", "train.epochs=1", "--set", "data.split=\"random\""]);
        fs::remove_dir_all(at.join("run")).unwrap();
    }
}

#[test]
fn a_file_is_overwritten_only_on_request_and_never_the_data() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("x.csv"), "y,x\n0,1\n1,2\n0,1\n").unwrap();
    fs::write(at.join("c.toml"), "mine").unwrap();
    let args = ["init", "x.csv", "--task", "y", "-o", "c.toml"];
    assert!(blamed(at, &args).contains("c.toml: exists"));
    assert_eq!(fs::read_to_string(at.join("c.toml")).unwrap(), "mine");
    ok(at, &[&args[..], &["--force"]].concat());
    parse(&fs::read_to_string(at.join("c.toml")).unwrap());
    let text = blamed(at, &["init", "x.csv", "--task", "y", "-o", "x.csv", "--force"]);
    assert!(text.contains("one of the data files"), "{text}");
    assert!(blamed(at, &["init", "x.csv", "--task", "y", "-o", "none/c.toml"]).contains("does not exist"));
    let left: Vec<_> = fs::read_dir(at).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn only_the_rows_asked_for_are_looked_at() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let rows: String = (0..50).map(|i| format!("{},{}\n", i % 2, i % 3)).collect();
    fs::write(at.join("x.csv"), format!("y,x\n{rows}1,2,3,torn\n")).unwrap();
    assert!(ok(at, &["init", "x.csv", "--task", "y", "--rows", "50"]).contains("the first 50 of"));
    assert!(blamed(at, &["init", "x.csv", "--task", "y"]).contains("x.csv:52"));
    fs::write(at.join("empty.csv"), "y,x\n").unwrap();
    assert!(blamed(at, &["init", "empty.csv", "--task", "y"]).contains("no rows"));
    fs::write(at.join("alone.csv"), "y,x\n0,1\n1,1\n").unwrap();
    assert!(blamed(at, &["init", "alone.csv", "--task", "y"]).contains("column `x`: constant"));
}

#[test]
fn json_lines_with_columns_that_cannot_be_read() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let rows: String = (0..200u64)
        .map(|i| {
            format!(
                "{{\"y\": {}, \"who\": {{\"a\": 1}}, \"tags\": [\"t{}\", \"t{}\"], \"n\": {}}}\n",
                i % 2 == 0,
                below(i, 9),
                below(i + 1, 9),
                below(i, 4)
            )
        })
        .collect();
    fs::write(at.join("x.jsonl"), rows).unwrap();
    let text = ok(at, &["init", "x.jsonl", "--task", "y"]);
    let config = parse(&text);
    assert_eq!(encoder(&config, "tags"), "list of vocabulary");
    assert!(!has(&config, "who") && text.contains("# `who` is left out"), "{text}");
    fs::write(at.join("c.toml"), &text).unwrap();
    ok(at, &["train", "c.toml", "--out", "run", "--set", "train.epochs=1"]);
}

#[test]
fn tasks_and_tags_are_guessed_from_names() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let mut rows = "user_id,item_id,event_time,session_id,price,is_click,like,like_count,stars\n".to_owned();
    for i in 0..200u64 {
        let _ = writeln!(
            rows,
            "{},{},{},s{},{}.5,{},{},{},{}",
            below(i, 30),
            below(i + 1, 20),
            1_600_000_000 + i,
            below(i + 2, 25),
            below(i + 3, 70),
            below(i + 4, 2),
            ["false", "true"][below(i + 5, 2) as usize],
            below(i + 6, 2),
            below(i + 7, 5)
        );
    }
    fs::write(at.join("x.csv"), &rows).unwrap();
    let text = ok(at, &["init", "x.csv"]);
    let config = parse(&text);
    let tasks: Vec<&str> = config.tasks.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(tasks, ["is_click", "like"], "a count of likes is none\n{text}");
    assert!(text.contains("# a task because its name is an event's"), "{text}");
    let tags = |name: &str| {
        let column = config.schema.get(name).unwrap_or_else(|| panic!("{name}\n{text}"));
        column.tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([tags("user_id"), tags("item_id")], ["id user", "id item"]);
    assert_eq!([tags("session_id"), tags("event_time")], ["id session", "time"]);
    assert!(config.schema.get("price").is_none() && !has(&config, "event_time"));
    fs::write(at.join("c.toml"), &text).unwrap();
    ok(at, &["train", "c.toml", "--out", "run", "--set", "train.epochs=1"]);
    let schema = ok(at, &["schema", "c.toml"]);
    assert!(schema.contains("tag: \"time\"") && schema == ok(at, &["schema", "x.csv"]), "{schema}");
    assert!(blamed(at, &["schema", "c.toml", "--task", "like"]).contains("--task"));

    // Where nothing looks like a label, the user must say.
    fs::write(at.join("y.csv"), rows.replace("is_click,like,", "a,b,")).unwrap();
    assert!(blamed(at, &["init", "y.csv"]).contains("--task NAME"));
}

/// Of rows of each ready kind, in text and in Parquet, with what their labels were drawn from and without.
#[test]
fn made_up_rows_of_every_kind_get_a_configuration_that_trains() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let by_name: &[&str] = &[];
    let named = &["--task", "y1", "--task", "y2"][..];
    for (kind, tasks, features) in [
        ("byterec", by_name, 9),
        ("tenrec", by_name, 5),
        ("funnel", by_name, 10),
        ("mmoe-paper", named, 1),
        ("ple-paper", named, 1),
    ] {
        let mut configs = Vec::new();
        for format in ["csv", "parquet"] {
            let file = format!("{kind}.{format}");
            ok(at, &["synth", kind, "--rows", "2000", "--probabilities", "-o", &file]);
            let text = ok(at, &[&["init", &file], tasks].concat());
            let config = parse(&text);
            let names: Vec<&str> = config.features.iter().map(|feature| feature.name.as_str()).collect();
            assert_eq!(names.len(), features, "{file}: {names:?}");
            assert!(names.iter().all(|name| !name.contains("_probability") && *name != "watching_times"), "{names:?}");
            fs::write(at.join("c.toml"), &text).unwrap();
            ok(at, &["train", "c.toml", "--out", &format!("run-{file}"), "--set", "train.epochs=1"]);
            configs.push((config.features, config.tasks));
        }
        assert_eq!(configs[0], configs[1], "{kind}: text and Parquet hold the same");
    }
}
