//! Weights of rows and classes, spaces of tasks, schedules and groups, from the file to the bundle.

use polyrank_train::evaluate::{collect, evaluate};

use crate::support::{HEADER, Place, csv, refused};

const FINISH: usize = 4;
const LIKE: usize = 5;

/// Rows with two more columns, `w` and `v`, and cells changed row by row.
fn rows(n: usize, seed: u64, change: impl Fn(usize, &mut Vec<String>)) -> String {
    let mut text = format!("{HEADER},w,v\n");
    for (i, line) in csv(n, seed).lines().skip(1).enumerate() {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells.extend(["1".to_owned(), "1".to_owned()]);
        change(i, &mut cells);
        text += &(cells.join(",") + "\n");
    }
    text
}

/// A folder whose training and validation rows were changed alike.
fn place(change: impl Fn(usize, &mut Vec<String>) + Copy) -> Place {
    let place = Place::empty();
    place.write("train.csv", &rows(700, 1, change));
    place.write("valid.csv", &rows(200, 2, change));
    place
}

#[test]
fn outside_its_space_a_task_has_no_label() {
    let place = place(|i, cells| {
        if i % 7 == 3 {
            cells[FINISH].clear();
        }
    });
    let with = place.train("when", &["tasks.like.when=\"finish == 1\""]).unwrap();
    // Where `finish` is unknown, so is the condition.
    let blank = |i: usize, cells: &mut Vec<String>| {
        if i % 7 == 3 {
            cells[FINISH].clear();
        }
        if cells[FINISH] != "1" {
            cells[LIKE].clear();
        }
    };
    place.write("train.csv", &rows(700, 1, blank));
    place.write("valid.csv", &rows(200, 2, blank));
    let without = place.train("blank", &[]).unwrap();
    assert!(place.weights("when") == place.weights("blank"));
    let valid = |result: &polyrank_train::RunResult| result.history.epochs[1].valid.clone().unwrap();
    assert_eq!(valid(&with), valid(&without));
    assert!(valid(&with).tasks[1].metrics.get("rows").unwrap() < 120.0, "measured where it is trained");
    // The bundle measures in the same space, and scores every row.
    place.write("valid.csv", &rows(200, 2, |_, _| ()));
    let all = evaluate(&place.predictor("when"), &["valid.csv".into()], place.dir.path()).unwrap();
    assert!(all.tasks[1].metrics.get("rows").unwrap() < 150.0);
    assert_eq!(all.rows, 200);
}

#[test]
fn weights_of_1_change_nothing_and_weights_of_0_take_rows_out() {
    let place = place(|_, _| ());
    place.train("plain", &[]).unwrap();
    place.train("ones", &["data.weight_column=w", "tasks.like.weight_columns=[\"v\"]"]).unwrap();
    assert!(place.weights("plain") == place.weights("ones"));
    let zero = |i: usize, cells: &mut Vec<String>| {
        if i.is_multiple_of(3) {
            cells[7] = "0".into();
        }
    };
    place.write("train.csv", &rows(700, 1, zero));
    place.train("zeros", &["tasks.like.weight_column=w"]).unwrap();
    place.write(
        "train.csv",
        &rows(700, 1, |i, cells| {
            if i % 3 == 0 {
                cells[LIKE].clear();
            }
        }),
    );
    place.train("blank", &[]).unwrap();
    assert!(place.weights("zeros") == place.weights("blank"));
    assert!(place.weights("zeros") != place.weights("plain"));
}

#[test]
fn columns_and_classes_multiply() {
    let place = place(|i, cells| {
        (cells[7], cells[8]) = (format!("{}", 0.5 * (i % 4) as f64), format!("{}", 1 + i % 3));
    });
    let sets = ["data.weight_column=w", "tasks.like.weight_columns=[\"v\"]", "tasks.like.class_weights=[0.5, 2]"];
    let all = place.train("all", &sets).unwrap();
    let product = |i: usize, cells: &mut Vec<String>| {
        let common = 0.5 * (i % 4) as f64;
        let class = if cells[LIKE] == "1" { 2.0 } else { 0.5 };
        (cells[7], cells[8]) = (format!("{common}"), format!("{}", common * (1 + i % 3) as f64 * class));
    };
    place.write("train.csv", &rows(700, 1, product));
    place.write("valid.csv", &rows(200, 2, product));
    let sets = ["finish", "watch"].map(|task| format!("tasks.{task}.weight_column=w"));
    let product = place.train("product", &[&sets[0], &sets[1], "tasks.like.weight_column=v"]).unwrap();
    assert!(place.weights("all") == place.weights("product"));
    let valid = |result: &polyrank_train::RunResult| result.history.epochs[1].valid.clone().unwrap();
    assert_eq!(valid(&all), valid(&product));
    let like = &valid(&all).tasks[1];
    assert!(like.metrics.get("weighted_auc") != like.metrics.get("auc"));
    assert!(like.metrics.get("weighted_logloss").is_some() && like.metrics.get("weighted_rows").is_none());
}

#[test]
fn weighted_figures_are_there_where_weights_are() {
    let place = place(|i, cells| cells[7] = format!("{}", i % 5));
    let sets = ["tasks.like.weight_column=w", "train.best_metric=mean.weighted_auc"];
    let valid = place.train("run", &sets).unwrap().history.epochs[0].valid.clone().unwrap();
    let weighted =
        |task: usize| valid.tasks[task].metrics.iter().filter(|(name, _)| name.starts_with("weighted_")).count();
    assert_eq!((weighted(0), weighted(2)), (0, 0));
    assert!(weighted(1) >= 6);
}

#[test]
fn weights_that_cannot_be_any_name_line_and_column() {
    for (cell, what) in [
        ("-1", "the weight -1 is negative"),
        ("", "the weight of a labelled row is missing"),
        ("nan", "the weight of a labelled row is missing"),
        ("inf", "beyond what a 32-bit float holds"),
        ("x", "`x` is not a number"),
    ] {
        let place = place(|_, _| ());
        let bad = |i: usize, cells: &mut Vec<String>| {
            if i == 40 {
                cells[7] = cell.to_owned();
            }
        };
        place.write("train.csv", &rows(700, 1, bad));
        refused(place.train("run", &["tasks.like.weight_column=w"]), &["train.csv:42", "column `w`", what]);
        // A row without the label needs no weight.
        let unlabelled = |i: usize, cells: &mut Vec<String>| {
            bad(i, cells);
            if i == 40 && (cell.is_empty() || cell == "-1") {
                cells[LIKE].clear();
            }
        };
        place.write("train.csv", &rows(700, 1, unlabelled));
        assert_eq!(place.train("run", &["tasks.like.weight_column=w"]).is_ok(), cell.is_empty() || cell == "-1");
    }
    let place = place(|_, _| ());
    for set in
        ["tasks.like.weight_column=weigt", "data.weight_column=ww", "tasks.like.when=\"clik = 1\"", "data.group=us"]
    {
        refused(place.train("run", &[set]), &["train.csv", "no column `"]);
    }
    refused(place.train("run", &["tasks.like.when=\"tags = 1\""]), &[".csv:2", "`tags = 1`", "is not a number"]);
}

#[test]
fn a_decaying_weight_goes_on_when_a_run_is_resumed() {
    let place = Place::new();
    let decay = "tasks.like.weight_schedule={ type = \"decay\", rate = 0.3 }";
    place.train("constant", &["train.epochs=1"]).unwrap();
    place.train("once", &["train.epochs=1", decay]).unwrap();
    assert!(place.weights("constant") == place.weights("once"), "the first epoch has the weight as it was written");
    let whole = place.train("whole", &["train.epochs=3", decay, "data.valid=[]"]).unwrap();
    place.train("cut", &["train.epochs=2", decay, "data.valid=[]"]).unwrap();
    place.resume("cut", &["train.epochs=3", decay, "data.valid=[]"]).unwrap();
    assert!(place.weights("whole") == place.weights("cut"));
    let constant = place.train("constant", &["train.epochs=3", "data.valid=[]"]).unwrap();
    assert!(place.weights("whole") != place.weights("constant"));
    // The weighted sum of what is minimised falls by the schedule, the task's own loss does not know of it.
    let [first, third] = [0, 2].map(|e| whole.history.epochs[e].train_loss / constant.history.epochs[e].train_loss);
    assert!(first == 1.0 && third < 0.9, "{first} {third}");
}

/// The tensors of a run whose names begin so.
fn tensors(place: &Place, out: &str, prefix: &str) -> Vec<(String, Vec<u32>)> {
    let predictor = place.predictor(out);
    let network = predictor.network();
    let all = network.layers().into_iter().chain(network.tables());
    all.filter(|t| t.name.starts_with(prefix)).map(|t| (t.name, t.data.iter().map(|v| v.to_bits()).collect())).collect()
}

#[test]
fn a_task_that_says_nothing_harms_no_other() {
    let single = "model.multi_task=single";
    let place = place(|_, _| ());
    place.train("whole", &[single]).unwrap();
    for (out, cell) in [("no positive", "0"), ("no label", "")] {
        let change = |_: usize, cells: &mut Vec<String>| cells[LIKE] = cell.to_owned();
        place.write("train.csv", &rows(700, 1, change));
        place.write("valid.csv", &rows(200, 2, change));
        // Nothing is shared: to the bit.
        place.train(out, &[single]).unwrap();
        for task in ["finish/", "watch/"] {
            let ours = tensors(&place, out, task);
            assert!(!ours.is_empty() && ours == tensors(&place, "whole", task), "{out}: {task}");
        }
        // With all shared: the others learn, their mean is watched, and every score is finite.
        let sets = [
            "train.early_stopping={metric=\"mean.auc\", patience=3}",
            "train.epochs=5",
            "tasks.like.class_weights=[1, 9]",
        ];
        let result = place.train("shared", &sets).unwrap();
        let last = result.history.epochs.last().unwrap();
        assert!(last.valid.as_ref().unwrap().tasks[0].metrics.get("auc").unwrap() > 0.7);
        assert_eq!(last.valid.as_ref().unwrap().tasks[1].metrics.get("auc"), None);
        let collected = collect(&place.predictor("shared"), &["valid.csv".into()], place.dir.path()).unwrap();
        assert!(collected.scores.iter().flatten().all(|score| score.is_finite()));
    }
}

#[test]
fn gauc_is_the_mean_of_the_groups_aucs() {
    let place = place(|i, cells| {
        if i % 11 == 5 {
            cells[0].clear();
        }
    });
    for (weight, by_positives) in [("impressions", false), ("positives", true)] {
        let group = format!("data.group_weight={weight}");
        let sets = ["data.group=uid", &group, "train.early_stopping={metric=\"mean.gauc\", patience=1}"];
        let result = place.train("run", &sets).unwrap();
        let collected = collect(&place.predictor("run"), &["valid.csv".into()], place.dir.path()).unwrap();
        let text = std::fs::read_to_string(place.path("valid.csv")).unwrap();
        let users: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        let (mut sum, mut total) = (0.0, 0.0);
        for user in users.iter().filter(|user| !user.is_empty()).collect::<std::collections::BTreeSet<_>>() {
            let of: Vec<(f32, f32)> = (0..users.len())
                .filter(|&i| users[i] == *user && !collected.labels[0][i].is_nan())
                .map(|i| (collected.scores[0][i], collected.labels[0][i]))
                .collect();
            let (mut wins, mut pairs) = (0.0, 0.0);
            for (positive, _) in of.iter().filter(|row| row.1 == 1.0) {
                for (negative, _) in of.iter().filter(|row| row.1 == 0.0) {
                    pairs += 1.0;
                    wins += if positive > negative { 1.0 } else { f64::from(u8::from(positive == negative)) / 2.0 };
                }
            }
            if pairs > 0.0 {
                let weight = of.iter().filter(|row| !by_positives || row.1 == 1.0).count() as f64;
                (sum, total) = (sum + weight * wins / pairs, total + weight);
            }
        }
        let best = result.history.best.unwrap() - 1;
        let gauc = result.history.epochs[best].valid.as_ref().unwrap().tasks[0].metrics.get("gauc").unwrap();
        assert!((gauc - sum / total).abs() < 1e-12, "{gauc} for {}", sum / total);
        let measured = evaluate(&place.predictor("run"), &["valid.csv".into()], place.dir.path()).unwrap();
        assert_eq!(measured.tasks[0].metrics.get("gauc"), Some(gauc));
    }
}
