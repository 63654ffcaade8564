//! Values and files at the edges: enormous ids, empty files, columns that hold nothing or what no model can take.

use polyrank_train::evaluate::evaluate;

use crate::support::{HEADER, Place, bits, csv, refused};

#[test]
fn unseen_missing_empty_and_enormous_ids_have_scores() {
    let place = Place::new();
    place.train("run", &[]).unwrap();
    let predictor = place.predictor("run");
    let enormous = "9".repeat(100_000);
    let rows = [
        "u1,2,t1|t2,30",
        "never-seen,2,t1|t2,30",
        ",,,",
        ",,,nan",
        "18446744073709551615,-9223372036854775808,t1,30",
        "99999999999999999999999999,1e300,||,30",
        &format!("{enormous},{enormous},{enormous},30"),
        "💥,\u{202e}abc,t1|💥,30",
    ];
    place.write("odd.csv", &format!("uid,item_id,tags,duration\n{}\n", rows.join("\n")));
    let raw = place.raw("odd.csv", &predictor.config().columns_needed(false));
    let scores = predictor.score(&raw.batch).unwrap();
    assert_eq!(scores.values.len(), rows.len() * 3);
    assert!(scores.values.iter().all(|v| v.is_finite()));
    let row = |r: usize| bits(&scores.values[r * 3..][..3]);
    assert_eq!(row(2), row(3), "a number that is none is as good as missing");
    assert_ne!(row(0), row(1), "an unseen user is nobody in particular");
}

#[test]
fn ids_beyond_floats_stay_apart() {
    let place = Place::empty();
    let mut text = format!("{HEADER}\n");
    // Neighbours that 32-bit and 64-bit floats would confuse decide the label.
    for i in 0..400u64 {
        let base = [1 << 24, 1 << 32, 1 << 53, u64::MAX - 1][i as usize % 4];
        let odd = i / 4 % 2;
        text += &format!("{},{},,1,{odd},{odd},{odd}\n", base + odd, i % 3);
    }
    place.write("train.csv", &text);
    place.write("valid.csv", &text);
    let result = place.train("run", &["train.epochs=30", "train.batch_size=50"]).unwrap();
    let auc = result.history.epochs[29].valid.as_ref().unwrap().tasks[0].metrics.get("auc").unwrap();
    assert!(auc > 0.99, "{auc}");
}

#[test]
fn a_whole_number_is_one_value_however_it_is_written() {
    let place = Place::new();
    place.train("run", &[]).unwrap();
    let predictor = place.predictor("run");
    let mut rows = Vec::new();
    for (i, id) in ["7", "7.0", "\"7\"", "7e0"].iter().enumerate() {
        let name = format!("{i}.jsonl");
        place.write(&name, &format!("{{\"uid\": \"u1\", \"item_id\": {id}, \"tags\": [\"t1\"], \"duration\": 3}}\n"));
        let raw = place.raw(&name, &predictor.config().columns_needed(false));
        rows.push(bits(&predictor.score(&raw.batch).unwrap().values));
    }
    assert!(rows.iter().all(|row| *row == rows[0]), "{rows:?}");
}

#[test]
fn any_batch_size_trains() {
    let place = Place::new();
    place.write("train.csv", &csv(23, 1));
    for size in [1, 7, 22, 23, 1000] {
        for norm in [false, true] {
            let sets = [format!("train.batch_size={size}"), format!("model.batch_norm={norm}")];
            let result = place.train("run", &[&sets[0], &sets[1]]).unwrap();
            let epoch = &result.history.epochs[0];
            assert_eq!((epoch.rows, epoch.steps), (23, 23u64.div_ceil(size)), "batches of {size}");
            assert!(epoch.train_loss.is_finite());
        }
    }
}

#[test]
fn columns_that_say_nothing_train() {
    let place = Place::empty();
    let constant =
        |rows: usize| (0..rows).fold(format!("{HEADER}\n"), |text, i| text + &format!("u,1,t,5,{},0,2.5\n", i % 2));
    place.write("train.csv", &constant(60));
    place.write("valid.csv", &constant(20));
    let result = place.train("constant", &[]).unwrap();
    assert_eq!(result.history.epochs[1].valid.as_ref().unwrap().tasks[0].metrics.get("auc"), Some(0.5), "all tied");
    let nulls = |rows: usize| (0..rows).fold(format!("{HEADER}\n"), |text, i| text + &format!(",,,,{},0,2.5\n", i % 2));
    place.write("train.csv", &nulls(60));
    place.write("valid.csv", &nulls(20));
    for encoder in ["none", "min_max", "standard", "log"] {
        // `features.encoder` goes to all dense features only when it is theirs: write the file anew instead.
        let text = crate::support::CONFIG.replace("standard", encoder);
        let config = crate::support::parse(&text, &[]).unwrap();
        polyrank_train::run(&config, &place.options("nulls"), &mut |_| ()).unwrap();
        place.predictor("nulls");
    }
    // Values appear where training saw none.
    place.write("test.csv", &csv(10, 3));
    assert_eq!(evaluate(&place.predictor("nulls"), &["test.csv".into()], place.dir.path()).unwrap().rows, 10);
}

#[test]
fn files_without_rows_are_errors() {
    let place = Place::new();
    place.train("run", &[]).unwrap();
    let predictor = place.predictor("run");
    for (name, text) in [("zero.csv", ""), ("header.csv", "uid,item_id,tags,duration,finish,like,watch\n")] {
        place.write(name, text);
        let (train, valid) = (format!("data.train=[\"{name}\"]"), format!("data.valid=[\"{name}\"]"));
        assert!(refused(place.train("other", &[&train]), &[name]).is_input());
        assert!(refused(evaluate(&predictor, &[name.to_owned()], place.dir.path()), &[name]).is_input());
        let mut steps = 0;
        let result = polyrank_train::run(&place.config(&[&valid]), &place.options("other"), &mut |event| {
            steps += usize::from(matches!(event, polyrank_train::Event::Step(..)));
        });
        assert!(refused(result, &[if text.is_empty() { name } else { "validation rows" }]).is_input());
        assert_eq!(steps, 0, "found before training");
        assert!(!place.path("other/bundle").exists());
    }
    let part = ["data.valid=[]", "data.valid_fraction=0.000001", "data.split=\"tail\""];
    let outcome = place.train("part", &part);
    if let Err(error) = outcome {
        assert!(error.to_string().contains("validation"), "{error}");
    }
}

#[test]
fn numbers_that_are_none_are_missing_and_infinite_ones_are_errors() {
    let place = Place::new();
    let at = |cell: &str| {
        let mut lines: Vec<String> = csv(700, 1).lines().map(str::to_owned).collect();
        lines[17] = format!("u1,1,t1,{cell},1,0,0.5");
        lines.join("\n") + "\n"
    };
    place.write("train.csv", &at("NaN"));
    place.train("run", &[]).unwrap();
    let predictor = place.predictor("run");
    for cell in ["inf", "-inf", "1e999", "1e39", "twelve"] {
        place.write("train.csv", &at(cell));
        let error = refused(place.train("other", &[]), &["train.csv:18", "`duration`"]);
        assert!(error.is_input());
        place.write("test.csv", &at(cell));
        refused(evaluate(&predictor, &["test.csv".into()], place.dir.path()), &["test.csv:18", "`duration`"]);
    }
    let label = |cell: &str| {
        let mut lines: Vec<String> = csv(700, 1).lines().map(str::to_owned).collect();
        lines[17] = format!("u1,1,t1,3,{cell},0,0.5");
        lines.join("\n") + "\n"
    };
    for cell in ["2", "-1", "0.5", "inf", "maybe"] {
        place.write("train.csv", &label(cell));
        refused(place.train("other", &[]), &["train.csv:18", "`finish`"]);
    }
}

#[test]
fn a_malformed_row_is_named_or_left_out() {
    let place = Place::new();
    let mut lines: Vec<String> = csv(700, 1).lines().map(str::to_owned).collect();
    lines[99] += ",one,more";
    place.write("train.csv", &(lines.join("\n") + "\n"));
    refused(place.train("run", &[]), &["train.csv:100"]);
    let result = place.train("run", &["data.on_bad_row=\"skip\""]).unwrap();
    assert_eq!(result.history.epochs[0].rows, 699);
}
