//! Stopping and going on equals never having stopped, and a damaged checkpoint is refused.

use std::fs;
use std::sync::atomic::Ordering;

use polyrank_train::{Event, RunOptions, RunResult, run};

use crate::support::{Place, names, refused};

const SETS: [&str; 5] = [
    "model.dropout=0.2",
    "model.batch_norm=true",
    "train.optimizer={type=\"adam\"}",
    "train.learning_rate_decay=0.5",
    // Rounds at random, by seed and step.
    "train.table_precision=\"bf16\"",
];

fn with(more: &str) -> Vec<&str> {
    [&SETS[..], &[more]].concat()
}

/// Without validation rows the last epoch is kept, else the best.
const VALID: [&str; 2] = ["data.valid=[]", "data.valid=[\"valid.csv\"]"];

/// Trains four epochs, but stops in `epoch` as soon as `rows` rows of it were trained on.
fn stop_in(place: &Place, out: &str, valid: &str, epoch: usize, rows: u64) -> RunResult {
    let options: RunOptions = place.options(out);
    let (mut at, stop) = (0, options.stop.clone());
    let config = place.config(&[&with("train.epochs=4")[..], &[valid]].concat());
    run(&config, &options, &mut |event| match event {
        Event::EpochBegins(number, ..) => at = number,
        Event::Step(seen, _) if at == epoch && seen >= rows => stop.store(true, Ordering::Relaxed),
        _ => {}
    })
    .unwrap()
}

fn epochs_logged(place: &Place, out: &str) -> Vec<u64> {
    let log = fs::read_to_string(place.path(out).join("log.jsonl")).unwrap();
    log.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["epoch"].as_u64().unwrap())
        .collect()
}

#[test]
fn resuming_equals_never_having_stopped() {
    let place = Place::new();
    for valid in VALID {
        let sets = |epochs| [&with(epochs)[..], &[valid]].concat();
        let straight = place.train("straight", &sets("train.epochs=4")).unwrap();
        place.train("parts", &sets("train.epochs=2")).unwrap();
        if valid == VALID[0] {
            assert!(place.weights("straight") != place.weights("parts"));
        }
        let resumed = place.resume("parts", &sets("train.epochs=4")).unwrap();
        assert!(place.weights("straight") == place.weights("parts"), "{valid}");
        let figures = |result: &RunResult| {
            result.history.epochs.iter().map(|e| (e.train_loss.to_bits(), e.valid.clone())).collect::<Vec<_>>()
        };
        assert_eq!(figures(&straight), figures(&resumed));
        assert_eq!(straight.history.best, resumed.history.best);
        assert_eq!(epochs_logged(&place, "parts"), [1, 2, 3, 4]);
        // Nothing left to do: the same bundle again.
        place.resume("parts", &sets("train.epochs=4")).unwrap();
        assert!(place.weights("straight") == place.weights("parts"), "{valid}");
    }
}

#[test]
fn stopping_within_an_epoch_leaves_a_bundle_and_can_go_on() {
    let place = Place::new();
    for (valid, epoch, rows) in [(VALID[0], 1, 150), (VALID[0], 3, 300), (VALID[1], 1, 150), (VALID[1], 3, 300)] {
        let sets = [&with("train.epochs=4")[..], &[valid]].concat();
        place.train("straight", &sets).unwrap();
        let stopped = stop_in(&place, "stopped", valid, epoch, rows);
        assert!(stopped.interrupted);
        assert_eq!(stopped.history.epochs.len(), epoch - 1, "an epoch that was not finished does not count");
        let predictor = place.predictor("stopped");
        let raw = place.raw("valid.csv", &predictor.config().columns_needed(false));
        assert!(predictor.score(&raw.batch).unwrap().values.iter().all(|v| v.is_finite()));
        assert!(place.path("stopped/report.html").is_file());
        if valid == VALID[0] {
            assert!(place.weights("straight") != place.weights("stopped"));
        }
        let resumed = place.resume("stopped", &sets).unwrap();
        assert!(!resumed.interrupted);
        assert!(place.weights("straight") == place.weights("stopped"), "{valid}, stopped in epoch {epoch}");
        assert_eq!(epochs_logged(&place, "stopped"), [1, 2, 3, 4]);
    }
}

#[test]
fn the_latest_and_the_best_checkpoint_stay() {
    let place = Place::new();
    let result = place.train("run", &with("train.epochs=4")).unwrap();
    let mut kept = vec![format!("epoch-{:04}", result.history.best.unwrap()), "epoch-0004".to_owned()];
    kept.dedup();
    assert_eq!(names(&place.path("run/checkpoints")), kept);
    assert_eq!(names(&place.path("run")), ["bundle", "checkpoints", "log.jsonl", "report.html"]);
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let place = Place::new();
    place.train("run", &with("train.epochs=1")).unwrap();
    let dir = place.path("run/checkpoints/epoch-0001");
    let resume = || place.resume("run", &with("train.epochs=2"));
    let files = names(&dir);
    assert!(files.len() > 4, "{files:?}");
    for name in &files {
        let (path, whole) = (dir.join(name), fs::read(dir.join(name)).unwrap());
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let cut_off = refused(resume(), &[name, "damaged", "without --resume"]);
        assert!(cut_off.is_input());
        fs::remove_file(&path).unwrap();
        refused(resume(), &[name]);
        for at in [whole.len() / 3, whole.len() / 2, whole.len() - 2] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            refused(resume(), &[name, "damaged"]);
        }
        fs::write(&path, &whole).unwrap();
    }
    fs::write(dir.join("extra"), "x").unwrap();
    refused(resume(), &["extra", "does not belong"]);
    fs::remove_file(dir.join("extra")).unwrap();
    resume().unwrap();
}

#[test]
fn a_checkpoint_continues_only_its_own_run() {
    let place = Place::new();
    place.train("run", &with("train.epochs=1")).unwrap();
    for other in ["train.seed=7", "model.towers={units=[5]}", "train.batch_size=151"] {
        refused(place.resume("run", &with(other)), &["state.json", "another configuration or other rows"]);
    }
    place.resume("run", &with("train.threads=3")).unwrap();
    place.write("train.csv", &crate::support::csv(701, 1));
    refused(place.resume("run", &SETS), &["another configuration or other rows"]);
}

#[test]
fn a_run_that_cannot_be_written_leaves_the_old_bundle() {
    let place = Place::new();
    place.train("run", &[]).unwrap();
    let old = place.weights("run");
    // What the new bundle would be written to is taken by a file.
    let taken = place.path("run").join(format!(".bundle.new-{}", std::process::id()));
    fs::write(&taken, "").unwrap();
    let error = refused(place.train("run", &["train.seed=9"]), &["run"]);
    assert!(!error.is_input());
    assert!(place.weights("run") == old);
    place.predictor("run");
}
