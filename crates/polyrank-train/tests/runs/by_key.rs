//! Operators that know other rows, the whole way: tables joined, labels averaged out of fold, histories for DIN.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Place, Random, bits, parse};
use polyrank_train::evaluate::evaluate;
use polyrank_train::run;

const CONFIG: &str = r#"
[data]
train = ["train.csv"]
valid = ["valid.csv"]

[[operators]]
type    = "join"
files   = "items.csv"
on      = "item_id"
columns = ["kind"]

[[operators]]
type    = "history"
key     = "uid"
time    = "at"
collect = ["item_id"]
where   = "finish = 1"
into    = ["finished"]

[[operators]]
type    = "target_encoding"
columns = ["kind"]
target  = ["finish", "like"]
folds   = 3

[[operators]]
type       = "group_statistics"
by         = ["item_id"]
columns    = ["duration"]
statistics = ["count", "mean"]

[[operators]]
type    = "difference_lag"
key     = "uid"
time    = "at"
columns = ["at"]

[[features]]
name = "item_id"
kind = "categorical"
dim  = 8

[[features]]
name  = "finished"
kind  = "categorical"
table = "item_id"
list  = { combiner = "din", target = "item_id", max_length = 6 }

[[features]]
names   = ["te_kind_finish", "te_kind_like", "item_id_count", "item_id_duration_mean", "at_difference_lag_1"]
kind    = "dense"
encoder = "standard"

[[tasks]]
name     = "finish"

[[tasks]]
name     = "like"
positive = ["yes"]

[model]
multi_task = { type = "shared_bottom", units = [8] }
towers     = { units = [4] }

[train]
batch_size = 100
epochs     = 2
threads    = 1
"#;

/// Rows whose items' kind decides what is finished.
fn csv(rows: usize, seed: u64, start: usize) -> String {
    let mut random = Random(seed);
    let mut text = "uid,item_id,at,duration,finish,like\n".to_owned();
    for i in 0..rows {
        let (uid, item, duration) = (random.below(30), random.below(20), 1 + random.below(60));
        let finish = u64::from(random.below(10) < if item % 4 == 0 { 8 } else { 2 });
        let like = ["", "yes", "no", "no"][random.below(4) as usize];
        text += &format!("u{uid},{item},{},{duration},{finish},{like}\n", start + i / 2);
    }
    text
}

fn place() -> Place {
    let place = Place::empty();
    place.write("train.csv", &csv(600, 1, 0));
    place.write("valid.csv", &csv(150, 2, 300));
    // One item has no kind.
    let kinds: String = (0..19).map(|item| format!("{item},k{}\n", item % 4)).collect();
    place.write("items.csv", &format!("item_id,kind\n{kinds}"));
    place
}

/// What the operators of a run's bundle have fitted, by file.
fn fitted(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let folder = fs::read_dir(place.path("run").join("bundle/operators")).unwrap().map(|entry| entry.unwrap());
    folder.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn training_evaluation_and_the_bundle_agree_and_need_no_other_file() {
    let place = place();
    let config = parse(CONFIG, &[]).unwrap();
    assert_eq!(config.columns_needed(false), ["item_id", "uid", "at"]);
    let result = run(&config, &place.options("run"), &mut |_| ()).unwrap();
    let epoch = &result.history.epochs[result.history.best.unwrap() - 1];
    fs::remove_file(place.path("items.csv")).unwrap();
    fs::remove_file(place.path("train.csv")).unwrap();
    let predictor = place.predictor("run");
    let again = evaluate(&predictor, &["valid.csv".to_owned()], place.dir.path()).unwrap();
    assert_eq!(Some(again), epoch.valid, "to the last bit");
    let rows = place.raw("valid.csv", &predictor.config().columns_needed(false)).batch;
    let whole = predictor.score(&rows).unwrap();
    for row in 0..rows.num_rows() {
        let alone = predictor.score(&rows.slice(row, 1)).unwrap();
        assert_eq!(bits(&alone.values), bits(&whole.values[row * 2..][..2]), "row {row}");
    }
    // What the user finished before is no part of a row, yet the score depends on it.
    place.write("new.csv", "uid,item_id,at\nu1,3,0\nu1,3,300\nnobody,3,300\n");
    let scores = predictor.score(&place.raw("new.csv", &["item_id", "uid", "at"].map(str::to_owned)).batch).unwrap();
    assert_ne!(scores.values[..2], scores.values[2..4]);
}

#[test]
fn validation_rows_are_never_fitted_on() {
    let place = place();
    let config = parse(CONFIG, &[]).unwrap();
    run(&config, &place.options("run"), &mut |_| ()).unwrap();
    let before = fitted(&place);
    assert_eq!(before.len(), 10, "{:?}", before.keys());
    place.write("valid.csv", &csv(150, 3, 0));
    run(&config, &place.options("run"), &mut |_| ()).unwrap();
    assert_eq!(fitted(&place), before);
}

#[test]
fn operators_that_would_give_a_label_away_are_refused() {
    for (read, made, instead, told) in [
        ("columns    = [\"duration\"]", "item_id_duration_mean", "columns    = [\"finish\"]", "item_id_finish_mean"),
        ("columns = [\"at\"]", "at_difference_lag_1", "columns = [\"finish\"]", "finish_difference_lag_1"),
        ("columns = [\"kind\"]\ntarget", "te_kind", "columns = [\"like\"]\ntarget", "te_like"),
        (
            "key     = \"uid\"\ntime    = \"at\"\ncollect",
            "",
            "key     = \"like\"\ntime    = \"at\"\ncollect",
            "finished",
        ),
    ] {
        assert!(CONFIG.contains(read), "{read}");
        let text = CONFIG.replace(read, instead);
        let text = if made.is_empty() { text } else { text.replace(made, told) };
        let error = parse(&text, &[]).unwrap_err().to_string();
        let refused = error.lines().any(|line| line.contains(told) && line.contains("gives the answer away"));
        assert!(refused, "{told}: {error}");
    }
}

/// A label is averaged over the rows where its task learns it, unless the operator says otherwise.
#[test]
fn labels_are_averaged_where_their_task_is_learned() {
    let when = |text: &str| text.replace("positive = [\"yes\"]", "positive = [\"yes\"]\nwhen = \"finish = 1\"");
    let like_only = CONFIG.replace("target  = [\"finish\", \"like\"]", "target  = [\"like\"]");
    let like_only = like_only.replace("\"te_kind_finish\", ", "");
    let condition = |text: &str, sets: &[&str]| {
        let config = parse(text, sets).unwrap();
        let operator = config.operators.iter().find(|operator| operator.name == "target_encoding").unwrap();
        let told = config.in_force.iter().find(|choice| choice.key == "operators.target_encoding.where");
        let text = operator.block.has("where").then(|| operator.block.text("where").to_owned());
        (text, told.map(|choice| choice.because.clone()))
    };
    let because = Some("tasks.like.when".to_owned());
    assert_eq!(condition(&when(&like_only), &[]), (Some("finish = 1".to_owned()), because));
    assert_eq!(condition(&like_only, &[]).0, None);
    let all = condition(&when(&like_only), &["operators.target_encoding.where='true'"]);
    assert_eq!(all, (Some("true".to_owned()), None));
    let error = parse(&when(CONFIG), &[]).unwrap_err().to_string();
    assert!(
        error.contains("operators.target_encoding.where: the task `like` is learned only where finish = 1"),
        "{error}"
    );
    assert!(error.contains("an operator for each target"), "{error}");

    // Trained with it, and back from its bundle.
    let place = place();
    let config = parse(&when(&like_only), &[]).unwrap();
    run(&config, &place.options("run"), &mut |_| ()).unwrap();
    let explicit = parse(&like_only, &["operators.target_encoding.where='finish = 1'", "tasks.like.when='finish = 1'"]);
    run(&explicit.unwrap(), &place.options("explicit"), &mut |_| ()).unwrap();
    let fitted = fitted(&place);
    let folder = place.path("explicit").join("bundle/operators");
    assert!(fitted.iter().all(|(file, bytes)| fs::read(folder.join(file)).unwrap() == *bytes));
    evaluate(&place.predictor("run"), &["valid.csv".to_owned()], place.dir.path()).unwrap();
}
