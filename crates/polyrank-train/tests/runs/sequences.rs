//! Histories and numbers as embeddings, the whole way: from rows to a bundle that scores them.

use crate::support::{Place, Random, bits, parse};

const CONFIG: &str = r#"
[data]
train = ["train.csv"]
valid = ["valid.csv"]

[[features]]
name = "item_id"
kind = "categorical"
dim  = 8
side = "item"

[[features]]
name  = "seen"
kind  = "categorical"
table = "item_id"
list  = { combiner = "din", target = "item_id", max_length = 6 }

[[features]]
names     = ["duration", "age"]
kind      = "dense"
encoder   = { type = "standard" }
embedding = { type = "linear", dim = 4 }

[[tasks]]
name = "finish"

[[tasks]]
name = "like"

[model]
multi_task = { type = "shared_bottom", units = [16] }
towers     = { units = [4] }
embedding_init_std = 0.1

[train]
batch_size = 100
epochs     = 4
threads    = 2
optimizer  = { type = "adagrad", learning_rate = 0.05 }
"#;

/// Rows in which an item is finished if the last one seen is of its kind; histories are empty, long or too long.
fn csv(rows: usize, seed: u64) -> String {
    let mut random = Random(seed);
    let mut text = "item_id,seen,duration,age,finish,like\n".to_owned();
    for i in 0..rows {
        let item = random.below(20);
        let seen: Vec<String> = (0..random.below(9)).map(|_| random.below(20).to_string()).collect();
        let last = seen.last().map_or(99, |last| last.parse::<u64>().unwrap());
        let finish = u64::from(random.below(10) < if last % 4 == item % 4 { 9 } else { 2 });
        let (duration, age) = (random.below(100), random.below(50));
        let like = u64::from((duration / 10) % 2 == 0);
        let age = if i % 7 == 0 { String::new() } else { age.to_string() };
        text += &format!("{item},{},{duration},{age},{finish},{like}\n", seen.join("|"));
    }
    text
}

fn place() -> Place {
    let place = Place::empty();
    place.write("train.csv", &csv(1500, 1));
    place.write("valid.csv", &csv(200, 2));
    place
}

/// Trains; fails unless the loss falls, and unless every row scores the same bits alone as in the batch.
fn whole_way(place: &Place, sets: &[&str]) {
    let config = parse(CONFIG, sets).unwrap_or_else(|e| panic!("{sets:?}: {e}"));
    let result = polyrank_train::run(&config, &place.options("run"), &mut |_| ()).unwrap();
    let losses: Vec<f64> = result.history.epochs.iter().map(|e| e.train_loss).collect();
    assert!(losses[3] < losses[0], "{sets:?}: {losses:?}");
    let predictor = place.predictor("run");
    let rows = place.raw("valid.csv", &predictor.config().columns_needed(false)).batch;
    let whole = predictor.score(&rows).unwrap();
    assert!(whole.values.iter().all(|v| v.is_finite()), "{sets:?}");
    for row in 0..rows.num_rows() {
        let alone = predictor.score(&rows.slice(row, 1)).unwrap();
        assert_eq!(bits(&alone.values), bits(&whole.values[2 * row..][..2]), "{sets:?}: row {row}");
    }
}

#[test]
fn every_sequence_encoder_learns_and_scores_rows_alike() {
    let place = place();
    for spec in polyrank_model::sequence::SPECS {
        whole_way(&place, &[&format!("features.seen.list.combiner={}", spec.name)]);
    }
    for set in ["combiner=\"din\", softmax=true", "combiner=\"dien\", evolution=\"agru\"", "combiner=\"bst\", blocks=2"]
    {
        whole_way(&place, &[&format!("features.seen.list={{{set}, target=\"item_id\", max_length=3}}")]);
    }
    whole_way(&place, &["model.multi_task=single", "model.interaction=fm"]);
}

#[test]
fn every_embedding_of_numbers_learns_and_scores_rows_alike() {
    let place = place();
    for spec in polyrank_model::number::SPECS {
        for shared in [false, true] {
            let set = format!("{{type=\"{}\", shared={shared}}}", spec.name);
            whole_way(
                &place,
                &[&format!("features.duration.embedding={set}"), &format!("features.age.embedding={set}")],
            );
        }
    }
    whole_way(
        &place,
        &["features.duration.encoder=piecewise_linear", "features.age.encoder={type=\"piecewise_linear\", bins=5}"],
    );
}

#[test]
fn what_a_history_holds_matters_by_its_order() {
    let place = place();
    for combiner in ["dien", "bst"] {
        let config = parse(CONFIG, &[&format!("features.seen.list.combiner={combiner}")]).unwrap();
        polyrank_train::run(&config, &place.options("run"), &mut |_| ()).unwrap();
        let predictor = place.predictor("run");
        let columns = predictor.config().columns_needed(false);
        place.write("ways.csv", "item_id,seen,duration,age\n3,7|1|2,5,5\n3,2|1|7,5,5\n3,9|9|9|9|7|1|2,5,5\n");
        let scores = predictor.score(&place.raw("ways.csv", &columns).batch).unwrap().values;
        assert_ne!(scores[..2], scores[2..4], "{combiner}");
        assert_ne!(scores[..2], scores[4..], "{combiner}");
    }
    // The last six values are kept.
    let predictor = place.predictor("run");
    let columns = predictor.config().columns_needed(false);
    place.write("long.csv", "item_id,seen,duration,age\n3,9|8|1|2|3|4|5|6,5,5\n3,1|2|3|4|5|6,5,5\n");
    let scores = predictor.score(&place.raw("long.csv", &columns).batch).unwrap().values;
    assert_eq!(bits(&scores[..2]), bits(&scores[2..]));
}

#[test]
fn heads_that_do_not_share_the_dimensions_are_refused() {
    let place = place();
    let config = parse(CONFIG, &["features.seen.list.combiner=bst", "features.item_id.dim=6", "features.seen.dim=6"]);
    let error = polyrank_train::run(&config.unwrap(), &place.options("run"), &mut |_| ()).err().unwrap().to_string();
    assert!(error.contains("8 heads") && error.contains("`dim`"), "{error}");
}
