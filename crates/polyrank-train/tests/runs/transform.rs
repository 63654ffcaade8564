//! A number learned as its logarithm: scores and metrics in its own units.

use polyrank_data::encode::{restored, transformed};
use polyrank_schema::config::LabelTransform;
use polyrank_train::evaluate::{collect, evaluate};

use crate::support::{HEADER, Place, bits, csv, refused};

const WATCH: usize = 6;
const LOG1P: &str = "tasks.watch.transform=log1p";

/// Rows whose `watch` is what `of` makes of its number.
fn rows(n: usize, seed: u64, of: impl Fn(f32) -> f32) -> String {
    csv(n, seed).lines().skip(1).fold(format!("{HEADER}\n"), |text, line| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if let Ok(number) = cells[WATCH].parse::<f32>() {
            cells[WATCH] = of(40.0 * number).to_string();
        }
        text + &cells.join(",") + "\n"
    })
}

fn place(of: impl Fn(f32) -> f32 + Copy) -> Place {
    let place = Place::empty();
    place.write("train.csv", &rows(700, 1, of));
    place.write("valid.csv", &rows(200, 2, of));
    place
}

#[test]
fn a_label_is_learned_as_its_logarithm_and_scored_in_its_units() {
    let (plain, logged) = (place(|y| y), place(|y| transformed(LabelTransform::Log1p, y)));
    let (by_key, by_hand) = (plain.train("run", &[LOG1P]).unwrap(), logged.train("run", &[]).unwrap());
    assert!(plain.weights("run") == logged.weights("run"), "to the last bit");
    plain.train("as it is", &[]).unwrap();
    assert!(plain.weights("as it is") != plain.weights("run"));

    // From the bundle: what the network says of the logarithm, back in the label's units.
    let files = ["valid.csv".to_owned()];
    let of = |place: &Place| collect(&place.predictor("run"), &files, place.dir.path()).unwrap();
    let (found, logs) = (of(&plain), of(&logged));
    let expected: Vec<f32> = logs.scores[2].iter().map(|score| restored(LabelTransform::Log1p, *score)).collect();
    assert_eq!(bits(&found.scores[2]), bits(&expected));
    assert_eq!(bits(&found.scores[1]), bits(&logs.scores[1]));
    let alone = plain.raw("valid.csv", &plain.predictor("run").config().columns_needed(false)).batch.slice(7, 1);
    assert_eq!(bits(&plain.predictor("run").score(&alone).unwrap().task(2)), bits(&found.scores[2][7..8]));

    // Metrics are of the label's units, the loss is what was minimised.
    let measured = evaluate(&plain.predictor("run"), &files, plain.dir.path()).unwrap();
    let pairs = found.scores[2].iter().zip(&found.labels[2]).filter(|(_, label)| !label.is_nan());
    let squares: Vec<f64> = pairs.map(|(score, label)| (f64::from(*score) - f64::from(*label)).powi(2)).collect();
    let rmse = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!((measured.tasks[2].metrics.get("rmse").unwrap() - rmse).abs() < 1e-9 * rmse);
    let last = |result: &polyrank_train::RunResult| result.history.epochs[1].valid.clone().unwrap().tasks[2].clone();
    let (loss, by_hand) = (last(&by_key).loss.unwrap(), last(&by_hand).loss.unwrap());
    assert!((loss - by_hand).abs() < 1e-5 * by_hand, "{loss} {by_hand}");
    assert_eq!(measured.tasks[2], last(&by_key));
}

#[test]
fn what_has_no_logarithm_is_an_error_with_its_line() {
    let place = place(|y| if y > 20.0 { -1.0 } else { y });
    let error = refused(place.train("run", &[LOG1P]), &[".csv:", "`watch`", "`-1` has no logarithm of 1 + y"]);
    assert!(error.to_string().contains("numbers above -1"), "{error}");
    let text = place.train("plain", &[]).map(|_| ());
    assert!(text.is_ok(), "{text:?}");
}
