//! `[train]`: how to train.

use crate::block;
use crate::choices::choices;
use crate::config::{EarlyStopping, Precision, Task, TaskKind, Train};
use crate::limits::{ABOVE_ZERO, BATCH, DECAY, EPOCHS, NOT_NEGATIVE, THREADS};
use crate::named::Written;
use crate::read::{Context, Found, Section};
use crate::spec::{Block, BlockContext, Registry};
use crate::tree::{Node, Value};

const KEYS: &[&str] = &[
    "batch_size",
    "epochs",
    "seed",
    "threads",
    "optimizer",
    "embedding_optimizer",
    "learning_rate_decay",
    "average_from",
    "normaliser",
    "clip_norm",
    "shuffle",
    "early_stopping",
    "best_metric",
    "precision",
    "table_precision",
];

const METRIC: &str = "a metric, as \"mean.auc\" or \"TASK.logloss\"";

const EARLY_STOPPING_KEYS: &[&str] = &["metric", "patience", "min_delta"];

pub(super) fn read(
    ctx: &mut Context,
    node: Option<&Node>,
    registry: &Registry<'_>,
    context: BlockContext<'_>,
    tasks: &[Task],
) -> Train {
    let section = Section::open(ctx, "train", node, KEYS);
    let batch_size = section.pick(ctx, "batch_size", |f, ctx| f.size(ctx, 1, BATCH), |p| choices(p).batch_size);
    let epochs = section.pick(ctx, "epochs", |f, ctx| f.size(ctx, 1, EPOCHS), |p| choices(p).epochs);
    let seed = section.pick(ctx, "seed", seed, |_| 1024);
    let threads = section.optional(ctx, "threads", "all cores", |f, ctx| f.size(ctx, 1, THREADS));
    let optimizer = section.get(ctx, "optimizer");
    let optimizer =
        block::read(ctx, optimizer.as_ref(), "train.optimizer", registry.optimizers, |_| "adagrad", context);
    let embedding_optimizer = read_embedding_optimizer(ctx, &section, registry, context, &optimizer);
    let learning_rate_decay = section.pick(ctx, "learning_rate_decay", |f, ctx| f.float(ctx, DECAY), |_| 1.0);
    let average_from = section.optional(ctx, "average_from", "never", |f, ctx| f.size(ctx, 1, EPOCHS));
    let normaliser = section.pick(ctx, "normaliser", Found::named, |p| choices(p).normaliser);
    let clip_norm = section.optional(ctx, "clip_norm", "none", |f, ctx| f.float(ctx, ABOVE_ZERO));
    let shuffle = section.pick(ctx, "shuffle", Found::bool, |_| true);
    let (early_stopping, best_metric) = read_metrics(ctx, &section, tasks);
    let precision = section.pick(ctx, "precision", Found::named, |_| Precision::Fp32);
    let table_precision = section.pick(ctx, "table_precision", Found::named, |_| Precision::Fp32);
    Train {
        batch_size,
        epochs,
        seed,
        threads,
        optimizer,
        embedding_optimizer,
        learning_rate_decay,
        average_from,
        normaliser,
        clip_norm,
        shuffle,
        early_stopping,
        best_metric,
        precision,
        table_precision,
    }
}

fn seed(found: &Found<'_>, ctx: &mut Context) -> Option<u64> {
    found.int(ctx, 0, u64::MAX.into()).and_then(|v| u64::try_from(v).ok())
}

fn read_embedding_optimizer(
    ctx: &mut Context,
    section: &Section<'_>,
    registry: &Registry<'_>,
    context: BlockContext<'_>,
    optimizer: &Block,
) -> Block {
    let found = section.get(ctx, "embedding_optimizer");
    let key = section.at("embedding_optimizer");
    // What is wrong with the optimizer's own type was said there.
    let known = registry.optimizers.iter().any(|s| s.name == optimizer.kind);
    let typed =
        matches!(&found, Some(Found { node: Node { value: Value::Table(t), .. }, .. }) if t.get("type").is_none());
    match found {
        None => {
            ctx.default(key, optimizer.written());
            optimizer.clone()
        }
        Some(_) if typed && !known => optimizer.clone(),
        Some(found) => block::read(ctx, Some(&found), &key, registry.optimizers, |_| &optimizer.kind, context),
    }
}

/// Early stopping watches the metric that picks the best epoch, unless it is told another, and the other way round.
fn read_metrics(ctx: &mut Context, section: &Section<'_>, tasks: &[Task]) -> (Option<EarlyStopping>, String) {
    let any = |kind: fn(&TaskKind) -> bool| tasks.iter().any(|task| kind(&task.kind));
    let usual = if tasks.is_empty() || any(|kind| matches!(kind, TaskKind::Binary { .. })) {
        "mean.auc"
    } else if any(|kind| matches!(kind, TaskKind::Regression { .. })) {
        "mean.rmse"
    } else {
        "mean.logloss"
    };
    let best = section.get(ctx, "best_metric").map(|found| found.name(ctx, METRIC).unwrap_or_default());
    let early_stopping = match section.get(ctx, "early_stopping") {
        None => {
            ctx.default(section.at("early_stopping"), "none".to_owned());
            None
        }
        // So that one run can go on to its end: --set train.early_stopping=false.
        Some(found) if matches!(found.node.value, Value::Bool(false)) => None,
        Some(found) => {
            let inner = Section::open(ctx, &found.key, Some(found.node), EARLY_STOPPING_KEYS);
            let otherwise = best.clone().unwrap_or_else(|| usual.to_owned());
            Some(EarlyStopping {
                metric: inner.pick(ctx, "metric", |f, ctx| f.name(ctx, METRIC), |_| otherwise.clone()),
                patience: inner.pick(ctx, "patience", |f, ctx| f.size(ctx, 1, EPOCHS), |_| 2),
                min_delta: inner.pick(ctx, "min_delta", |f, ctx| f.float(ctx, NOT_NEGATIVE), |_| 0.0),
            })
        }
    };
    let best = best.unwrap_or_else(|| {
        let metric = early_stopping.as_ref().map_or(usual.to_owned(), |e| e.metric.clone());
        ctx.default(section.at("best_metric"), metric.written());
        metric
    });
    (early_stopping, best)
}
