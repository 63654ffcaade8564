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
