//! Averaged weights: the mean of what the epochs end with, resumed or not.

use std::sync::atomic::Ordering;

use polyrank_model::bundle;
use polyrank_train::{Event, run};

use crate::support::Place;

const SETS: [&str; 5] = [
    "model.dropout=0.2",
    "model.batch_norm=true",
    "train.optimizer={type=\"adam\"}",
    "data.valid=[]",
    "train.average_from=2",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SETS[..], more].concat()
}

/// All numbers of a run's bundle.
fn numbers(place: &Place, out: &str) -> Vec<f32> {
    let network = bundle::load(&place.path(out).join("bundle")).unwrap().network;
    network.layers().into_iter().chain(network.tables()).flat_map(|tensor| tensor.data).collect()
}

#[test]
fn the_bundle_holds_the_mean_of_the_epochs() {
    let place = Place::new();
    let plain: Vec<&str> = SETS[..4].to_vec();
    let ends: Vec<Vec<f32>> = (2..=4)
        .map(|epochs| {
            let epochs = format!("train.epochs={epochs}");
            place.train("plain", &[&plain[..], &[&epochs]].concat()).unwrap();
            numbers(&place, "plain")
        })
        .collect();
    let result = place.train("averaged", &with(&["train.epochs=4"])).unwrap();
    let averaged = numbers(&place, "averaged");
    let mut moved = 0;
    for (i, mean) in averaged.iter().enumerate() {
        let expected = ends.iter().map(|end| f64::from(end[i])).sum::<f64>() / 3.0;
        assert!((f64::from(*mean) - expected).abs() <= 1e-6 * expected.abs().max(1e-2), "{i}: {mean}, {expected}");
        moved += usize::from((f64::from(ends[2][i]) - expected).abs() > 1e-4);
    }
    assert!(moved > averaged.len() / 4, "{moved} of {}", averaged.len());
    // Training itself goes on from its own weights.
    let losses = |result: &polyrank_train::RunResult| {
        result.history.epochs.iter().map(|e| e.train_loss.to_bits()).collect::<Vec<_>>()
    };
    let straight = place.train("plain", &[&plain[..], &["train.epochs=4"]].concat()).unwrap();
    assert_eq!(losses(&result), losses(&straight));
    // One epoch is its own mean.
    place.train("last", &with(&["train.epochs=4", "train.average_from=4"])).unwrap();
    assert_eq!(numbers(&place, "last"), ends[2]);
}

#[test]
fn what_is_averaged_is_what_is_measured_and_resumed() {
    let place = Place::new();
    for valid in ["data.valid=[]", "data.valid=[\"valid.csv\"]"] {
        let sets = |epochs| with(&[valid, epochs]);
        let straight = place.train("straight", &sets("train.epochs=5")).unwrap();
        place.train("parts", &sets("train.epochs=3")).unwrap();
        let resumed = place.resume("parts", &sets("train.epochs=5")).unwrap();
        assert!(place.weights("straight") == place.weights("parts"), "{valid}");
        let figures = |result: &polyrank_train::RunResult| {
            result.history.epochs.iter().map(|e| e.valid.clone()).collect::<Vec<_>>()
        };
        assert_eq!(figures(&straight), figures(&resumed));
        // What the bundle's weights, the mean, score is what its epoch was measured by.
        let best = straight.history.best.and_then(|best| straight.history.epochs[best - 1].valid.clone());
        let metrics = bundle::load(&place.path("straight").join("bundle")).unwrap().metrics;
        assert_eq!(metrics["valid"], serde_json::to_value(best).unwrap(), "{valid}");

        // Stopped within the fourth epoch, and finished.
        let (mut at, options) = (0, place.options("stopped"));
        let config = place.config(&sets("train.epochs=5"));
        let stopped = run(&config, &options, &mut |event| match event {
            Event::EpochBegins(number, ..) => at = number,
            Event::Step(..) if at == 4 => options.stop.store(true, Ordering::Relaxed),
            _ => {}
        });
        assert!(stopped.unwrap().interrupted);
        place.train("three", &sets("train.epochs=3")).unwrap();
        assert!(place.weights("stopped") == place.weights("three"), "{valid}: the mean of the finished epochs");
        place.resume("stopped", &sets("train.epochs=5")).unwrap();
        assert!(place.weights("straight") == place.weights("stopped"), "{valid}");
    }
}

#[test]
fn a_best_epoch_before_the_first_average_is_kept_as_it_was() {
    let place = Place::new();
    // A rate so high that later epochs are worse.
    let optimizer = "train.optimizer={type=\"sgd\", learning_rate=1.5}";
    let sets = ["data.valid=[\"valid.csv\"]", "train.best_metric=\"mean.loss\"", "train.epochs=6", optimizer];
    let plain = place.train("plain", &sets).unwrap();
    let averaged = place.train("averaged", &[&sets[..], &["train.average_from=6"]].concat()).unwrap();
    assert!(plain.history.best < Some(6) && averaged.history.best == plain.history.best, "{:?}", plain.history.best);
    assert!(place.weights("plain") == place.weights("averaged"));
}
