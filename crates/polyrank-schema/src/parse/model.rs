//! `[model]`: the network.

use crate::block;
use crate::choices::{EMBEDDING_INIT_LIMIT, INIT_STD, choices};
use crate::config::{EmbeddingInit, LayerInit, Model, TowerLayers};
use crate::limits::{ABOVE_ZERO, DROPOUT, NOT_NEGATIVE, Range};
use crate::named::{EmbeddingInitName, LayerInitName};
use crate::preset::Preset;
use crate::read::{Context, Found, Section};
use crate::spec::{BlockContext, Registry};
use crate::tree::{Node, Value};

const KEYS: &[&str] = &[
    "preset",
    "interaction",
    "multi_task",
    "towers",
    "activation",
    "dropout",
    "batch_norm",
    "layer_order",
    "layer_init",
    "init_std",
    "embedding_init",
    "embedding_init_std",
    "embedding_init_limit",
    "l1",
    "l2",
    "l1_embedding",
    "l2_embedding",
    "embedding_penalty",
    "auto_dim",
];

const TOWER_KEYS: &[&str] = &["units", "activation", "dropout", "batch_norm"];

/// Puts the preset in force, before anything asks for a default.
pub(super) fn read_preset(ctx: &mut Context, node: Option<&Node>) {
    let written = match node {
        Some(Node { value: Value::Table(table), .. }) => table.get("preset"),
        _ => None,
    };
    match written {
        Some(node) => {
            let found = Found { node, key: "model.preset".to_owned() };
            ctx.preset = found.named(ctx).unwrap_or_default();
        }
        None => ctx.default("model.preset".to_owned(), "\"default\"".to_owned()),
    }
}

pub(super) fn read(
    ctx: &mut Context,
    node: Option<&Node>,
    registry: &Registry<'_>,
    context: BlockContext<'_>,
) -> Model {
    let section = Section::open(ctx, "model", node, KEYS);
    let interaction = section.get(ctx, "interaction");
    let interaction = block::read(
        ctx,
        interaction.as_ref(),
        "model.interaction",
        registry.interactions,
        |p| choices(p).interaction,
        context,
    );
    let multi_task = section.get(ctx, "multi_task");
    let one = context.tasks.len() < 2;
    let default_block = |p| if one { "single" } else { choices(p).multi_task };
    let multi_task =
        block::read(ctx, multi_task.as_ref(), "model.multi_task", registry.multi_tasks, default_block, context);
    let towers = section.get(ctx, "towers");
    let towers = Section::open(ctx, "model.towers", towers.map(|f| f.node), TOWER_KEYS);
    Model {
        preset: ctx.preset,
        interaction,
        multi_task,
        tower_units: towers.pick(ctx, "units", Found::units, |p| choices(p).tower_units.to_vec()),
        tower_layers: TowerLayers {
            activation: towers.optional(ctx, "activation", "model.activation", Found::named),
            dropout: towers.optional(ctx, "dropout", "model.dropout", |f, ctx| f.float(ctx, DROPOUT)),
            batch_norm: towers.optional(ctx, "batch_norm", "model.batch_norm", Found::bool),
        },
        activation: section.pick(ctx, "activation", Found::named, |p| choices(p).activation),
        dropout: number(ctx, &section, "dropout", DROPOUT, |_| 0.0),
        batch_norm: section.pick(ctx, "batch_norm", Found::bool, |_| false),
        layer_order: section.pick(ctx, "layer_order", Found::named, |p| choices(p).layer_order),
        layer_init: read_layer_init(ctx, &section),
        embedding_init: read_embedding_init(ctx, &section),
        l2: number(ctx, &section, "l2", NOT_NEGATIVE, |_| 0.0),
        l1: number(ctx, &section, "l1", NOT_NEGATIVE, |_| 0.0),
        l2_embedding: number(ctx, &section, "l2_embedding", NOT_NEGATIVE, |p| choices(p).l2_embedding),
        l1_embedding: number(ctx, &section, "l1_embedding", NOT_NEGATIVE, |_| 0.0),
        embedding_penalty: section.pick(ctx, "embedding_penalty", Found::named, |p| choices(p).embedding_penalty),
        auto_dim: section.pick(ctx, "auto_dim", Found::named, |p| choices(p).auto_dim),
    }
}

fn number(ctx: &mut Context, section: &Section<'_>, name: &str, range: Range, choice: impl Fn(Preset) -> f64) -> f64 {
    section.pick(ctx, name, |f, ctx| f.float(ctx, range), choice)
}

fn read_layer_init(ctx: &mut Context, section: &Section<'_>) -> LayerInit {
    let name = section.pick(ctx, "layer_init", Found::named, |p| choices(p).layer_init);
    if name != LayerInitName::Normal {
        section.refuse(ctx, "init_std", "has no effect without layer_init = \"normal\"");
    }
    match name {
        LayerInitName::Auto => LayerInit::Auto,
        LayerInitName::Glorot => LayerInit::Glorot,
        LayerInitName::Normal => LayerInit::Normal { std: number(ctx, section, "init_std", ABOVE_ZERO, |_| INIT_STD) },
    }
}

fn read_embedding_init(ctx: &mut Context, section: &Section<'_>) -> EmbeddingInit {
    match section.pick(ctx, "embedding_init", Found::named, |p| choices(p).embedding_init) {
        EmbeddingInitName::Normal => {
            section.refuse(ctx, "embedding_init_limit", "has no effect without embedding_init = \"uniform\"");
            let std = number(ctx, section, "embedding_init_std", ABOVE_ZERO, |p| choices(p).embedding_init_std);
            EmbeddingInit::Normal { std }
        }
        EmbeddingInitName::Uniform => {
            section.refuse(ctx, "embedding_init_std", "has no effect without embedding_init = \"normal\"");
            let limit = number(ctx, section, "embedding_init_limit", ABOVE_ZERO, |_| EMBEDDING_INIT_LIMIT);
            EmbeddingInit::Uniform { limit }
        }
    }
}
