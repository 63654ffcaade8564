//! Made-up rows in files: the same bytes for a seed, the same values in every format.

use std::process::Command;

use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::read::Source;

use crate::support::{Place, parse};

/// A configuration that reads all columns of `funnel` rows.
const FUNNEL: &str = r#"
[data]
train = ["rows.parquet"]

[[features]]
names = ["session_id", "user_id", "city", "item_id", "category", "brand", "position"]
kind  = "categorical"

[[features]]
name  = "recent_items"
kind  = "categorical"
list  = true
table = "item_id"

[[features]]
names = ["time", "user_age", "price"]
kind  = "dense"

[[tasks]]
name = "click"

[[tasks]]
name = "buy"
"#;

const FORMATS: [&str; 5] = ["parquet", "arrow", "csv", "tsv", "jsonl"];

#[test]
fn a_seed_gives_one_file_for_any_number_of_threads() {
    let place = Place::new();
    for format in FORMATS {
        let bytes = |threads: &str, seed: &str| {
            let file = format!("rows.{format}");
            let arguments = ["synth", "funnel", "--rows", "9000", "--seed", seed, "-o", &file, "--probabilities"];
            let mut command = Command::new(env!("CARGO_BIN_EXE_polyrank"));
            command.args(arguments).env("RAYON_NUM_THREADS", threads).current_dir(place.dir.path());
            let done = command.output().unwrap();
            assert!(done.status.success() && done.stdout.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
            std::fs::read(place.path(&file)).unwrap()
        };
        assert!(bytes("3", "8") != bytes("3", "7"), "{format}");
        assert!(bytes("1", "7") == bytes("3", "7"), "{format}");
    }
}

#[test]
fn every_format_holds_the_same_values() {
    let place = Place::new();
    for format in FORMATS {
        place.run(&["synth", "funnel", "--rows", "3000", "-o", &format!("rows.{format}")]).ok();
    }
    let registry = polyrank_model::registry();
    let config = polyrank_schema::parse(FUNNEL, "funnel.toml", &registry, &[]).unwrap();
    let batch = |format: &str| {
        let source = Source::open(&[format!("rows.{format}")], place.dir.path(), &config.data.reading).unwrap();
        source.rows(&config.columns_needed(true), 10_000).unwrap().next().unwrap().unwrap().batch
    };
    let first = batch("parquet");
    let mut fitter = Encoders::fitter(&config, place.dir.path()).unwrap();
    fitter.observe(&first).unwrap();
    let encoders = fitter.finish().unwrap();
    let encoded = |format: &str| encoders.transform(&batch(format), Labels::Read).unwrap();
    let expected = encoded("parquet");
    for format in FORMATS {
        let found = encoded(format);
        assert!(found.ids == expected.ids && found.labels == expected.labels, "{format}");
        // A 32-bit price read from text is the nearest 64-bit number of that text.
        assert!(found.dense.iter().zip(&expected.dense).all(|(a, b)| (a - b).abs() < 1e-6), "{format}");
        assert_eq!(found.dense.len(), expected.dense.len());
    }
}

#[test]
fn parts_are_the_rows_in_their_order() {
    let place = Place::new();
    place.run(&["synth", "tenrec", "--rows", "1000", "-o", "all.csv"]).ok();
    place.run(&["synth", "tenrec", "--rows", "1000", "--sizes", "0.7,0.2,0.1", "-o", "part.csv"]).ok();
    let (header, all) = parse(&place.read("all.csv"));
    assert_eq!(header.join(","), "user_id,item_id,video_category,gender,age,click,like,share,follow,watching_times");
    let parts = ["train", "valid", "test"].map(|part| parse(&place.read(&format!("part-{part}.csv"))).1);
    assert_eq!(parts.each_ref().map(Vec::len), [700, 200, 100]);
    assert_eq!(parts.concat(), all);
}

#[test]
fn rows_come_from_a_schema_too() {
    let place = Place::new();
    place.write(
        "table.pbtxt",
        r#"
feature { name: "uid" type: INT int_domain { min: 1 max: 50 } annotation { tag: "user_id" } }
feature { name: "price" type: FLOAT float_domain { min: 2 max: 3 } annotation { tag: "item" tag: "continuous" } }
feature { name: "bought" type: INT annotation { tag: "target" tag: "binary" } }
"#,
    );
    place.run(&["synth", "table.pbtxt", "--rows", "2000", "--rate", "bought=0.4", "-o", "rows.csv"]).ok();
    let (header, rows) = parse(&place.read("rows.csv"));
    assert_eq!(header, ["uid", "price", "bought"]);
    assert!(rows.iter().all(|row| (1..=50).contains(&row[0].parse::<i64>().unwrap())));
    assert!(rows.iter().all(|row| (2.0..=3.0).contains(&row[1].parse::<f32>().unwrap())));
    let bought = rows.iter().filter(|row| row[2] == "1").count();
    assert!((700..900).contains(&bought), "{bought}");

    let columns = "[data]\ntrain = [\"rows.csv\"]\nschema = \"table.pbtxt\"\n";
    place.write("table.toml", columns);
    place.run(&["synth", "table.toml", "--rows", "2000", "--rate", "bought=0.4", "-o", "again.csv"]).ok();
    assert!(place.read("again.csv") == place.read("rows.csv"));
}

#[test]
fn what_cannot_be_made_up_is_said() {
    let place = Place::new();
    let failed = |arguments: &[&str], parts: &[&str]| {
        let all = [&["synth"], arguments].concat();
        place.run(&all).failed(2, parts);
    };
    failed(&["tenrex", "--rows", "9", "-o", "x.csv"], &["tenrex", "did you mean `tenrec`?"]);
    failed(&["tenrec", "--rows", "9", "-o", "x.txt"], &["x.txt", ".parquet", ".jsonl"]);
    failed(&["tenrec", "--rows", "9", "-o", "x.csv", "--rate", "clik=0.1"], &["`clik`", "did you mean `click`?"]);
    failed(&["tenrec", "--rows", "9", "-o", "x.csv", "--sizes", "0.8,0.3"], &["--sizes", "sum to 1"]);
    failed(&["tenrec", "--rows", "1", "-o", "x.csv", "--sizes", "0.5,0.5"], &["--sizes", "none are left"]);
    failed(&["byterec", "--rows", "9", "-o", "x.csv", "--noise", "0.1"], &["`byterec` has no noise"]);
    failed(&["none.pbtxt", "--rows", "9", "-o", "x.csv"], &["none.pbtxt"]);
    failed(&["config.toml", "--rows", "9", "-o", "x.csv"], &["no column tagged `target`"]);
    assert!(!place.path("x.csv").exists());
}

/// The configuration of `examples/tenrec.toml`, and what its first lines say to run.
#[test]
fn the_example_trains_and_each_metric_has_its_own_regret() {
    let place = Place::new();
    std::fs::write(place.path("tenrec.toml"), include_str!("../../../../examples/tenrec.toml")).unwrap();
    place.run(&["synth", "tenrec", "--rows=4000", "--sizes=0.8,0.2", "--probabilities", "-o", "tenrec.parquet"]).ok();
    place.run(&["train", "tenrec.toml", "--out", "run", "--set", "train.epochs=1"]).ok();
    let evaluate = ["evaluate", "run/bundle", "tenrec-valid.parquet", "--truth"];
    let json = place.run(&[&evaluate[..], &["--json"]].concat()).ok().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Positives weigh more than negatives, so the two loglosses differ, and so do their regrets.
    let [plain, weighted] = ["logloss", "weighted_logloss"].map(|name| {
        let of = |part: &serde_json::Value| part["like"][name].as_f64().unwrap();
        let regret = of(&json["regret"]);
        assert!((of(&json["tasks"]) - of(&json["truth"]) - regret).abs() < 1e-12, "{name}");
        regret
    });
    assert_ne!(plain, weighted);
    let text = place.run(&evaluate).ok().out;
    let rows = |name: &str| text.lines().filter(|line| line.split_whitespace().take(2).eq(["like", name])).count();
    assert_eq!((rows("logloss"), rows("weighted_logloss")), (1, 1), "{text}");
}

/// Rows of a schema with a label of several classes: the same schema trains on them, and no loss is below the truth's.
#[test]
fn labels_of_several_classes_are_made_up_learned_and_measured() {
    let place = Place::new();
    place.write(
        "table.pbtxt",
        r#"
feature { name: "uid" type: INT int_domain { min: 1 max: 60 } annotation { tag: "user_id" } }
feature { name: "item" type: INT int_domain { max: 40 } annotation { tag: "item_id" } }
feature { name: "click" type: INT annotation { tag: "target" tag: "binary" } }
feature { name: "stars" type: INT int_domain { min: 1 max: 3 } annotation { tag: "target" tag: "multi_class" } }
"#,
    );
    let synth = ["synth", "table.pbtxt", "--rows=12000", "--sizes=0.8,0.2", "--probabilities", "-o", "rows.parquet"];
    place.run(&synth).ok();
    place.write(
        "c.toml",
        "[data]\ntrain = [\"rows-train.parquet\"]\nschema = \"table.pbtxt\"\n[train]\nbatch_size = 64\nepochs = 3\n",
    );
    place.run(&["train", "c.toml", "--out", "run"]).ok();
    let evaluate = ["evaluate", "run/bundle", "rows-valid.parquet", "--json", "--truth"];
    let text = place.run(&evaluate).ok().out;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let of = |part: &str, metric: &str| json[part]["stars"][metric].as_f64().unwrap();
    // Guessing by the shares alone gives ln 3.
    assert!(of("truth", "logloss") < of("tasks", "logloss") && of("tasks", "logloss") < 1.08, "{text}");
    assert!(of("truth", "accuracy") > of("tasks", "accuracy") && of("tasks", "accuracy") > 0.36, "{text}");
    let regret = of("tasks", "logloss") - of("truth", "logloss");
    assert!((of("regret", "logloss") - regret).abs() < 1e-12, "{text}");

    let same = [&evaluate[..], &["--truth-column", "stars=stars_probability"]].concat();
    assert_eq!(place.run(&same).ok().out, text);
    let wrong = [&evaluate[..], &["--truth-column", "stars=uid"]].concat();
    place.run(&wrong).failed(2, &["uid_1"]);
    place.write("rows.csv", "uid,item,click,stars,click_probability,p_1,p_2,p_3\n1,1,0,2,0.5,0.5,0.2,0.1\n");
    let short = ["evaluate", "run/bundle", "rows.csv", "--truth-column", "stars=p"];
    place.run(&short).failed(2, &["rows.csv:2", "`stars` sums to 0.8"]);
}
