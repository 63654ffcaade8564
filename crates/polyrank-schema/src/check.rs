//! The check of a configuration that comes from a bundle: stored by some program, so nothing about it is certain.

use std::collections::BTreeMap;

use crate::block;
use crate::config::{
    Combiner, Config, EmbeddingInit, FeatureKind, LayerInit, RegressionLoss, Split, TaskKind, Validation,
    WeightSchedule,
};
use crate::cross::{self, Labels};
use crate::error::{ConfigErrors, Problem, printable};
use crate::limits::{
    ABOVE_ZERO, BATCH, CLASSES, DECAY, DIM, DROPOUT, EPOCHS, FRACTION, LAYERS, LIST_LENGTH, NOT_NEGATIVE, RATE,
    SEPARATOR_CHARS, SEQUENCE_LENGTH, SHUFFLE_BUFFER, TEXT_CHARS, THREADS, WIDTH,
};
use crate::metric::Metric;
use crate::parse::{BUCKETIZE, SEPARATOR, is_separator};
use crate::read::{Context, repeated};
use crate::spec::{Block, BlockContext, BlockSpec, Registry};

const ORIGIN: &str = "stored configuration";

impl Config {
    /// Reads a configuration that was stored as JSON and checks all that [`crate::parse`] would have.
    ///
    /// # Errors
    ///
    /// Text that is no configuration, or every problem as [`Config::check`] reports it, under the name `origin`.
    pub fn from_json(text: &str, origin: &str, registry: &Registry<'_>) -> Result<Config, ConfigErrors> {
        let config: Config = serde_json::from_str(text).map_err(|error| {
            let problem = Problem {
                line: Some(error.line()),
                column: Some(error.column()),
                set: None,
                key: String::new(),
                message: format!("no stored configuration: {}", printable(&error.to_string())),
                hint: None,
            };
            ConfigErrors::new(origin, vec![problem])
        })?;
        config.check(registry).map_err(|errors| ConfigErrors::new(origin, errors.problems))?;
        Ok(config)
    }

    /// Checks all that [`crate::parse`] promises of a configuration: bounds, names, references and blocks.
    ///
    /// # Errors
    ///
    /// Every problem, each with its key.
    pub fn check(&self, registry: &Registry<'_>) -> Result<(), ConfigErrors> {
        let mut ctx = Context::new();
        ctx.preset = self.model.preset;
        let labels = Labels {
            operators: (1..=self.operators.len()).map(|i| format!("operators[{i}]")).collect(),
            features: self.features.iter().map(|f| format!("features.{}", printable(&f.name))).collect(),
            tasks: self.tasks.iter().map(|t| format!("tasks.{}", printable(&t.name))).collect(),
        };
        check_data(&mut ctx, self);
        check_operators(&mut ctx, self, registry, &labels);
        check_features(&mut ctx, self, registry);
        check_tasks(&mut ctx, self);
        check_model(&mut ctx, self, registry);
        check_train(&mut ctx, self, registry);
        cross::check(&mut ctx, self, &labels, registry);
        ctx.problems.into_result(ORIGIN)
    }
}

fn check_size(ctx: &mut Context, key: &str, value: usize, max: i128) {
    if value < 1 || value as i128 > max {
        ctx.report(key, format!("expected a whole number from 1 to {max}, found {value}"), None);
    }
}

/// Other faults of names are found with what must fit together; there an empty one stands for an unreadable one.
fn check_given(ctx: &mut Context, key: &str, name: &str) {
    if name.is_empty() {
        ctx.report(key, "an empty name".to_owned(), None);
    }
}

fn check_data(ctx: &mut Context, config: &Config) {
    let data = &config.data;
    if data.train.is_empty() {
        ctx.report("data.train", "empty".to_owned(), None);
    }
    match &data.valid {
        Validation::None => {}
        Validation::Files(files) if files.is_empty() => ctx.report("data.valid", "empty".to_owned(), None),
        Validation::Files(_) => {}
        Validation::Fraction { fraction, split } => {
            block::check_range(ctx, "data.valid_fraction", *fraction, FRACTION);
            if let Split::Group(column) = split {
                check_given(ctx, "data.split", column);
            }
        }
    }
    if data.reading.columns.as_ref().is_some_and(Vec::is_empty) {
        ctx.report("data.columns", "empty".to_owned(), None);
    }
    if data.reading.separator.is_some_and(|c| !is_separator(c)) {
        ctx.report("data.separator", format!("expected {}", SEPARATOR), None);
    }
    check_size(ctx, "data.shuffle_buffer", data.shuffle_buffer, SHUFFLE_BUFFER);
    if let Some(column) = &data.weight_column {
        check_given(ctx, "data.weight_column", column);
    }
    if let Some(group) = &data.group {
        check_given(ctx, "data.group", &group.column);
    }
}

fn check_operators(ctx: &mut Context, config: &Config, registry: &Registry<'_>, labels: &Labels) {
    let context = BlockContext { tasks: &config.tasks, features: &config.features };
    let specs: Vec<BlockSpec> = registry.operators.iter().map(|spec| spec.block).collect();
    for (operator, key) in config.operators.iter().zip(&labels.operators) {
        let before = ctx.problems.found();
        block::check(ctx, &operator.block, key, &specs, context);
        let spec = registry.operators.iter().find(|spec| spec.block.name == operator.block.kind);
        if ctx.problems.found() == before && spec.is_some_and(|spec| (spec.steps)(&operator.block) != operator.steps) {
            ctx.report(&format!("{key}.steps"), "not those of its options".to_owned(), None);
        }
    }
}

fn check_features(ctx: &mut Context, config: &Config, registry: &Registry<'_>) {
    let mut owners: BTreeMap<&str, &Block> = BTreeMap::new();
    for feature in &config.features {
        if let FeatureKind::Categorical { encoder, table: None, .. } = &feature.kind {
            owners.entry(&feature.name).or_insert(encoder);
        }
    }
    if config.features.is_empty() {
        ctx.report("features", "empty".to_owned(), None);
    }
    let context = BlockContext::NONE;
    for feature in &config.features {
        let key = format!("features.{}", printable(&feature.name));
        let (name_key, column_key) = (format!("{key}.name"), format!("{key}.column"));
        let (encoder_key, dim_key) = (format!("{key}.encoder"), format!("{key}.dim"));
        check_given(ctx, &name_key, &feature.name);
        check_given(ctx, &column_key, &feature.column);
        if let Some(vectors) = &feature.pretrained {
            check_given(ctx, &format!("{key}.pretrained.file"), &vectors.file);
            check_given(ctx, &format!("{key}.pretrained.column"), &vectors.column);
        }
        let dim = match &feature.kind {
            FeatureKind::Categorical { encoder, dim, list, table } => {
                block::check(ctx, encoder, &encoder_key, registry.categorical_encoders, context);
                if table.as_ref().and_then(|t| owners.get(t.as_str())).is_some_and(|shared| *shared != encoder) {
                    ctx.report(&encoder_key, "not that of the shared table".to_owned(), None);
                }
                if let Some(list) = list {
                    let length_key = format!("{key}.list.max_length");
                    let mut most = LIST_LENGTH;
                    if let Combiner::Sequence(sequence) = &list.combiner {
                        block::check(ctx, sequence, &format!("{key}.list"), registry.sequences, context);
                        most = SEQUENCE_LENGTH;
                        if list.max_length.is_none() {
                            ctx.report(&length_key, "missing".to_owned(), None);
                        }
                    }
                    if let Some(length) = list.max_length {
                        check_size(ctx, &length_key, length, most);
                    }
                    if !(1..=SEPARATOR_CHARS).contains(&list.separator.chars().count()) {
                        let message = format!("expected a text of 1 to {SEPARATOR_CHARS} characters");
                        ctx.report(&format!("{key}.list.separator"), message, None);
                    }
                }
                *dim
            }
            FeatureKind::Dense { encoder, embedding } => {
                check_dense(ctx, encoder, &encoder_key, registry, false);
                if let Some(embedding) = embedding {
                    block::check(ctx, embedding, &format!("{key}.embedding"), registry.number_embeddings, context);
                }
                None
            }
            FeatureKind::Bucketized { encoder, dim } => {
                check_dense(ctx, encoder, &encoder_key, registry, true);
                *dim
            }
            FeatureKind::Vector { size } => {
                check_size(ctx, &format!("{key}.size"), *size, WIDTH);
                None
            }
        };
        if let Some(dim) = dim {
            check_size(ctx, &dim_key, dim, DIM);
        }
    }
}

fn check_dense(ctx: &mut Context, encoder: &Block, key: &str, registry: &Registry<'_>, bucketized: bool) {
    block::check(ctx, encoder, key, registry.dense_encoders, BlockContext::NONE);
    if (encoder.kind == BUCKETIZE) != bucketized {
        ctx.report(key, "belongs to another kind of feature".to_owned(), None);
    }
}

fn check_tasks(ctx: &mut Context, config: &Config) {
    if config.tasks.is_empty() {
        ctx.report("tasks", "empty".to_owned(), None);
    }
    for task in &config.tasks {
        let key = format!("tasks.{}", printable(&task.name));
        check_given(ctx, &format!("{key}.name"), &task.name);
        check_given(ctx, &format!("{key}.column"), &task.column);
        block::check_range(ctx, &format!("{key}.weight"), task.weight, ABOVE_ZERO);
        if let WeightSchedule::Decay { rate } = task.weight_schedule {
            block::check_range(ctx, &format!("{key}.weight_schedule.rate"), rate, RATE);
        }
        for column in &task.weight_columns {
            check_given(ctx, &format!("{key}.weight_columns"), column);
        }
        for weight in task.class_weights.iter().flatten() {
            block::check_range(ctx, &format!("{key}.class_weights"), *weight, ABOVE_ZERO);
        }
        let classes = match &task.kind {
            TaskKind::Binary { .. } => 2,
            TaskKind::MultiClass { classes } => classes.len(),
            TaskKind::Regression { .. } => 0,
        };
        if task.class_weights.as_ref().is_some_and(|weights| weights.len() != classes) {
            ctx.report(&format!("{key}.class_weights"), format!("expected {classes} numbers"), None);
        }
        if !task.transform.is_none() && !matches!(task.kind, TaskKind::Regression { .. }) {
            ctx.report(&format!("{key}.transform"), "belongs to regression tasks".to_owned(), None);
        }
        match &task.kind {
            TaskKind::Binary { positive: Some(positive) } => {
                if positive.is_empty() || positive.iter().any(String::is_empty) {
                    ctx.report(&format!("{key}.positive"), "an empty list or label value".to_owned(), None);
                }
            }
            TaskKind::Regression { loss: RegressionLoss::Huber { delta } } => {
                block::check_range(ctx, &format!("{key}.delta"), *delta, ABOVE_ZERO);
            }
            TaskKind::MultiClass { classes } => {
                let fits = |class: &String| !class.is_empty() && class.chars().count() <= TEXT_CHARS;
                if !(2..=CLASSES).contains(&classes.len()) || !classes.iter().all(fits) || repeated(classes).is_some() {
                    let message = format!("expected 2 to {CLASSES} different label values");
                    ctx.report(&format!("{key}.classes"), message, None);
                }
            }
            TaskKind::Binary { positive: None } | TaskKind::Regression { .. } => {}
        }
    }
}

fn check_model(ctx: &mut Context, config: &Config, registry: &Registry<'_>) {
    let model = &config.model;
    let context = BlockContext { tasks: &config.tasks, features: &config.features };
    block::check(ctx, &model.interaction, "model.interaction", registry.interactions, context);
    block::check(ctx, &model.multi_task, "model.multi_task", registry.multi_tasks, context);
    if model.tower_units.len() > LAYERS || model.tower_units.iter().any(|u| *u < 1 || *u as i128 > WIDTH) {
        let message = format!("expected up to {LAYERS} layer widths, each from 1 to {WIDTH}");
        ctx.report("model.towers.units", message, None);
    }
    if let Some(dropout) = model.tower_layers.dropout {
        block::check_range(ctx, "model.towers.dropout", dropout, DROPOUT);
    }
    block::check_range(ctx, "model.dropout", model.dropout, DROPOUT);
    if let LayerInit::Normal { std } = model.layer_init {
        block::check_range(ctx, "model.init_std", std, ABOVE_ZERO);
    }
    match model.embedding_init {
        EmbeddingInit::Normal { std } => block::check_range(ctx, "model.embedding_init_std", std, ABOVE_ZERO),
        EmbeddingInit::Uniform { limit } => block::check_range(ctx, "model.embedding_init_limit", limit, ABOVE_ZERO),
    }
    for (key, value) in [
        ("model.l2", model.l2),
        ("model.l1", model.l1),
        ("model.l2_embedding", model.l2_embedding),
        ("model.l1_embedding", model.l1_embedding),
    ] {
        block::check_range(ctx, key, value, NOT_NEGATIVE);
    }
}

fn check_train(ctx: &mut Context, config: &Config, registry: &Registry<'_>) {
    let train = &config.train;
    let context = BlockContext { tasks: &config.tasks, features: &config.features };
    check_size(ctx, "train.batch_size", train.batch_size, BATCH);
    check_size(ctx, "train.epochs", train.epochs, EPOCHS);
    if let Some(threads) = train.threads {
        check_size(ctx, "train.threads", threads, THREADS);
    }
    block::check(ctx, &train.optimizer, "train.optimizer", registry.optimizers, context);
    block::check(ctx, &train.embedding_optimizer, "train.embedding_optimizer", registry.optimizers, context);
    block::check_range(ctx, "train.learning_rate_decay", train.learning_rate_decay, DECAY);
    if let Some(from) = train.average_from {
        check_size(ctx, "train.average_from", from, EPOCHS);
    }
    if let Some(norm) = train.clip_norm {
        block::check_range(ctx, "train.clip_norm", norm, ABOVE_ZERO);
    }
    if let Some(early) = &train.early_stopping {
        check_size(ctx, "train.early_stopping.patience", early.patience, EPOCHS);
        block::check_range(ctx, "train.early_stopping.min_delta", early.min_delta, NOT_NEGATIVE);
        if early.metric.is_empty() {
            ctx.report("train.early_stopping.metric", Metric::parse("", &config.tasks).err().unwrap_or_default(), None);
        }
    }
    if train.best_metric.is_empty() {
        ctx.report("train.best_metric", Metric::parse("", &config.tasks).err().unwrap_or_default(), None);
    }
}
