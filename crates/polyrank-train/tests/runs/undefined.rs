//! Labels that say nothing: missing everywhere, of one class only, missing in a batch.

use polyrank_train::evaluate::evaluate;

use crate::support::{HEADER, Place, csv};

fn relabelled(rows: usize, seed: u64, change: impl Fn(usize, &mut [String])) -> String {
    let mut text = format!("{HEADER}\n");
    for (i, line) in csv(rows, seed).lines().skip(1).enumerate() {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        change(i, &mut cells);
        text += &(cells.join(",") + "\n");
    }
    text
}

const FINISH: usize = 4;
const LIKE: usize = 5;
const WATCH: usize = 6;

#[test]
fn one_class_in_the_validation_rows_leaves_the_auc_undefined() {
    let place = Place::new();
    place.write("valid.csv", &relabelled(200, 2, |_, cells| cells[LIKE] = "0".into()));
    let result = place.train("run", &["train.epochs=3"]).unwrap();
    assert_eq!(result.history.epochs.len(), 3);
    for epoch in &result.history.epochs {
        let tasks = &epoch.valid.as_ref().unwrap().tasks;
        assert!(tasks[0].metrics.get("auc").is_some_and(|auc| auc > 0.5));
        assert_eq!(tasks[1].metrics.get("auc"), None);
        assert!(tasks[1].metrics.get("logloss").is_some() && tasks[1].loss.is_some());
    }
    // The mean is over the tasks that have an AUC, so the best epoch is that of the other task.
    let aucs: Vec<f64> =
        result.history.epochs.iter().map(|e| e.valid.as_ref().unwrap().tasks[0].metrics.get("auc").unwrap()).collect();
    let best = aucs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).unwrap().0 + 1;
    assert_eq!(result.history.best, Some(best));
    let log = std::fs::read_to_string(place.path("run/log.jsonl")).unwrap();
    assert!(log.lines().all(|line| line.contains("\"auc\":null")), "{log}");
}

#[test]
fn a_best_metric_that_is_never_defined_keeps_the_first_epoch_that_nothing_beats() {
    let place = Place::new();
    place.write("valid.csv", &relabelled(50, 2, |_, cells| cells[LIKE] = "1".into()));
    let sets =
        ["train.best_metric=\"like.auc\"", "train.early_stopping={metric=\"like.auc\", patience=2}", "train.epochs=6"];
    let result = place.train("run", &sets).unwrap();
    assert_eq!(result.history.epochs.len(), 2, "undefined is no improvement");
    assert_eq!(result.history.best, Some(2), "without a defined metric the latest epoch counts");
    place.predictor("run");
}

#[test]
fn a_task_without_any_validation_label_has_no_figures() {
    let place = Place::new();
    place.write("valid.csv", &relabelled(200, 2, |_, cells| (cells[LIKE], cells[WATCH]) = ("".into(), "nan".into())));
    let result = place.train("run", &[]).unwrap();
    let valid = result.history.epochs[1].valid.clone().unwrap();
    for task in &valid.tasks[1..] {
        assert_eq!(task.loss, None);
        assert!(
            task.metrics.iter().all(|(name, value)| value.is_none() || (name == "rows" && value == Some(0.0))),
            "{task:?}"
        );
    }
    assert!(valid.tasks[0].loss.is_some());
}

#[test]
fn a_task_without_any_training_label_learns_nothing_but_harms_no_other() {
    let place = Place::new();
    place.write("train.csv", &relabelled(700, 1, |_, cells| cells[LIKE] = String::new()));
    let result = place.train("run", &["train.epochs=4"]).unwrap();
    let last = &result.history.epochs[3];
    assert_eq!(last.task_train_loss[1], None);
    assert!(last.task_train_loss[0].unwrap() < result.history.epochs[0].task_train_loss[0].unwrap());
    assert!(last.train_loss.is_finite());
}

#[test]
fn a_batch_without_any_label_moves_nothing() {
    let place = Place::new();
    let sets = ["train.shuffle=false", "train.optimizer={type=\"sgd\"}", "train.epochs=1", "data.valid=[]"];
    // The second half of two batches lacks all labels.
    place.write(
        "train.csv",
        &relabelled(300, 1, |i, cells| {
            if i >= 150 {
                cells[FINISH..=WATCH].fill(String::new())
            }
        }),
    );
    place.train("one", &sets).unwrap();
    // In batches of half the size the last two lack them, in a batch of all rows the mean is over those that have them.
    place.train("all", &[&sets[..], &["train.batch_size=300"]].concat()).unwrap();
    for ((name, one), (_, all)) in place.weights("one").iter().zip(&place.weights("all")) {
        let close = numbers(one).iter().zip(numbers(all)).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close, "{name}");
    }
    // Without any label the weights stay where they start.
    place.write("train.csv", &relabelled(300, 1, |_, cells| cells[FINISH..=WATCH].fill(String::new())));
    place.train("none", &sets).unwrap();
    place
        .train("longer", &["train.shuffle=false", "train.optimizer={type=\"sgd\"}", "train.epochs=3", "data.valid=[]"])
        .unwrap();
    assert!(place.weights("none") == place.weights("longer"));
    assert!(place.weights("none") != place.weights("one"));
}

/// The numbers of a safetensors file: what follows its header.
fn numbers(bytes: &[u8]) -> Vec<f32> {
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

#[test]
fn evaluating_rows_without_labels_is_defined() {
    let place = Place::new();
    place.train("run", &[]).unwrap();
    place.write("test.csv", &relabelled(20, 3, |_, cells| cells[FINISH..=WATCH].fill(String::new())));
    let measured = evaluate(&place.predictor("run"), &["test.csv".into()], place.dir.path()).unwrap();
    assert_eq!(measured.rows, 20);
    assert!(measured.tasks.iter().all(|task| task.metrics.get("auc").is_none() && task.loss.is_none()));
}
