//! What is in force where nothing is written, preset by preset.

use polyrank_schema::config::{
    AutoDim, Combiner, EmbeddingInit, FeatureKind, LayerInit, LayerOrder, List, Normaliser, PenaltyScope,
    RegressionLoss, Side, Split, TaskKind, Validation,
};
use polyrank_schema::{Config, Metric, MetricKind, Preset};

use crate::common::{BASE, EXAMPLE, encoder, parse};

fn in_force(config: &Config, key: &str) -> Option<(String, String)> {
    config.in_force.iter().find(|f| f.key == key).map(|f| (f.value.clone(), f.because.clone()))
}

fn because(value: &str, reason: &str) -> Option<(String, String)> {
    Some((value.to_owned(), reason.to_owned()))
}

#[test]
fn the_example_of_the_reference_parses() {
    let config = parse(EXAMPLE, &[]);
    assert_eq!(config.features.len(), 6);
    assert_eq!(config.data.valid, Validation::Files(vec!["data/valid.parquet".to_owned()]));
    assert_eq!(config.data.reading.separator, Some('\t'));
    let FeatureKind::Categorical { encoder: shared, dim, list, table } = &config.features[2].kind else {
        panic!("recent_items is categorical")
    };
    let list_expected = List { combiner: Combiner::Mean, max_length: Some(50), separator: "|".to_owned() };
    assert_eq!((*dim, list.clone(), table.as_deref()), (Some(16), Some(list_expected), Some("item_id")));
    assert_eq!(*shared, encoder(&config, "item_id"));
    assert_eq!(encoder(&config, "duration_bucket").numbers("boundaries"), Some(&[1.0, 2.5, 10.0][..]));
    let positive = ["1", "yes", "true", "2"].map(str::to_owned).to_vec();
    assert_eq!(config.tasks[0].kind, TaskKind::Binary { positive: Some(positive) });
    assert_eq!(config.tasks[1].kind, TaskKind::Regression { loss: RegressionLoss::Huber { delta: 0.5 } });
    assert_eq!(config.train.best_metric, "mean.auc");
}

#[test]
fn columns_needed_are_unique_and_in_order() {
    let config = parse(EXAMPLE, &["data.valid=[]", "data.valid_fraction=0.2", "data.split=group:uid"]);
    let features = ["uid", "item_id", "recent_items", "duration_time", "user_city"];
    assert_eq!(config.columns_needed(false), features);
    assert_eq!(config.columns_needed(true), [&features[..], &["finish", "like"]].concat());
    assert_eq!(config.group_column(), Some("uid"));
    assert_eq!(parse(EXAMPLE, &[]).group_column(), None);
}

#[test]
fn the_default_preset() {
    let config = parse(BASE, &[]);
    assert_eq!(config.data.valid, Validation::None);
    assert_eq!((config.data.shuffle_buffer, config.data.reading.trim), (500_000, true));
    assert_eq!((config.features[0].side, config.features[0].column.as_str()), (Side::Context, "uid"));
    assert_eq!(
        (encoder(&config, "uid").kind.as_str(), encoder(&config, "age").kind.as_str()),
        ("vocabulary", "min_max")
    );
    assert_eq!(config.tasks[0].kind, TaskKind::Binary { positive: None });
    assert_eq!(config.tasks[1].kind, TaskKind::Regression { loss: RegressionLoss::Mse });
    let model = &config.model;
    assert_eq!(
        (model.preset, model.multi_task.kind.as_str(), model.interaction.kind.as_str()),
        (Preset::Default, "mmoe", "none")
    );
    assert_eq!((model.layer_init, model.embedding_init), (LayerInit::Auto, EmbeddingInit::Normal { std: 0.01 }));
    assert_eq!((model.layer_order, model.auto_dim), (LayerOrder::NormActivationDropout, AutoDim::Root));
    assert_eq!(model.tower_units, [64]);
    let train = &config.train;
    assert_eq!((train.batch_size, train.epochs, train.seed, train.threads), (4096, 3, 1024, None));
    assert_eq!((train.normaliser, train.shuffle, train.clip_norm), (Normaliser::WeightSum, true, None));
    assert_eq!((train.best_metric.as_str(), train.embedding_optimizer.clone()), ("mean.auc", train.optimizer.clone()));
    assert!(config.in_force.iter().all(|f| f.because == "default"), "{:?}", config.in_force);
    assert_eq!(in_force(&config, "model.multi_task.type"), because("\"mmoe\"", "default"));
    assert_eq!(in_force(&config, "train.threads"), because("all cores", "default"));
    assert_eq!(in_force(&config, "data.train"), None);
}

#[test]
fn the_paper_preset() {
    let config = parse(BASE, &["model.preset=paper"]);
    let default = parse(BASE, &[]);
    assert_eq!(config.model.layer_init, LayerInit::Glorot);
    assert_eq!(config.train, default.train);
    assert_eq!(in_force(&config, "model.layer_init"), because("\"glorot\"", "preset paper"));
    assert_eq!(in_force(&config, "model.layer_order"), because("\"norm_activation_dropout\"", "default"));
}

#[test]
fn the_deepctr_preset() {
    let config = parse(BASE, &["model.preset=deepctr"]);
    let model = &config.model;
    assert_eq!(model.layer_init, LayerInit::Normal { std: 1e-4 });
    assert_eq!(model.embedding_init, EmbeddingInit::Normal { std: 1e-4 });
    assert_eq!((model.auto_dim, model.l2_embedding), (AutoDim::Four, 1e-5));
    assert_eq!((model.embedding_penalty, config.train.normaliser), (PenaltyScope::Table, Normaliser::Sum));
    assert_eq!((config.train.batch_size, config.train.epochs), (256, 1));
    assert_eq!(model.multi_task.units("gate_units"), [64]);
    assert_eq!(config.train.optimizer.float("learning_rate"), 0.01);
    assert_eq!(in_force(&config, "train.batch_size"), because("256", "preset deepctr"));
    assert_eq!(in_force(&config, "model.multi_task.gate_units"), because("[64]", "preset deepctr"));
    assert_eq!(in_force(&config, "model.embedding_init"), because("\"normal\"", "default"));
    assert_eq!(in_force(&config, "model.embedding_init_std"), because("0.0001", "preset deepctr"));
}

#[test]
fn the_merlin_preset() {
    let config = parse(BASE, &["model.preset=merlin"]);
    assert_eq!(config.model.layer_order, LayerOrder::ActivationDropoutNorm);
    assert_eq!(config.model.layer_init, LayerInit::Glorot);
    assert_eq!(config.model.embedding_init, EmbeddingInit::Uniform { limit: 0.05 });
    assert_eq!((config.model.auto_dim, config.train.normaliser), (AutoDim::Root, Normaliser::Batch));
    assert_eq!(config.train.optimizer.float("learning_rate"), 0.001);
    assert_eq!(config.train.optimizer.float("accumulator"), 0.1);
}

#[test]
fn what_is_written_wins_over_the_preset() {
    let sets =
        ["model.preset=deepctr", "train.batch_size=99", "model.layer_init=auto", "train.optimizer={learning_rate=1}"];
    let config = parse(BASE, &sets);
    assert_eq!((config.train.batch_size, config.model.layer_init), (99, LayerInit::Auto));
    assert_eq!(config.train.optimizer.float("learning_rate"), 1.0);
    assert_eq!(in_force(&config, "train.batch_size"), None);
    assert_eq!(in_force(&config, "train.optimizer.type"), because("\"adagrad\"", "default"));
}

#[test]
fn each_of_several_names_tells_what_is_in_force() {
    let text = BASE.replace("name = \"uid\"", "names = [\"uid\", \"gid\"]");
    let config = parse(&text, &[]);
    for name in ["uid", "gid"] {
        assert_eq!(in_force(&config, &format!("features.{name}.side")), because("\"context\"", "default"));
        assert_eq!(in_force(&config, &format!("features.{name}.column")), because(&format!("\"{name}\""), "default"));
        assert_eq!(in_force(&config, &format!("features.{name}.encoder.min_count")), because("1", "default"));
    }
}

#[test]
fn one_task_gets_a_single_network_and_its_own_metric() {
    let text = BASE.replace("[[tasks]]\nname = \"like\"\n", "");
    let config = parse(&text, &[]);
    assert_eq!(config.model.multi_task.kind, "single");
    assert_eq!(config.train.best_metric, "mean.rmse");
}

#[test]
fn early_stopping_and_the_best_epoch_watch_one_metric_unless_told() {
    let metrics = |sets: &[&str]| {
        let config = parse(BASE, &[&["data.valid=v.csv"], sets].concat());
        (config.train.early_stopping.map(|e| e.metric).unwrap_or_default(), config.train.best_metric)
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(metrics(&["train.early_stopping={}"]), pair("mean.auc", "mean.auc"));
    assert_eq!(metrics(&["train.early_stopping={metric='like.logloss'}"]), pair("like.logloss", "like.logloss"));
    assert_eq!(metrics(&["train.early_stopping={}", "train.best_metric=mean.loss"]), pair("mean.loss", "mean.loss"));
    let both = ["train.early_stopping.metric=watch.mae", "train.best_metric=mean.rmse"];
    assert_eq!(metrics(&both), pair("watch.mae", "mean.rmse"));
}

#[test]
fn metrics_resolve_to_tasks_whose_names_may_hold_dots() {
    let text = BASE.replace("\"like\"", "\"a.b\"");
    let tasks = parse(&text, &[]).tasks;
    assert_eq!(Metric::parse("a.b.auc", &tasks), Ok(Metric { task: Some(0), kind: MetricKind::Auc, weighted: false }));
    assert_eq!(
        Metric::parse("watch.loss", &tasks),
        Ok(Metric { task: Some(1), kind: MetricKind::Loss, weighted: false })
    );
    assert_eq!(Metric::parse("mean.rmse", &tasks), Ok(Metric { task: None, kind: MetricKind::Rmse, weighted: false }));
    assert!(MetricKind::Auc.larger_is_better() && !MetricKind::Logloss.larger_is_better());
}

#[test]
fn short_forms() {
    let text = BASE.replace("kind = \"categorical\"", "kind = \"categorical\"\nlist = true");
    let FeatureKind::Categorical { list, .. } = parse(&text, &[]).features.remove(0).kind else {
        panic!("categorical")
    };
    assert_eq!(list, Some(List { combiner: Combiner::Mean, max_length: None, separator: "|".to_owned() }));
    let config = parse(BASE, &["data.valid_fraction=0.25", "data.split=tail"]);
    assert_eq!(config.data.valid, Validation::Fraction { fraction: 0.25, split: Split::Tail });
    let positive = |value: &str| match parse(BASE, &[&format!("tasks.like.positive={value}")]).tasks.remove(0).kind {
        TaskKind::Binary { positive: Some(positive) } => positive,
        other => panic!("{other:?}"),
    };
    for (written, text) in
        [("7", "7"), ("7.0", "7"), ("'7'", "7"), ("-0.0", "0"), ("0.5", "0.5"), ("false", "false"), ("1e3", "1000")]
    {
        assert_eq!(positive(written), [text], "{written}");
    }
}
