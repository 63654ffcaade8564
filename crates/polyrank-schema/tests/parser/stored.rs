//! Configurations that were stored as JSON, as bundles hold them.

use polyrank_schema::{Config, Preset};
use serde_json::{Value, json};

use crate::common::{BASE, EXAMPLE, REGISTRY, parse};

#[test]
fn a_configuration_survives_storage() {
    for preset in Preset::ALL.into_iter().filter(|preset| !preset.is_model()) {
        for text in [BASE, EXAMPLE] {
            let config = parse(
                text,
                &[&format!("model.preset={}", preset.name()), "train.optimizer.learning_rate=0.1234567890123456"],
            );
            config.check(&REGISTRY).unwrap();
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(Config::from_json(&json, "schema.json", &REGISTRY).unwrap(), config);
        }
    }
}

/// The messages of the example with the value at `pointer` replaced.
fn problems(pointer: &str, value: Value) -> String {
    let mut stored = serde_json::to_value(parse(EXAMPLE, &[])).unwrap();
    *stored.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    match Config::from_json(&stored.to_string(), "schema.json", &REGISTRY) {
        Ok(_) => "no problem".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn what_was_tampered_with_is_named() {
    let units = json!((0..65).collect::<Vec<usize>>());
    let cases = [
        ("/train/batch_size", json!(0), "train.batch_size: expected a whole number from 1 to 1048576, found 0"),
        (
            "/train/epochs",
            json!(u64::MAX),
            "train.epochs: expected a whole number from 1 to 1000000, found 18446744073709551615",
        ),
        ("/train/clip_norm", json!(-1.0), "train.clip_norm: expected a number above 0, found -1.0"),
        (
            "/train/learning_rate_decay",
            json!(0.0),
            "train.learning_rate_decay: expected a number above 0, to 1, found 0.0",
        ),
        ("/train/threads", json!(0), "train.threads: expected a whole number from 1 to 1024, found 0"),
        ("/train/best_metric", json!(""), "train.best_metric: \"\" is no metric; write TASK.METRIC or mean.METRIC"),
        (
            "/train/early_stopping/metric",
            json!("like.auc"),
            "train.early_stopping.metric: the task \"like\" has no metric \"auc\"; known: \"rmse\", \"mae\", \"loss\"",
        ),
        (
            "/train/early_stopping/patience",
            json!(0),
            "train.early_stopping.patience: expected a whole number from 1 to 1000000, found 0",
        ),
        ("/train/optimizer/type", json!("adm"), "train.optimizer: unknown type \"adm\"; did you mean \"adam\"?"),
        ("/train/optimizer/eps", json!("x"), "train.optimizer.eps: expected a number, 0.0 or above, found \"x\""),
        ("/train/embedding_optimizer", json!({"type": "sgd"}), "train.embedding_optimizer.learning_rate: missing"),
        (
            "/train/embedding_optimizer",
            json!({"type": "sgd", "learning_rate": 1, "x": 2}),
            "train.embedding_optimizer.x: unknown key",
        ),
        (
            "/model/multi_task/expert_units",
            json!([0]),
            "model.multi_task.expert_units: expected a list of up to 64 layer widths, each a whole number from 1 to \
             65536, found [0]",
        ),
        (
            "/model/multi_task/expert_units",
            units,
            "model.multi_task.expert_units: expected a list of up to 64 layer widths, each a whole number from 1 to \
             65536, found [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 2…",
        ),
        (
            "/model/tower_units",
            json!([65537]),
            "model.towers.units: expected up to 64 layer widths, each from 1 to 65536",
        ),
        ("/model/dropout", json!(1.0), "model.dropout: expected a number from 0 to below 1, found 1.0"),
        (
            "/model/embedding_init",
            json!({"normal": {"std": 0.0}}),
            "model.embedding_init_std: expected a number above 0, found 0.0",
        ),
        (
            "/model/layer_init",
            json!({"normal": {"std": -1.0}}),
            "model.init_std: expected a number above 0, found -1.0",
        ),
        ("/model/l2", json!(-1.0), "model.l2: expected a number, 0 or above, found -1.0"),
        ("/features", json!([]), "features: empty"),
        (
            "/features/0/name",
            json!("item_id"),
            "features.item_id.name: another feature is named \"item_id\"; names must be unique",
        ),
        ("/features/0/name", json!(""), "features..name: an empty name"),
        (
            "/features/0/column",
            json!("finish"),
            "features.uid.column: \"finish\" is the label of the task \"finish\": a feature that reads it gives the \
             answer away; remove the feature",
        ),
        (
            "/features/0/column",
            json!("x"),
            "features.uid.column: `data.columns` has no column \"x\"; known: \"uid\", \"user_city\", \"item_id\", \
             \"recent_items\", \"duration_time\", \"finish\", \"like\"",
        ),
        (
            "/features/0/kind/categorical/dim",
            json!(5000),
            "features.uid.dim: expected a whole number from 1 to 4096, found 5000",
        ),
        (
            "/features/2/kind/categorical/dim",
            json!(8),
            "features.recent_items.dim: the table of \"item_id\" has another dimension, 16; leave `dim` out",
        ),
        (
            "/features/2/kind/categorical/table",
            json!("title"),
            "features.recent_items.table: \"title\" is no categorical feature: it has no table to share",
        ),
        (
            "/features/2/kind/categorical/encoder/min_count",
            json!(11),
            "features.recent_items.encoder: not that of the shared table",
        ),
        (
            "/features/2/kind/categorical/list/separator",
            json!(""),
            "features.recent_items.list.separator: expected a text of 1 to 16 characters",
        ),
        (
            "/features/2/kind/categorical/list/max_length",
            json!(0),
            "features.recent_items.list.max_length: expected a whole number from 1 to 65536, found 0",
        ),
        (
            "/features/3/kind/dense/encoder",
            json!({"type": "bucketize", "quantiles": 4}),
            "features.duration_time.encoder: belongs to another kind of feature",
        ),
        (
            "/features/4/kind/bucketized/encoder/boundaries",
            json!([2.5, 1.5]),
            "features.duration_bucket.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found \
             [2.5, 1.5]",
        ),
        (
            "/features/5/kind/vector/size",
            json!(0),
            "features.title.size: expected a whole number from 1 to 65536, found 0",
        ),
        (
            "/tasks/0/name",
            json!("mean"),
            "tasks.mean.name: a task cannot be named \"mean\"; rename it: `mean.auc` is the mean over tasks",
        ),
        ("/tasks/0/column", json!(""), "tasks.finish.column: an empty name"),
        ("/tasks/0/weight", json!(0.0), "tasks.finish.weight: expected a number above 0, found 0.0"),
        ("/tasks/0/kind/binary/positive", json!([]), "tasks.finish.positive: an empty list or label value"),
        (
            "/tasks/0/kind",
            json!({"multi_class": {"classes": ["a"]}}),
            "tasks.finish.classes: expected 2 to 1000 different label values\nschema.json: train.best_metric: no task has the \
             metric \"auc\"; known: \"logloss\", \"accuracy\", \"loss\"",
        ),
        (
            "/tasks/0/kind",
            json!({"multi_class": {"classes": ["a", "b", "a"]}}),
            "tasks.finish.classes: expected 2 to 1000 different label values\nschema.json: train.best_metric: no task has the \
             metric \"auc\"; known: \"logloss\", \"accuracy\", \"loss\"",
        ),
        (
            "/tasks/1/kind/regression/loss/huber/delta",
            json!(0.0),
            "tasks.like.delta: expected a number above 0, found 0.0",
        ),
        ("/data/train", json!([]), "data.train: empty"),
        ("/data/valid", json!({"files": []}), "data.valid: empty"),
        (
            "/data/valid",
            json!({"fraction": {"fraction": 1.0, "split": "tail"}}),
            "data.valid_fraction: expected a number above 0 and below 1, found 1.0",
        ),
        (
            "/data/valid",
            json!({"fraction": {"fraction": 0.5, "split": {"group": "x"}}}),
            "data.split: `data.columns` has no column \"x\"; known: \"uid\", \"user_city\", \"item_id\", \
             \"recent_items\", \"duration_time\", \"finish\", \"like\"",
        ),
        (
            "/data/reading/separator",
            json!("\n"),
            "data.separator: expected one ASCII character that is no quote and no line end, as \",\" or \"\\t\"",
        ),
        ("/data/shuffle_buffer", json!(0), "data.shuffle_buffer: expected a whole number from 1 to 100000000, found 0"),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(problems(pointer, value), format!("schema.json: {expected}"), "{pointer}");
    }
    assert!(problems("/tasks", json!([])).contains("schema.json: tasks: empty"));
}

#[test]
fn a_whole_number_stands_for_a_float_as_other_programs_write_it() {
    assert_eq!(problems("/train/optimizer/learning_rate", json!(1)), "no problem");
}

#[test]
fn what_is_no_configuration_has_a_line_and_a_column() {
    let message = |text: &str| Config::from_json(text, "schema.json", &REGISTRY).unwrap_err().to_string();
    assert_eq!(
        message("{"),
        "schema.json:1:1: no stored configuration: EOF while parsing an object at line 1 column 1"
    );
    assert!(message("{}").starts_with("schema.json:1:2: no stored configuration: missing field `data`"));
    assert!(problems("/train/seed", json!(-1)).contains("no stored configuration: invalid value: integer `-1`"));
}
