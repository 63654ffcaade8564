//! Tasks of several classes, from rows to scores.

use std::collections::BTreeSet;

use polyrank_train::evaluate::{collect, evaluate};

use crate::support::{CONFIG, Place, Random, bits, parse, refused};
use polyrank_train::{RunOptions, RunResult, TrainError, run};

const GRADES: &str = "[[tasks]]\nname = \"grade\"\nkind = \"multi_class\"\nclasses = [\"bad\", \"so, so\", \"good\"]\n";

/// Rows whose grade follows from the item; every seventh is missing.
fn csv(rows: usize, seed: u64, grades: [&str; 3]) -> String {
    let mut random = Random(seed);
    let mut text = "uid,item_id,tags,duration,finish,like,watch,grade\n".to_owned();
    for i in 0..rows {
        let (uid, item, duration) = (random.below(40), random.below(30), 1 + random.below(60));
        let noisy = if random.below(10) == 0 { random.below(3) } else { item % 3 };
        let grade = if i % 7 == 6 { "" } else { grades[noisy as usize] };
        text += &format!("u{uid},{item},t{},{duration},{},0,0.5,\"{grade}\"\n", item % 4, item % 2);
    }
    text
}

// A tower of four rectified units can start with all of them dead.
const LEARNS: [&str; 4] = [
    "train.epochs=15",
    "model.towers.units=[16]",
    "train.optimizer={ type = \"adam\", learning_rate = 0.02 }",
    "train.best_metric=grade.logloss",
];

const NAMES: [&str; 3] = ["bad", "so, so", "good"];

fn train(place: &Place, out: &str, sets: &[&str]) -> Result<RunResult, TrainError> {
    let text = CONFIG.replace("[[tasks]]\nname = \"like\"\n", GRADES);
    let config = parse(&text, sets).unwrap();
    let options: RunOptions = place.options(out);
    run(&config, &options, &mut |_| ())
}

fn place() -> Place {
    let place = Place::empty();
    place.write("train.csv", &csv(700, 1, NAMES));
    place.write("valid.csv", &csv(200, 2, NAMES));
    place
}

#[test]
fn a_run_learns_classes_and_its_bundle_scores_them_alike() {
    let place = place();
    let result = train(&place, "run", &LEARNS).unwrap();
    let predictor = place.predictor("run");
    let files = ["valid.csv".to_owned()];
    let measured = evaluate(&predictor, &files, place.dir.path()).unwrap();
    let best = &result.history.epochs[result.history.best.unwrap() - 1];
    assert_eq!(Some(&measured.tasks), best.valid.as_ref().map(|valid| &valid.tasks), "to the last bit");
    let grade = &measured.tasks[1];
    let names: BTreeSet<&str> = grade.metrics.iter().map(|(name, _)| name).collect();
    assert_eq!(names, BTreeSet::from(["logloss", "accuracy", "rows"]));
    let metric = |name| grade.metrics.get(name).unwrap();
    // Guessing gives a third, and ln 3 = 1.0986.
    assert!(metric("accuracy") > 0.8 && metric("logloss") < 0.8, "{:?}", grade.metrics);
    assert_eq!(metric("rows"), 172.0);
    assert!((grade.loss.unwrap() - metric("logloss")).abs() < 1e-12);

    let collected = collect(&predictor, &files, place.dir.path()).unwrap();
    assert_eq!(collected.scores.iter().map(Vec::len).collect::<Vec<_>>(), [200, 600, 200]);
    for row in collected.scores[1].chunks_exact(3) {
        assert!(row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
    let rows = place.raw("valid.csv", &predictor.config().columns_needed(false)).batch;
    let whole = predictor.score(&rows).unwrap();
    assert_eq!(whole.widths, [1, 3, 1]);
    assert_eq!(bits(&whole.task(1)), bits(&collected.scores[1]));
    for row in [0, 63, 64, 199] {
        let alone = predictor.score(&rows.slice(row, 1)).unwrap();
        assert_eq!(bits(&alone.values), bits(&whole.values[5 * row..5 * row + 5]));
    }
    let page = std::fs::read_to_string(place.path("run").join("report.html")).unwrap();
    assert!(page.contains("grade") && page.contains("accuracy"));
}

/// What a class weighs is what its rows weigh: in the loss, whose weights end up the same to the bit, and in the metrics.
#[test]
fn classes_weigh_what_their_rows_would() {
    let place = place();
    let [bad, so_so, good] = [0.5, 2.0, 3.0];
    let weights = format!("tasks.grade.class_weights=[{bad}, {so_so}, {good}]");
    let plain = train(&place, "plain", &["train.epochs=2"]).unwrap();
    let by_class = train(&place, "classes", &["train.epochs=2", &weights]).unwrap();
    for (file, rows, seed) in [("train.csv", 700, 1), ("valid.csv", 200, 2)] {
        let text = csv(rows, seed, NAMES);
        let weigh = |line: &str| {
            let weight = NAMES.iter().zip([bad, so_so, good]).find(|(name, _)| line.ends_with(&format!("\"{name}\"")));
            format!("{line},{}\n", weight.map_or(String::new(), |(_, weight)| weight.to_string()))
        };
        let (header, lines) = text.split_once('\n').unwrap();
        place.write(file, &format!("{header},w\n{}", lines.lines().map(weigh).collect::<String>()));
    }
    let by_row = train(&place, "rows", &["train.epochs=2", "tasks.grade.weight_column=w"]).unwrap();
    let weights = |out: &str| {
        let dir = place.path(out).join("bundle");
        ["weights.safetensors", "tables.safetensors"].map(|file| std::fs::read(dir.join(file)).ok())
    };
    assert!(weights("classes")[0].is_some() && weights("classes") == weights("rows"));
    assert!(weights("classes") != weights("plain"));
    let grade = |result: &RunResult| result.history.epochs[1].valid.clone().unwrap().tasks[1].clone();
    assert_eq!(grade(&by_class), grade(&by_row));
    assert!(grade(&plain).metrics.get("weighted_logloss").is_none());

    // The weighted logloss is its definition.
    let collected = collect(&place.predictor("classes"), &["valid.csv".to_owned()], place.dir.path()).unwrap();
    let (mut sum, mut total) = (0.0, 0.0);
    for (scores, label) in collected.scores[1].chunks_exact(3).zip(&collected.labels[1]) {
        if !label.is_nan() {
            let weight = [bad, so_so, good][*label as usize];
            sum -= weight * f64::from(scores[*label as usize]).ln();
            total += weight;
        }
    }
    let measured = evaluate(&place.predictor("classes"), &["valid.csv".to_owned()], place.dir.path()).unwrap();
    let found = measured.tasks[1].metrics.get("weighted_logloss").unwrap();
    assert!((found - sum / total).abs() < 1e-9, "{found} {}", sum / total);
}

#[test]
fn a_label_that_is_no_class_is_an_error_with_its_line() {
    let place = place();
    place.write("train.csv", &csv(20, 1, ["bad", "worse", "good"]));
    let error =
        refused(train(&place, "run", &[]), &["train.csv:", "column `grade`", "`worse` is none of the 3 classes"]);
    assert!(error.to_string().contains("add it to `classes`"), "{error}");
}

#[test]
fn classes_alone_are_stopped_by_their_logloss() {
    let place = place();
    let text = CONFIG.replace("[[tasks]]\nname = \"finish\"\n\n[[tasks]]\nname = \"like\"\n", GRADES);
    let text = text.replace("[[tasks]]\nname = \"watch\"\nkind = \"regression\"\n", "");
    let config = parse(&text, &["train.early_stopping={}", "model.multi_task=single"]).unwrap();
    assert_eq!((config.tasks.len(), config.train.best_metric.as_str()), (1, "mean.logloss"));
    assert!(
        parse(&text, &["train.best_metric=grade.auc", "model.multi_task=single"])
            .unwrap_err()
            .to_string()
            .contains("no metric \"auc\"")
    );
    let result = run(&config, &place.options("run"), &mut |_| ()).unwrap();
    assert!(result.history.best.is_some());
}

#[test]
fn score_columns_that_would_be_two_tasks_are_refused() {
    let text = CONFIG.replace("[[tasks]]\nname = \"like\"\n", GRADES);
    let text = text.replace("name = \"finish\"", "name = \"grade_good\"");
    let error = parse(&text, &[]).unwrap_err().to_string();
    assert!(error.contains("\"grade_good\" would also be one of the task \"grade_good\""), "{error}");
}
