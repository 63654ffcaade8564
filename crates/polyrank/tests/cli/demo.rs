//! The demo, and what is done with its bundle.

use polyrank_data::synth::ByteRec;
use polyrank_model::Predictor;

use crate::support::{Place, parse};

#[test]
fn the_demo_trains_evaluates_and_leaves_everything() {
    let place = Place::new();
    let demo = place.run(&["demo", "--rows", "4000", "--out", "demo"]).ok();
    let lines: Vec<&str> = demo.out.lines().collect();
    assert_eq!(lines[0], "1000 test rows");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["task", "scored", "by", "AUC", "logloss"]);
    assert_eq!(lines.len(), 6, "{}", demo.out);
    for (line, start) in
        lines[2..].iter().zip([["finish", "MMoE"], ["finish", "true"], ["like", "MMoE"], ["like", "true"]])
    {
        assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), start);
        let figures: Vec<f64> = line.split_whitespace().rev().take(2).map(|f| f.parse().unwrap()).collect();
        assert!((0.0..1.0).contains(&figures[0]) && (0.4..1.0).contains(&figures[1]), "{line}");
    }
    let left = [
        "bundle",
        "checkpoints",
        "demo.toml",
        "log.jsonl",
        "report.html",
        "test.parquet",
        "train.parquet",
        "valid.parquet",
    ];
    assert_eq!(place.names("demo"), left);
    assert!(place.read("demo/report.html").contains("</html>"));
    assert_eq!(place.read("demo/log.jsonl").lines().count(), 3);

    let again = place.run(&["demo", "--rows", "4000", "--out", "again"]).ok();
    assert_eq!(demo.out, again.out, "the same seed, the same figures");
    for file in ["weights.safetensors", "tables/0000.safetensors"] {
        let bytes = |run: &str| std::fs::read(place.path(run).join("bundle").join(file)).unwrap();
        assert!(bytes("demo") == bytes("again"), "{file}");
    }

    let json = place.run(&["evaluate", "demo/bundle", "demo/test.parquet", "--json"]).ok().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"], 1000);
    let tasks = json["tasks"].as_object().unwrap();
    assert_eq!(tasks.keys().collect::<Vec<_>>(), ["finish", "like"]);
    for (task, line) in [("finish", lines[2]), ("like", lines[4])] {
        assert!(line.contains(&format!("{:.4}", tasks[task]["auc"].as_f64().unwrap())), "{line}");
        assert!(line.contains(&format!("{:.4}", tasks[task]["logloss"].as_f64().unwrap())), "{line}");
    }

    truth_stands_beside_the_model(&place, &json, &lines);

    let explained = place.run(&["explain", "demo/bundle"]).ok().out;
    for part in ["uid", "experts.2.1", "[B, 64]", "parameters in layers", "MFLOP", "train.shuffle"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }

    // Offline scores are those of the library, to the last bit, whatever the number of threads.
    let predict = |threads: &str, out: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_polyrank"));
        let arguments = ["predict", "demo/bundle", "demo/test.parquet", "-o", out, "--keep", "uid"];
        let done =
            command.args(arguments).env("RAYON_NUM_THREADS", threads).current_dir(place.dir.path()).output().unwrap();
        assert!(done.status.success() && done.stdout.is_empty());
        place.read(out)
    };
    let scored = predict("1", "one.csv");
    assert_eq!(scored, predict("2", "two.csv"));
    assert_eq!(scored, predict("4", "four.csv"));
    let (header, rows) = parse(&scored);
    assert_eq!(header, ["uid", "finish", "like"]);
    assert_eq!(rows.len(), 1000);
    let predictor = Predictor::load(&place.path("demo/bundle")).unwrap();
    let raw = ByteRec::new(1).rows(4500..5500, false);
    let whole = predictor.score(&raw).unwrap();
    for (r, row) in rows.iter().enumerate() {
        for t in 0..2 {
            let score: f32 = row[1 + t].parse().unwrap();
            assert_eq!(score.to_bits(), whole.values[2 * r + t].to_bits(), "row {r}");
        }
        if r % 50 == 0 {
            assert_eq!(predictor.score(&raw.slice(r, 1)).unwrap().values, whole.values[2 * r..][..2], "alone");
        }
    }
}

/// `evaluate --truth` has the demo's figures, those of the model as without it, and the differences.
fn truth_stands_beside_the_model(place: &Place, alone: &serde_json::Value, lines: &[&str]) {
    let evaluate = |more: &[&str]| place.run(&[&["evaluate", "demo/bundle", "demo/test.parquet"], more].concat());
    let text = evaluate(&["--truth", "--json"]).ok().out;
    let both: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(both["tasks"], alone["tasks"]);
    for (task, line) in [("finish", lines[3]), ("like", lines[5])] {
        for (metric, sign) in [("auc", -1.0), ("logloss", 1.0)] {
            let of = |key: &str| both[key][task][metric].as_f64().unwrap();
            assert!(line.contains(&format!("{:.4}", of("truth"))), "{line}");
            assert!((of("regret") - sign * (of("tasks") - of("truth"))).abs() < 1e-12, "{text}");
            assert!(of("regret") > 0.0, "{text}");
        }
        assert!(both["regret"][task].get("rows").is_none(), "what describes the rows has no better side");
    }
    let table = evaluate(&["--truth"]).ok().out;
    let header = table.lines().find(|line| line.contains("regret")).unwrap();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["task", "metric", "model", "truth", "regret"]);

    // The other task's probabilities are a worse truth; a column that is none, or not there, is an error.
    let swapped = evaluate(&["--truth-column", "like=finish_probability", "--json"]).ok().out;
    let swapped: serde_json::Value = serde_json::from_str(&swapped).unwrap();
    assert!(swapped["truth"]["like"]["logloss"].as_f64() > both["truth"]["like"]["logloss"].as_f64());
    assert_eq!(swapped["truth"]["finish"], both["truth"]["finish"]);
    evaluate(&["--truth-column", "like=like_probabilty"]).failed(2, &["like_probabilty", "`like_probability`"]);
    evaluate(&["--truth-column", "like=duration_time"])
        .failed(2, &["test.parquet:1", "duration_time", "no probability"]);
    evaluate(&["--truth-column", "lik=like_probability"]).failed(2, &["`lik`", "finish, like"]);
    evaluate(&["--truth-column", "like"]).failed(2, &["TASK=COLUMN"]);
}

#[test]
fn a_demo_needs_rows() {
    let place = Place::new();
    let outcome = place.run(&["demo", "--rows", "3"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("--rows") && outcome.err.contains("1000"), "{}", outcome.err);
}
