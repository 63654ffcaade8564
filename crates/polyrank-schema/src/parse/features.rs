//! `[[features]]`: what the network sees of a row.

use std::collections::{BTreeMap, BTreeSet};

use crate::block;
use crate::choices::choices;
use crate::config::{Combiner, Feature, FeatureKind, InForce, List, Pretrained, Side};
use crate::error::{Quote, correction, one_of, printable};
use crate::limits::{DIM, FEATURES, LIST_LENGTH, SEPARATOR_CHARS, SEQUENCE_LENGTH, WIDTH};
use crate::named::{Kind, Named, PoolingName, Written};
use crate::read::{Context, Found, Section};
use crate::spec::{Block, BlockContext, Registry};
use crate::tree::{Node, Table, Value};

/// The keys of one entry.
pub(crate) const KEYS: &[&str] = &[
    "name",
    "names",
    "select",
    "kind",
    "column",
    "side",
    "dim",
    "encoder",
    "embedding",
    "list",
    "table",
    "size",
    "pretrained",
];

const PRETRAINED_KEYS: &[&str] = &["file", "key", "column", "trainable"];

const LIST_KEYS: &[&str] = &["combiner", "max_length", "separator"];

/// The encoder of categorical features that name none.
pub(crate) const CATEGORICAL_ENCODER: &str = "vocabulary";
/// The encoder of dense features that name none.
pub(crate) const DENSE_ENCODER: &str = "min_max";
/// The dense encoder whose output is looked up in a table.
pub(crate) const BUCKETIZE: &str = "bucketize";
/// The embedding of numbers that name none.
const NUMBER_EMBEDDING: &str = "linear";

/// The entries of `[[features]]` or `[[tasks]]`; none is an error.
pub(super) fn entries<'a>(ctx: &mut Context, key: &str, node: Option<&'a Node>) -> Option<&'a [Node]> {
    let hint = format!("write at least one [[{key}]] entry");
    let Some(node) = node else {
        ctx.report(key, "missing".to_owned(), Some(hint));
        return None;
    };
    match &node.value {
        Value::List(items) if !items.is_empty() => Some(items),
        Value::List(_) => {
            ctx.report(key, "empty".to_owned(), Some(hint));
            None
        }
        other => {
            let message = format!("expected a list of tables, found {}", other.describe());
            ctx.report_at(&node.place, key, message, Some(format!("write [[{key}]], in two brackets")));
            None
        }
    }
}

/// The features, one for each name, and the key under which each was written.
pub(super) fn read(ctx: &mut Context, node: Option<&Node>, registry: &Registry<'_>) -> (Vec<Feature>, Vec<String>) {
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    let Some(items) = entries(ctx, "features", node) else { return (features, labels) };
    let mut taken = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let name = names_of(item).first().map(|name| format!("features.{}", printable(name)));
        let label = name.filter(|label| !taken.contains(label)).unwrap_or_else(|| format!("features[{}]", i + 1));
        taken.insert(label.clone());
        let section = Section::open(ctx, &label, Some(item), KEYS);
        let names = read_names(ctx, &section);
        if features.len() + names.len() > FEATURES {
            ctx.report_at(&item.place, &label, format!("more than {FEATURES} features"), None);
            break;
        }
        let first = names.first().cloned().unwrap_or_default();
        let noted = ctx.in_force.len();
        ctx.decided(&section);
        let single = section.get(ctx, "names").is_none();
        let column = read_column(ctx, &section, &first, single);
        let side = section.pick(ctx, "side", Found::named, |_| Side::Context);
        let kind = read_kind(ctx, &section, registry);
        let pretrained = section.get(ctx, "pretrained").map(|found| read_pretrained(ctx, &found));
        let notes = ctx.in_force.split_off(noted);
        for name in names {
            let own = format!("features.{}", printable(&name));
            ctx.in_force.extend(notes.iter().map(|n| InForce { key: n.key.replacen(&label, &own, 1), ..n.clone() }));
            if !single {
                ctx.default(format!("{own}.column"), name.written());
            }
            let column = if single { column.clone() } else { name.clone() };
            features.push(Feature { name, column, kind: kind.clone(), side, pretrained: pretrained.clone() });
            labels.push(label.clone());
        }
    }
    share_tables(&mut features);
    (features, labels)
}

/// The names that an entry declares, without complaint.
pub(crate) fn names_of(entry: &Node) -> Vec<&str> {
    let Value::Table(table) = &entry.value else { return Vec::new() };
    let text = |node: &'_ Node| matches!(node.value, Value::Text(_));
    let mut names: Vec<&str> = table.text("name").into_iter().collect();
    match table.get("names") {
        Some(Node { value: Value::List(items), .. }) => {
            names.extend(items.iter().filter(|n| text(n)).filter_map(|n| match &n.value {
                Value::Text(name) => Some(name.as_str()),
                _ => None,
            }));
        }
        Some(Node { value: Value::Text(name), .. }) => names.push(name),
        _ => {}
    }
    names
}

/// Always at least one name, so that references to a feature with other problems still resolve.
pub(super) fn read_names(ctx: &mut Context, section: &Section<'_>) -> Vec<String> {
    let name = section.get(ctx, "name");
    let names = section.get(ctx, "names");
    let read = match (name, names) {
        (Some(name), None) => name.name(ctx, "a name").map(|name| vec![name]),
        (None, Some(names)) => {
            ctx.remember(&section.at("name"), &names.node.place);
            ctx.remember(&section.at("column"), &names.node.place);
            names.names(ctx, "one or more names")
        }
        (Some(_), Some(names)) => {
            let hint = Some("keep `name` or `names`".to_owned());
            ctx.report_at(&names.node.place, &names.key, "`name` names the feature already".to_owned(), hint);
            None
        }
        (None, None) => {
            section.missing(ctx, "name", "name the feature, or several alike with `names`");
            None
        }
    };
    read.filter(|names| !names.is_empty()).unwrap_or_else(|| vec![String::new()])
}

fn read_column(ctx: &mut Context, section: &Section<'_>, name: &str, single: bool) -> String {
    if single {
        return section.pick(ctx, "column", |f, ctx| f.name(ctx, "the name of a column"), |_| name.to_owned());
    }
    if let Some(found) = section.get(ctx, "column") {
        let message = "one column for several names".to_owned();
        let hint = "give each feature its own entry, or leave `column` out: each reads the column of its name";
        ctx.report_at(&found.node.place, &found.key, message, Some(hint.to_owned()));
    }
    name.to_owned()
}

fn read_kind(ctx: &mut Context, section: &Section<'_>, registry: &Registry<'_>) -> FeatureKind {
    let names: Vec<&str> = Kind::NAMES.iter().map(|(name, _)| *name).collect();
    let Some(found) = section.get(ctx, "kind") else {
        section.missing(ctx, "kind", &format!("set it to one of {}", one_of(&names, Quote::Value)));
        return unreadable();
    };
    match found.named(ctx) {
        None => unreadable(),
        Some(Kind::Categorical) => read_categorical(ctx, section, registry),
        Some(Kind::Dense) => read_dense(ctx, section, registry),
        Some(Kind::Vector) => {
            refuse(
                ctx,
                section,
                &["dim", "encoder", "embedding", "list", "table"],
                "has no meaning for features of kind \"vector\"",
            );
            let size = match section.get(ctx, "size") {
                Some(found) => found.size(ctx, 1, WIDTH),
                None => {
                    section.missing(ctx, "size", "set it to the length of the list");
                    None
                }
            };
            FeatureKind::Vector { size: size.unwrap_or(1) }
        }
    }
}

/// Stands for a kind that could not be read: what it allows is unknown, so nothing more is said about the entry, and
/// features that share its table are taken at their word.
fn unreadable() -> FeatureKind {
    let encoder = Block { kind: String::new(), options: BTreeMap::new() };
    FeatureKind::Categorical { encoder, dim: None, list: None, table: None }
}

fn refuse(ctx: &mut Context, section: &Section<'_>, keys: &[&str], why: &str) {
    for key in keys {
        section.refuse(ctx, key, why);
    }
}

fn read_encoder(
    ctx: &mut Context,
    section: &Section<'_>,
    specs: &[crate::spec::BlockSpec],
    default_type: &'static str,
) -> Block {
    let found = section.get(ctx, "encoder");
    block::read(ctx, found.as_ref(), &section.at("encoder"), specs, |_| default_type, BlockContext::NONE)
}

fn read_categorical(ctx: &mut Context, section: &Section<'_>, registry: &Registry<'_>) -> FeatureKind {
    section.refuse(ctx, "size", "belongs to features of kind \"vector\"");
    section.refuse(ctx, "embedding", "belongs to features of kind \"dense\"; `dim` is a categorical feature's");
    let table = section.get(ctx, "table").map(|found| found.name(ctx, "the name of a feature"));
    let encoder = if table.is_some() {
        section.refuse(ctx, "encoder", "`table` shares another feature's encoder");
        Block { kind: String::new(), options: BTreeMap::new() }
    } else {
        read_encoder(ctx, section, registry.categorical_encoders, CATEGORICAL_ENCODER)
    };
    let otherwise = if table.is_some() { "that of the shared table" } else { "from the number of values" };
    let dim = section.optional(ctx, "dim", otherwise, |f, ctx| f.size(ctx, 1, DIM));
    FeatureKind::Categorical { encoder, dim, list: read_list(ctx, section, registry), table: table.flatten() }
}

fn read_dense(ctx: &mut Context, section: &Section<'_>, registry: &Registry<'_>) -> FeatureKind {
    refuse(ctx, section, &["list", "table"], "belongs to features of kind \"categorical\"");
    section.refuse(ctx, "size", "belongs to features of kind \"vector\"");
    let encoder = read_encoder(ctx, section, registry.dense_encoders, DENSE_ENCODER);
    if encoder.kind == BUCKETIZE {
        section.refuse(ctx, "embedding", "a bucket has an embedding row already");
        let dim = section.optional(ctx, "dim", "from the number of buckets", |f, ctx| f.size(ctx, 1, DIM));
        return FeatureKind::Bucketized { encoder, dim };
    }
    section.refuse(ctx, "dim", "belongs to categorical features and to dense ones with the encoder \"bucketize\"");
    let embedding = section.optional(ctx, "embedding", "none", |found, ctx| {
        let key = section.at("embedding");
        Some(block::read(ctx, Some(found), &key, registry.number_embeddings, |_| NUMBER_EMBEDDING, BlockContext::NONE))
    });
    FeatureKind::Dense { encoder, embedding }
}

/// What must hold of the feature beside it is checked with what must hold between keys.
fn read_pretrained(ctx: &mut Context, found: &Found<'_>) -> Pretrained {
    let section = Section::open(ctx, &found.key, Some(found.node), PRETRAINED_KEYS);
    let file = match section.get(ctx, "file") {
        Some(file) => file.name(ctx, "a path").unwrap_or_default(),
        None => {
            section.missing(ctx, "file", "name the file with the vectors");
            String::new()
        }
    };
    let name = "the name of a column";
    Pretrained {
        file,
        key: section.optional(ctx, "key", "the feature's column", |f, ctx| f.name(ctx, name)),
        column: section.pick(ctx, "column", |f, ctx| f.name(ctx, name), |_| "vector".to_owned()),
        trainable: section.pick(ctx, "trainable", |f, ctx| f.bool(ctx), |_| true),
    }
}

fn read_list(ctx: &mut Context, section: &Section<'_>, registry: &Registry<'_>) -> Option<List> {
    let found = section.get(ctx, "list")?;
    if let Value::Table(table) = &found.node.value
        && let Some(kind) = table.text("combiner").or(choices(ctx.preset).sequence)
        && registry.sequences.iter().any(|spec| spec.name == kind)
    {
        return Some(read_sequence(ctx, &found, table, registry));
    }
    let node = match found.node.value {
        Value::Bool(false) => return None,
        Value::Bool(true) => None,
        Value::Table(_) => Some(found.node),
        _ => return found.expected(ctx, "true, or a table with `combiner`, `max_length` and `separator`"),
    };
    let list = Section::open(ctx, &found.key, node, LIST_KEYS);
    let pooling = list.pick(ctx, "combiner", |f, ctx| read_pooling(ctx, f, registry), |_| PoolingName::Mean);
    Some(List {
        combiner: match pooling {
            PoolingName::Mean => Combiner::Mean,
            PoolingName::Sum => Combiner::Sum,
            PoolingName::Max => Combiner::Max,
        },
        max_length: list.optional(ctx, "max_length", "all values", |f, ctx| f.size(ctx, 1, LIST_LENGTH)),
        separator: read_separator(ctx, &list),
    })
}

/// A list that a sequence encoder reads: its options stand beside the list's own keys.
fn read_sequence(ctx: &mut Context, found: &Found<'_>, table: &Table, registry: &Registry<'_>) -> List {
    let (mut own, mut options) = (found.node.clone(), Table::default());
    for entry in &table.0 {
        match entry.key.as_str() {
            "combiner" => options.put("type", entry.node.clone()),
            "max_length" | "separator" => {}
            key => options.put(key, entry.node.clone()),
        }
    }
    if let Value::Table(own) = &mut own.value {
        own.0.retain(|entry| LIST_KEYS.contains(&entry.key.as_str()));
    }
    let list = Section::open(ctx, &found.key, Some(&own), LIST_KEYS);
    let separator = read_separator(ctx, &list);
    let max_length = match list.get(ctx, "max_length") {
        Some(length) => length.size(ctx, 1, SEQUENCE_LENGTH),
        None => {
            let hint = format!("set it to how many of the last values a sequence keeps, 1 to {SEQUENCE_LENGTH}");
            list.missing(ctx, "max_length", &hint);
            None
        }
    };
    for option in options.0.iter().filter(|entry| entry.key != "type") {
        ctx.remember(&list.at(&option.key), &option.place);
    }
    let node = Node { place: found.node.place.clone(), value: Value::Table(options) };
    let whole = Found { node: &node, key: found.key.clone() };
    let sequence = |preset| choices(preset).sequence.unwrap_or_default();
    let block = block::read(ctx, Some(&whole), &found.key, registry.sequences, sequence, BlockContext::NONE);
    List { combiner: Combiner::Sequence(block), max_length, separator }
}

fn read_pooling(ctx: &mut Context, found: &Found<'_>, registry: &Registry<'_>) -> Option<PoolingName> {
    let word = if let Value::Text(word) = &found.node.value { word.as_str() } else { "" };
    if let Some((_, pooling)) = PoolingName::NAMES.iter().find(|(name, _)| *name == word) {
        return Some(*pooling);
    }
    let names = PoolingName::NAMES.iter().map(|(name, _)| *name).chain(registry.sequences.iter().map(|s| s.name));
    let names: Vec<&str> = names.collect();
    let message = format!("expected one of {}, found {}", one_of(&names, Quote::Value), found.node.value.describe());
    ctx.report_at(&found.node.place, &found.key, message, correction(word, &names, Quote::Value));
    None
}

fn read_separator(ctx: &mut Context, list: &Section<'_>) -> String {
    let what = format!("a text of 1 to {SEPARATOR_CHARS} characters");
    list.pick(
        ctx,
        "separator",
        |f, ctx| match f.text(ctx) {
            Some(text) if !(1..=SEPARATOR_CHARS).contains(&text.chars().count()) => f.expected(ctx, &what),
            text => text,
        },
        |_| "|".to_owned(),
    )
}

/// Gives features that share a table the encoder and the dimension of its owner.
fn share_tables(features: &mut [Feature]) {
    let mut owners: BTreeMap<String, (Block, Option<usize>)> = BTreeMap::new();
    for feature in features.iter() {
        if let FeatureKind::Categorical { encoder, dim, table: None, .. } = &feature.kind {
            owners.entry(feature.name.clone()).or_insert_with(|| (encoder.clone(), *dim));
        }
    }
    for feature in features {
        if let FeatureKind::Categorical { encoder, dim, table: Some(table), .. } = &mut feature.kind
            && let Some((shared, shared_dim)) = owners.get(table)
        {
            *encoder = shared.clone();
            if dim.is_none() {
                *dim = *shared_dim;
            }
        }
    }
}
