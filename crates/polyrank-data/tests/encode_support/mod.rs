//! Configurations and columns for the tests of encoders.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::{Batch, DataError, Ids};
use polyrank_schema::config::*;
use polyrank_schema::spec::{Block, OptionValue};
use polyrank_schema::{Config, Preset};

/// A block with its options, as the parser leaves it: defaults filled in.
pub(crate) fn block(kind: &str, options: &[(&str, OptionValue)]) -> Block {
    let mut block = Block { kind: kind.to_owned(), options: BTreeMap::new() };
    let defaults: &[(&str, i64)] = match kind {
        "vocabulary" => &[("min_count", 1), ("oov_buckets", 1)],
        "hash" => &[("seed", 0)],
        _ => &[],
    };
    block.options.extend(defaults.iter().map(|(key, n)| ((*key).to_owned(), OptionValue::Int(*n))));
    block.options.extend(options.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    block
}

pub(crate) fn int(n: i64) -> OptionValue {
    OptionValue::Int(n)
}

pub(crate) fn feature(name: &str, kind: FeatureKind) -> Feature {
    Feature { name: name.to_owned(), column: name.to_owned(), kind, side: Side::Context, pretrained: None }
}

pub(crate) fn item(feature: Feature) -> Feature {
    Feature { side: Side::Item, ..feature }
}

pub(crate) fn categorical(name: &str, encoder: Block) -> Feature {
    feature(name, FeatureKind::Categorical { encoder, dim: None, list: None, table: None })
}

pub(crate) fn shared(name: &str, table: &str, list: Option<List>) -> Feature {
    let encoder = block("vocabulary", &[]);
    feature(name, FeatureKind::Categorical { encoder, dim: None, list, table: Some(table.to_owned()) })
}

pub(crate) fn list_of(name: &str, encoder: Block, list: List) -> Feature {
    feature(name, FeatureKind::Categorical { encoder, dim: None, list: Some(list), table: None })
}

pub(crate) fn list(max_length: Option<usize>) -> List {
    List { combiner: Combiner::Mean, max_length, separator: "|".to_owned() }
}

pub(crate) fn dense(name: &str, encoder: &str) -> Feature {
    feature(name, FeatureKind::Dense { encoder: block(encoder, &[]), embedding: None })
}

pub(crate) fn dense_with(name: &str, encoder: &str, options: &[(&str, OptionValue)]) -> Feature {
    feature(name, FeatureKind::Dense { encoder: block(encoder, options), embedding: None })
}

pub(crate) fn bucketized(name: &str, options: &[(&str, OptionValue)]) -> Feature {
    feature(name, FeatureKind::Bucketized { encoder: block("bucketize", options), dim: None })
}

pub(crate) fn task(name: &str, kind: TaskKind) -> Task {
    Task {
        name: name.to_owned(),
        column: name.to_owned(),
        kind,
        weight: 1.0,
        transform: Default::default(),
        weight_schedule: Default::default(),
        weight_columns: Vec::new(),
        class_weights: None,
        when: None,
    }
}

pub(crate) fn config(features: Vec<Feature>, tasks: Vec<Task>) -> Config {
    Config {
        data: Data {
            train: Vec::new(),
            valid: Validation::None,
            test: Vec::new(),
            reading: Reading::default(),
            shuffle_buffer: 1,
            weight_column: None,
            group: None,
        },
        schema: Default::default(),
        operators: Vec::new(),
        features,
        tasks,
        model: Model {
            preset: Preset::Default,
            interaction: block("none", &[]),
            multi_task: block("mmoe", &[]),
            tower_units: Vec::new(),
            tower_layers: Default::default(),
            activation: Activation::Relu,
            dropout: 0.0,
            batch_norm: false,
            layer_order: LayerOrder::NormActivationDropout,
            layer_init: LayerInit::Auto,
            embedding_init: EmbeddingInit::Normal { std: 0.01 },
            l2: 0.0,
            l1: 0.0,
            l2_embedding: 0.0,
            l1_embedding: 0.0,
            embedding_penalty: PenaltyScope::Batch,
            auto_dim: AutoDim::Root,
        },
        train: Train {
            batch_size: 1,
            epochs: 1,
            seed: 0,
            threads: None,
            optimizer: block("sgd", &[]),
            embedding_optimizer: block("sgd", &[]),
            learning_rate_decay: 1.0,
            average_from: None,
            normaliser: Normaliser::WeightSum,
            clip_norm: None,
            shuffle: true,
            early_stopping: None,
            best_metric: "mean.auc".to_owned(),
            precision: Precision::Fp32,
            table_precision: Precision::Fp32,
        },
        in_force: Vec::new(),
    }
}

pub(crate) fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

pub(crate) fn column(array: impl arrow_array::Array + 'static) -> ArrayRef {
    Arc::new(array)
}

pub(crate) fn fit(config: &Config, batches: &[RecordBatch]) -> Result<Encoders, DataError> {
    let mut fitter = Encoders::fitter(config, Path::new("."))?;
    batches.iter().try_for_each(|batch| fitter.observe(batch))?;
    fitter.finish()
}

/// Fits one feature on a column named `x` and encodes a column with it.
pub(crate) fn encode(feature: Feature, seen: ArrayRef, column: ArrayRef) -> Result<Batch, DataError> {
    let config = config(vec![Feature { column: "x".to_owned(), ..feature }], Vec::new());
    fit(&config, &[rows(vec![("x", seen)])])?.transform(&rows(vec![("x", column)]), Labels::Ignore)
}

/// The ids of the first slot, which has one a row.
pub(crate) fn ids(batch: &Batch) -> Vec<u32> {
    match &batch.ids[0] {
        Ids::One(ids) => ids.clone(),
        Ids::Many { .. } => panic!("a list"),
    }
}

/// (offsets, ids) of the first slot, which has several a row.
pub(crate) fn lists(batch: &Batch) -> (Vec<u32>, Vec<u32>) {
    match &batch.ids[0] {
        Ids::One(_) => panic!("not a list"),
        Ids::Many { offsets, ids } => (offsets.clone(), ids.clone()),
    }
}
