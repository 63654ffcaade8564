//! `--set`: what it reaches, and its problems with their exact messages.

use polyrank_schema::config::{FeatureKind, RegressionLoss, TaskKind};
use polyrank_schema::{Config, SetOverride};

use crate::common::{BASE, EXAMPLE, REGISTRY, encoder, parse, problems};

fn dims(config: &Config) -> Vec<Option<usize>> {
    let dim = |kind: &FeatureKind| match kind {
        FeatureKind::Categorical { dim, .. } | FeatureKind::Bucketized { dim, .. } => *dim,
        FeatureKind::Dense { .. } | FeatureKind::Vector { .. } => None,
    };
    config.features.iter().map(|f| dim(&f.kind)).collect()
}

#[test]
fn a_key_takes_the_whole_value() {
    let config = parse(
        EXAMPLE,
        &["train.threads=2", "model.multi_task={type=\"omoe\"}", "train.optimizer=adam", "data.train=a.csv"],
    );
    assert_eq!(config.train.threads, Some(2));
    assert_eq!(config.model.multi_task.kind, "omoe");
    assert!(config.model.multi_task.units("gate_units").is_empty());
    assert_eq!(config.train.optimizer.kind, "adam");
    assert_eq!(config.train.embedding_optimizer.kind, "adam");
    assert_eq!(config.data.train, ["a.csv"]);
    assert!(!config.in_force.iter().any(|f| f.key == "train.threads"));
}

#[test]
fn a_key_inside_a_block_keeps_the_rest() {
    let config = parse(EXAMPLE, &["model.multi_task.experts=7", "train.optimizer.learning_rate=1"]);
    assert_eq!(config.model.multi_task.int("experts"), 7);
    assert_eq!(config.model.multi_task.units("gate_units"), [64]);
    assert_eq!(config.train.optimizer.float("learning_rate"), 1.0);
    let config = parse(BASE, &["model.multi_task=omoe", "model.multi_task.experts=7"]);
    assert_eq!((config.model.multi_task.kind.as_str(), config.model.multi_task.int("experts")), ("omoe", 7));
    let config = parse(BASE, &["train.embedding_optimizer.learning_rate=0.5"]);
    assert_eq!(config.train.embedding_optimizer.kind, "adagrad");
    assert_eq!(config.train.embedding_optimizer.float("learning_rate"), 0.5);
    assert_eq!(config.train.optimizer.float("learning_rate"), 0.01);
}

#[test]
fn early_stopping_can_be_taken_back() {
    assert!(parse(EXAMPLE, &[]).train.early_stopping.is_some());
    assert_eq!(parse(EXAMPLE, &["train.early_stopping=false"]).train.early_stopping, None);
}

#[test]
fn a_later_override_wins() {
    assert_eq!(parse(BASE, &["train.seed=1", "train.seed=2"]).train.seed, 2);
}

#[test]
fn features_key_reaches_every_entry_that_can_have_it() {
    let config = parse(EXAMPLE, &["features.dim=8"]);
    assert_eq!(dims(&config), [Some(8), Some(8), Some(8), None, Some(8), None]);
    let config = parse(EXAMPLE, &["features.encoder={type='hash', buckets=9}"]);
    assert_eq!(encoder(&config, "uid").int("buckets"), 9);
    assert_eq!(encoder(&config, "recent_items").int("buckets"), 9);
    assert_eq!(encoder(&config, "duration_time").kind, "min_max");
    let config = parse(BASE, &["features.encoder=log"]);
    assert_eq!((encoder(&config, "uid").kind.as_str(), encoder(&config, "age").kind.as_str()), ("vocabulary", "log"));
    let config = parse(EXAMPLE, &["features.encoder.min_count=3"]);
    assert_eq!(encoder(&config, "item_id").int("min_count"), 3);
    assert_eq!(encoder(&config, "item_id").int("oov_buckets"), 1);
}

#[test]
fn one_feature_of_several_names_is_singled_out_in_its_place() {
    let config = parse(EXAMPLE, &["features.item_id.dim=8", "features.item_id.column=user_city"]);
    assert_eq!(dims(&config), [Some(16), Some(8), Some(8), None, Some(4), None]);
    let names: Vec<&str> = config.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["uid", "item_id", "recent_items", "duration_time", "duration_bucket", "title"]);
    assert_eq!(config.features[1].column, "user_city");
    assert_eq!(encoder(&config, "item_id").int("min_count"), 10);
}

#[test]
fn tasks_are_reached_one_by_one_and_together() {
    let config = parse(EXAMPLE, &["tasks.weight=3", "tasks.like.weight=4", "tasks.delta=2"]);
    assert_eq!((config.tasks[0].weight, config.tasks[1].weight), (3.0, 4.0));
    assert_eq!(config.tasks[1].kind, TaskKind::Regression { loss: RegressionLoss::Huber { delta: 2.0 } });
}

#[test]
fn quoted_keys_and_lists_of_texts_hold_any_characters() {
    let text = BASE.replace("\"uid\"", "\"user.id=1\"");
    let config = parse(&text, &["features.\"user.id=1\".dim=5"]);
    assert_eq!(dims(&config)[0], Some(5));
    let files = vec!["a b.csv".to_owned(), "c\"=,.csv".to_owned()];
    let set = SetOverride::texts("data.train", &files).unwrap();
    assert_eq!(set.key(), "data.train");
    assert_eq!(polyrank_schema::parse(BASE, "c", &REGISTRY, &[set]).unwrap().data.train, files);
    assert_eq!(parse(BASE, &["data.separator=\\t"]).data.reading.separator, Some('\t'));
}

#[test]
fn text_that_is_no_override_is_refused() {
    for (text, expected) in [
        ("train.seed", "--set train.seed: no `=`; write KEY=VALUE, as train.threads=2"),
        (
            "train..seed=1",
            "--set train..seed: not a key; write it as in the file, as train.threads or features.\"a b\".dim",
        ),
        ("=1", "--set =1: not a key; write it as in the file, as train.threads or features.\"a b\".dim"),
        ("a=1\nb=2", "--set a: neither a TOML value nor one word: 1\\nb=2; put a text in quotes"),
        ("a\nb=2", "--set a\\nb: not a key; write it as in the file, as train.threads or features.\"a b\".dim"),
        ("a=", "--set a: no value; an empty text is \"\""),
        ("a=[1", "--set a: neither a TOML value nor one word: [1; put a text in quotes"),
        ("a=two words", "--set a: neither a TOML value nor one word: two words; put a text in quotes"),
    ] {
        assert_eq!(SetOverride::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn unknown_and_unfitting_overrides_name_the_set() {
    let cases: &[(&[&str], &str)] = &[
        (&["train.thread=2"], "--set train.thread: unknown key; did you mean `threads`?"),
        (&["train.threads=x"], "--set train.threads: expected a whole number from 1 to 1024, found the text \"x\""),
        (&["features.dimm=2"], "--set features.dimm: unknown key; did you mean `dim`?"),
        (&["features.size=2"], "--set features.size: no entry of [[features]] can have this"),
        (&["features.name=x"], "--set features.name: no entry of [[features]] can have this"),
        (&["features.ui.dim=2"], "--set features.ui.dim: no feature is named \"ui\"; did you mean \"uid\"?"),
        (&["features.uid.dim=0"], "--set features.uid.dim: expected a whole number from 1 to 4096, found 0"),
        (&["features.dim=0"], "--set features.dim: features.uid.dim: expected a whole number from 1 to 4096, found 0"),
        (&["tasks.likes.weight=2"], "--set tasks.likes.weight: no task is named \"likes\"; did you mean \"like\"?"),
        (&["tasks.weigth=2"], "--set tasks.weigth: unknown key; did you mean `weight`?"),
        (&["tasks.delta=2"], "--set tasks.delta: no entry of [[tasks]] can have this"),
        (
            &["model.multi_task={type='mmoe',expert=1}"],
            "--set model.multi_task: model.multi_task.expert: unknown key; did you mean `experts`?",
        ),
        (&["model.multi_task.expert=1"], "--set model.multi_task.expert: unknown key; did you mean `experts`?"),
        (
            &["features.encoder=vocabulry"],
            "--set features.encoder: features.uid.encoder: unknown type \"vocabulry\"; did you mean \"vocabulary\"?",
        ),
        (&["features.encoder.min_cuont=3"], "--set features.encoder.min_cuont: no entry of [[features]] can have this"),
        (&["features=[]"], "--set features: empty; write at least one [[features]] entry"),
        (
            &["servng=1"],
            "--set servng: unknown key; known: `data`, `columns`, `operators`, `features`, `tasks`, `model`, `train`",
        ),
        (
            &["features=3", "features.dim=2"],
            "--set features.dim: there are no entries of [[features]]\n\
             --set features: expected a list of tables, found 3; write [[features]], in two brackets",
        ),
        (
            &["train={seed='x'}"],
            "--set train: train.seed: expected a whole number from 0 to 18446744073709551615, found the text \"x\"",
        ),
        (&["data.train=[]"], "--set data.train: expected at least one file, found an empty list"),
        (
            &["train.early_stopping.patience=3"],
            "--set train.early_stopping.patience: train.early_stopping: there are no validation rows to watch; set \
             `data.valid` or `data.valid_fraction`",
        ),
    ];
    for (sets, expected) in cases {
        assert_eq!(problems(BASE, sets), *expected, "{sets:?}");
    }
}
