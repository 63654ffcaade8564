//! Every format trains and scores alike; what goes where.

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{Place, parse};

const HEADERLESS: &str = "data.columns=[\"uid\",\"item_id\",\"duration\",\"finish\",\"like\"]";

#[test]
fn the_same_rows_train_and_score_the_same_from_any_format() {
    let place = Place::trained();
    let weights = |run: &str| {
        ["weights.safetensors", "tables/0000.safetensors", "tables/0001.safetensors"]
            .map(|file| std::fs::read(place.path(run).join("bundle").join(file)).unwrap())
    };
    place.rows("test.csv", 50, 3);
    place.run(&["predict", "run/bundle", "test.csv", "-o", "scores.csv"]).ok();
    let figures = place.run(&["evaluate", "run/bundle", "test.csv", "--json"]).ok().out;
    for format in ["tsv", "jsonl", "parquet"] {
        let [train, valid, test] = ["train", "valid", "test"].map(|name| format!("{name}.{format}"));
        place.rows(&train, 300, 1);
        place.rows(&valid, 100, 2);
        place.rows(&test, 50, 3);
        let mut arguments = vec!["train", "config.toml", "--train", &train, "--valid", &valid, "--out", format];
        if format == "tsv" {
            arguments.extend(["--set", HEADERLESS]);
        }
        let trained = place.run(&arguments).ok();
        assert_eq!(trained.out, "", "messages are no data");
        assert!(
            trained.err.contains("fitted the encoders on 300 rows") && trained.err.contains("epoch 2"),
            "{}",
            trained.err
        );
        assert!(weights("run") == weights(format), "{format}");
        let bundle = format!("{format}/bundle");
        let scored = place.run(&["predict", &bundle, &test, "-o", "other.csv"]).ok();
        assert_eq!(scored.out, "");
        assert_eq!(place.read("scores.csv"), place.read("other.csv"), "{format}");
        assert_eq!(place.run(&["evaluate", &bundle, &test, "--json"]).ok().out, figures, "{format}");
        let options: &[&str] = if format == "tsv" { &["--set", HEADERLESS] } else { &[] };
        let bench = ["bench", "predict", &train, "--config", "config.toml", "--seconds", "0.05"];
        rate(&place.run(&[&bench[..], options].concat()).ok().out);
    }
}

/// The number of rows a second that a benchmark's last line ends with.
fn rate(out: &str) -> f64 {
    let words: Vec<&str> = out.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words.last(), Some(&"rows/s"), "{out}");
    let number = words[words.len() - 2];
    assert!(number.bytes().all(|b| b.is_ascii_digit()), "a plain number: {out}");
    number.parse().unwrap()
}

#[test]
fn bench_measures_both_ways_from_memory_and_disk() {
    let place = Place::new();
    for what in ["train", "predict"] {
        for disk in [&[][..], &["--from-disk"]] {
            let arguments = [
                "bench",
                what,
                "train.csv",
                "--config",
                "config.toml",
                "--seconds",
                "0.05",
                "--set",
                "train.threads=2",
            ];
            let out = place.run(&[&arguments[..], disk].concat()).ok().out;
            assert!(rate(&out) > 0.0);
            assert!(out.contains("2 threads") && out.contains("batch 64"), "{out}");
        }
    }
}

#[test]
fn evaluate_prints_json_or_a_table() {
    let place = Place::trained();
    let json = place.run(&["evaluate", "run/bundle", "valid.csv", "--json"]).ok().out;
    assert_eq!(json.lines().count(), 1);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"], 100);
    let task = |name: &str, metric: &str| json["tasks"][name][metric].as_f64().unwrap();
    assert!((0.5..=1.0).contains(&task("finish", "auc")) && task("like", "logloss") > 0.0);
    let text = place.run(&["evaluate", "run/bundle", "valid.csv"]).ok().out;
    assert!(text.contains(&format!("{:.4}", task("finish", "auc"))), "{text}");
    assert_eq!(text.lines().last(), Some("100 rows"));
    // Several files count together.
    let twice = place.run(&["evaluate", "run/bundle", "valid.csv", "train.csv", "--json"]).ok().out;
    assert!(twice.contains("\"rows\":400"), "{twice}");
}

#[test]
fn an_undefined_metric_is_null_or_a_dash() {
    let place = Place::trained();
    let one_class: Vec<String> = place
        .read("valid.csv")
        .lines()
        .map(|l| if l.starts_with("uid") { l.to_owned() } else { format!("{},0,", l.rsplitn(3, ',').last().unwrap()) })
        .collect();
    place.write("one.csv", &(one_class.join("\n") + "\n"));
    let json = place.run(&["evaluate", "run/bundle", "one.csv", "--json"]).ok().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["tasks"]["finish"]["auc"].is_null() && json["tasks"]["finish"]["logloss"].is_f64(), "{json}");
    assert!(json["tasks"]["like"]["auc"].is_null() && json["tasks"]["like"]["logloss"].is_null(), "{json}");
    let text = place.run(&["evaluate", "run/bundle", "one.csv"]).ok().out;
    assert!(text.contains('–') && !text.contains("NaN"), "{text}");
}

#[test]
fn predict_keeps_columns_in_csv_and_parquet() {
    let place = Place::trained();
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "scores.csv", "--keep", "uid", "--keep", "duration"]).ok();
    let (header, rows) = parse(&place.read("scores.csv"));
    assert_eq!(header, ["uid", "duration", "finish", "like"]);
    let (_, data) = parse(&place.read("valid.csv"));
    assert_eq!(rows.len(), 100);
    for (scored, raw) in rows.iter().zip(&data) {
        assert_eq!((&scored[0], &scored[1]), (&raw[0], &raw[2]));
    }
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "scores.parquet", "--keep", "uid"]).ok();
    let file = std::fs::File::open(place.path("scores.parquet")).unwrap();
    let batches: Vec<_> =
        ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 100);
    let schema = batches[0].schema();
    assert_eq!(schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), ["uid", "finish", "like"]);
    let scores = batches[0].column(1).as_any().downcast_ref::<arrow_array::Float32Array>().unwrap();
    for (row, score) in rows.iter().zip(scores) {
        assert_eq!(row[2].parse::<f32>().unwrap().to_bits(), score.unwrap().to_bits());
    }
}

#[test]
fn rows_without_labels_can_be_scored() {
    let place = Place::trained();
    let only: String =
        place.read("valid.csv").lines().map(|l| l.rsplitn(3, ',').last().unwrap().to_owned() + "\n").collect();
    place.write("raw.csv", &only);
    place.run(&["predict", "run/bundle", "raw.csv", "-o", "raw-scores.csv"]).ok();
    place.run(&["predict", "run/bundle", "valid.csv", "-o", "scores.csv"]).ok();
    assert_eq!(place.read("raw-scores.csv"), place.read("scores.csv"));
    place.run(&["evaluate", "run/bundle", "raw.csv"]).failed(2, &["raw.csv", "`finish`"]);
}

#[test]
fn explain_shows_a_configuration_without_training() {
    let place = Place::new();
    let out = place.run(&["explain", "config.toml", "--set", "model.preset=\"deepctr\""]).ok().out;
    for part in
        ["features", "network", "embedding.uid", "gates.finish", "towers.finish.0", "preset deepctr", "train.optimizer"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("──►"), "the tasks of a mixture of experts share layers alone: {out}");
    assert_eq!(place.names("."), ["config.toml", "train.csv", "valid.csv"]);
}

#[test]
fn explain_draws_which_task_depends_on_which() {
    let place = Place::new();
    let explain = |block: &str| {
        let block = format!("model.multi_task={block}");
        place.run(&["explain", "config.toml", "--set", &block]).ok().out
    };
    let cases = [
        ("\"esmm\"", "tasks\nfinish ──product──► like\n\n"),
        ("\"aitm\"", "tasks\nfinish ──transfer, calibrator──► like\n\n"),
        ("{ type = \"aitm\", calibrator = 0 }", "tasks\nfinish ──transfer──► like\n\n"),
        (
            "{ type = \"escm2\", method = \"ips\" }",
            "tasks\nfinish ──product──► like\nfinish ──inverse propensity──► like\n\n",
        ),
    ];
    let shapes = explain("\"aitm\"");
    assert!(shapes.contains("[B, 2, 128]") && shapes.contains("[B, 2, 1]"), "two rows a sample: {shapes}");
    for (block, drawing) in cases {
        let out = explain(block);
        assert!(out.contains(drawing), "{block}: {out}");
    }
}

#[test]
fn explain_gives_the_width_at_equal_size() {
    let place = Place::new();
    let config = place.read("config.toml");
    place.write("other.toml", &config);
    let out = place
        .run(&["explain", "config.toml", "--set", "model.multi_task={type=\"shared_bottom\"}", "--match", "other.toml"])
        .ok()
        .out;
    let line = out.lines().last().unwrap_or_default();
    assert!(line.starts_with("other.toml has ") && line.contains("`shared_bottom` with units = ["), "{line}");
}

#[test]
fn an_experiment_on_real_rows_asks_for_them() {
    let place = Place::new();
    let outcome = place.run(&["reproduce", "mmoe-census"]);
    assert_eq!(outcome.code, 2, "{}", outcome.err);
    assert!(outcome.err.contains("--data"), "{}", outcome.err);
    assert_eq!(place.run(&["reproduce", "nothing"]).code, 2);
}

#[test]
fn an_experiment_on_real_rows_finds_them_from_where_it_runs() {
    let place = Place::new();
    std::fs::create_dir(place.path("census")).unwrap();
    let columns = "age,class_worker,det_ind_code,det_occ_code,education,wage_per_hour,hs_college,marital_stat,major_ind_code,\
                   major_occ_code,race,hisp_origin,sex,union_member,unemp_reason,full_or_part_emp,capital_gains,\
                   capital_losses,stock_dividends,tax_filer_stat,region_prev_res,state_prev_res,det_hh_fam_stat,det_hh_summ,\
                   instance_weight,mig_chg_msa,mig_chg_reg,mig_move_reg,mig_same,mig_prev_sunbelt,num_emp,fam_under_18,\
                   country_father,country_mother,country_self,citizenship,own_or_self,vet_question,vet_benefits,\
                   weeks_worked,year,income_50k";
    let value = |row: usize, column: &str| match column {
        "income_50k" => if row.is_multiple_of(5) { "50000+." } else { "- 50000." }.to_owned(),
        "marital_stat" => if row % 7 < 3 { "Never married" } else { "Divorced" }.to_owned(),
        "education" => {
            if row.is_multiple_of(3) { "Masters degree(MA MS MEng MEd MSW MBA)" } else { "10th grade" }.to_owned()
        }
        "age" => (row % 90).to_string(),
        _ => (row % (2 + column.len() % 5)).to_string(),
    };
    for (name, rows) in [("train", 0..200), ("valid", 200..260), ("test", 260..320)] {
        let line = |row: usize| columns.split(',').map(|column| value(row, column)).collect::<Vec<_>>().join(",");
        let lines: Vec<String> = std::iter::once(columns.to_owned()).chain(rows.map(line)).collect();
        place.write(&format!("census/{name}.csv"), &lines.join("\n"));
    }
    let out = place.run(&["reproduce", "mmoe-census", "--data", "census", "--seeds", "2"]).ok().out;
    for part in
        ["income and never married", "college and never married", "SNR-Trans", "MMoE above single-task on college"]
    {
        assert!(out.contains(part), "`{part}` in {out}");
    }
    assert!(!out.contains("NaN"), "{out}");
    assert!(place.path("reproduce-mmoe-census/report.html").is_file());
}

#[test]
fn flags_change_what_they_name() {
    let place = Place::trained();
    place.run(&["train", "config.toml", "--out", "other", "--seed", "5", "--set", "train.epochs=1"]).ok();
    assert_eq!(place.read("other/log.jsonl").lines().count(), 1);
    place.run(&["train", "config.toml", "--out", "other", "--seed", "5", "--set", "train.epochs=2", "--resume"]).ok();
    assert_eq!(place.read("other/log.jsonl").lines().count(), 2);
    assert!(place.read("run/log.jsonl") != place.read("other/log.jsonl"));
}
