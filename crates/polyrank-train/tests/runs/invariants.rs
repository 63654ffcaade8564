//! The same bits, whatever the threads and the batch.

use polyrank_model::Predictor;

use crate::support::{Place, bits};

/// Everything that draws random numbers or looks at the whole batch.
const STOCHASTIC: [&str; 4] =
    ["model.dropout=0.3", "model.batch_norm=true", "train.clip_norm=0.5", "train.table_precision=\"bf16\""];

fn with<'a>(sets: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [sets, more].concat()
}

#[test]
fn weights_do_not_depend_on_threads() {
    let place = Place::new();
    place.train("one", &with(&STOCHASTIC, &["train.threads=1"])).unwrap();
    for threads in [2, 4] {
        place.train("more", &with(&STOCHASTIC, &[&format!("train.threads={threads}")])).unwrap();
        assert!(place.weights("one") == place.weights("more"), "{threads} threads");
    }
    place.train("more", &with(&STOCHASTIC, &["train.seed=2"])).unwrap();
    assert!(place.weights("one") != place.weights("more"), "a seed matters");
    place.train("more", &with(&STOCHASTIC, &["data.shuffle_buffer=100"])).unwrap();
    assert!(place.weights("one") != place.weights("more"), "so does the order of the rows");
}

#[test]
fn weights_do_not_depend_on_more_threads_than_rows() {
    let place = Place::new();
    place.write("train.csv", &crate::support::csv(5, 1));
    place.train("one", &["train.batch_size=2"]).unwrap();
    place.train("more", &["train.batch_size=2", "train.threads=16"]).unwrap();
    assert!(place.weights("one") == place.weights("more"));
}

#[test]
fn a_row_scores_the_same_bits_alone_and_in_any_batch() {
    let place = Place::new();
    place.train("run", &STOCHASTIC).unwrap();
    let predictor = place.predictor("run");
    let rows = place.raw("valid.csv", &predictor.config().columns_needed(false)).batch;
    let whole = predictor.score(&rows).unwrap();
    let tasks = whole.widths.len();
    assert_eq!(whole.values.len(), 200 * 3);
    assert!(whole.values.iter().all(|v| v.is_finite()));
    for row in 0..rows.num_rows() {
        let alone = predictor.score(&rows.slice(row, 1)).unwrap();
        assert_eq!(bits(&alone.values), bits(&whole.values[row * tasks..][..tasks]), "row {row}");
    }
    for (from, count) in [(0, 65), (63, 2), (1, 199), (7, 130)] {
        let some = predictor.score(&rows.slice(from, count)).unwrap();
        assert_eq!(
            bits(&some.values),
            bits(&whole.values[from * tasks..][..count * tasks]),
            "{count} rows from {from}"
        );
    }
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| predictor.score(&rows)).unwrap();
        assert_eq!(bits(&again.values), bits(&whole.values), "{threads} threads");
    }
}

#[test]
fn training_validates_with_the_scores_that_the_bundle_gives() {
    let place = Place::new();
    let result = place.train("run", &STOCHASTIC).unwrap();
    let predictor: Predictor = place.predictor("run");
    let again = polyrank_train::evaluate::evaluate(&predictor, &["valid.csv".to_owned()], place.dir.path()).unwrap();
    let best = result.history.best.unwrap();
    let kept = result.history.epochs[best - 1].valid.clone().unwrap();
    assert_eq!(again.rows, 200);
    assert_eq!(again.tasks, kept.tasks, "to the last bit");
}
