//! A configuration's text into a [`Config`], or every problem of it.

mod columns;
mod data;
mod expand;
mod features;
mod model;
mod operators;
mod tasks;
mod train;

use crate::config::Config;
use crate::cross::{self, Labels};
use crate::error::{ConfigErrors, Problem};
use crate::limits::FILE_BYTES;
use crate::read::{Context, Section};
use crate::set::{self, SetOverride};
use crate::spec::{BlockContext, Registry};
use crate::tree::{self, Node, Place, Value};

pub use columns::OpenFile;
pub(crate) use data::{SEPARATOR, is_separator};
pub(crate) use features::{BUCKETIZE, CATEGORICAL_ENCODER, DENSE_ENCODER, KEYS as FEATURE_KEYS, names_of};
pub(crate) use operators::name_of as operator_name;
pub(crate) use tasks::KEYS as TASK_KEYS;

/// The tables of a configuration.
pub(crate) const KEYS: &[&str] = &["data", "columns", "operators", "features", "tasks", "model", "train"];

/// Reads a configuration: `text` in TOML with `sets` laid over it in their order, checked against `registry`.
///
/// `origin` is what messages call the text, as the file's name. Nothing is opened: paths are only texts here.
///
/// # Errors
///
/// Every problem that the text and the overrides have; only a text that is not TOML hides further ones.
pub fn parse(text: &str, origin: &str, registry: &Registry<'_>, sets: &[SetOverride]) -> Result<Config, ConfigErrors> {
    parse_with_files(text, origin, registry, sets, &|path| Err(format!("{path}: no files can be opened here")))
}

/// As [`parse`], where `open` reads what the configuration names and needs at once: the file of `data.schema`.
///
/// # Errors
///
/// As of [`parse`], and what `open` says of a file.
pub fn parse_with_files(
    text: &str,
    origin: &str,
    registry: &Registry<'_>,
    sets: &[SetOverride],
    open: OpenFile<'_>,
) -> Result<Config, ConfigErrors> {
    let mut ctx = Context::new();
    let config = read_config(&mut ctx, text, registry, sets, open);
    ctx.problems.into_result(origin)?;
    // Without a problem there is a configuration; the error stands for the one way to have neither.
    config.ok_or_else(|| ConfigErrors::new(origin, Vec::new()))
}

fn read_config(
    ctx: &mut Context,
    text: &str,
    registry: &Registry<'_>,
    sets: &[SetOverride],
    open: OpenFile<'_>,
) -> Option<Config> {
    if text.len() > FILE_BYTES {
        ctx.problems.push(Problem {
            line: None,
            column: None,
            set: None,
            key: String::new(),
            message: format!("a configuration of {} bytes; at most {FILE_BYTES} are read", text.len()),
            hint: Some("is this the configuration, not the data?".to_owned()),
        });
        return None;
    }
    let mut root = tree::read(text, &mut ctx.problems)?;
    // The columns and the preset complete the entries, which the other overrides then change.
    let (of_entries, others): (Vec<_>, Vec<_>) = sets.iter().partition(|set| set.is_of_entries());
    for set in others {
        set::apply(ctx, &mut root, set, registry);
    }
    model::read_preset(ctx, root.get("model"));
    let schema = columns::read(ctx, &root, open);
    expand::expand(ctx, &mut root, &schema, registry);
    for set in of_entries {
        set::apply(ctx, &mut root, set, registry);
    }
    expand::decide(&mut root, &schema, ctx.preset);
    expand::report_undecided(ctx, &mut root, &schema);
    let root = Node { place: Place::Nowhere, value: Value::Table(root) };
    let section = Section::open(ctx, "", Some(&root), KEYS);

    // The tasks come before what counts them.
    let model_node = section.get(ctx, "model").map(|f| f.node);
    let data_node = section.get(ctx, "data").map(|f| f.node);
    let data = data::read(ctx, data_node);
    let feature_nodes = section.get(ctx, "features").map(|f| f.node);
    let (features, feature_labels) = features::read(ctx, feature_nodes, registry);
    let task_nodes = section.get(ctx, "tasks").map(|f| f.node);
    let (tasks, task_labels) = tasks::read(ctx, task_nodes);
    let context = BlockContext { tasks: &tasks, features: &features };
    let operator_nodes = section.get(ctx, "operators").map(|f| f.node);
    let (operators, operator_labels) = operators::read(ctx, operator_nodes, registry, context);
    let model = model::read(ctx, model_node, registry, context);
    let train_node = section.get(ctx, "train").map(|f| f.node);
    let train = train::read(ctx, train_node, registry, context, &tasks);

    let mut config = Config { data, schema, operators, features, tasks, model, train, in_force: Vec::new() };
    let labels = Labels { operators: operator_labels, features: feature_labels, tasks: task_labels };
    cross::check(ctx, &config, &labels, registry);
    config.in_force = std::mem::take(&mut ctx.in_force);
    Some(config)
}
