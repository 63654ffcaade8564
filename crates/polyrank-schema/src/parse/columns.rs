//! `[[columns]]` and `data.schema`: what is known of the table's columns.

use std::collections::BTreeSet;

use crate::error::printable;
use crate::limits::{COLUMNS, NUMBER};
use crate::read::{Context, Found, Section};
use crate::table::{Bounds, Column, Domain, Schema, Tag, ValueCount, check};
use crate::tree::{Node, Table, Value};

/// The keys of one entry.
const KEYS: &[&str] = &["name", "names", "tags", "type", "domain", "value_count"];
const DOMAIN_KEYS: &[&str] = &["min", "max", "name"];
const COUNT_KEYS: &[&str] = &["min", "max"];

/// Whole numbers of a domain.
const INTS: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);

/// Opens a file that a configuration names, by its path relative to the configuration's folder.
pub type OpenFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The columns of `data.schema`, with those of `[[columns]]` laid over them.
pub(super) fn read(ctx: &mut Context, root: &Table, open: OpenFile<'_>) -> Schema {
    let file = match root.get("data").map(|data| &data.value) {
        Some(Value::Table(data)) => data.get("schema").and_then(|node| read_file(ctx, node, open)),
        _ => None,
    };
    let declared = root.get("columns").map(|node| read_columns(ctx, node)).unwrap_or_default();
    &file.unwrap_or_default() + &declared
}

fn read_file(ctx: &mut Context, node: &Node, open: OpenFile<'_>) -> Option<Schema> {
    let found = Found { node, key: "data.schema".to_owned() };
    let path = found.name(ctx, "the path of a schema.pbtxt")?;
    let schema = open(&path).and_then(|text| Schema::from_pbtxt(&text, &path).map_err(|error| error.to_string()));
    schema.map_err(|message| ctx.report_at(&node.place, &found.key, message, None)).ok()
}

fn read_columns(ctx: &mut Context, node: &Node) -> Schema {
    let Some(items) = super::features::entries(ctx, "columns", Some(node)) else { return Schema::default() };
    let (mut columns, mut taken) = (Vec::new(), BTreeSet::new());
    for (i, item) in items.iter().enumerate() {
        let first = super::features::names_of(item).first().map(|name| format!("columns.{}", printable(name)));
        let label = first.unwrap_or_else(|| format!("columns[{}]", i + 1));
        let section = Section::open(ctx, &label, Some(item), KEYS);
        let names = super::features::read_names(ctx, &section);
        if columns.len() + names.len() > COLUMNS {
            ctx.report_at(&item.place, &label, format!("more than {COLUMNS} columns"), None);
            break;
        }
        let about = read_one(ctx, &section);
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let column = about.clone().with_name(name.clone());
            if !taken.insert(name.clone()) {
                let message = format!("another entry describes the column \"{}\"", printable(&name));
                ctx.report_at(&item.place, &label, message, Some("describe it in one".to_owned()));
            } else if let Err(message) = check(&column) {
                ctx.report_at(&item.place, &label, message, None);
            } else {
                columns.push(column);
            }
        }
    }
    Schema::new(columns).unwrap_or_default()
}

fn read_one(ctx: &mut Context, section: &Section<'_>) -> Column {
    Column {
        name: String::new(),
        tags: section.get(ctx, "tags").and_then(|found| tags(&found, ctx)).unwrap_or_default().into_iter().collect(),
        value_type: section.get(ctx, "type").and_then(|found| found.named(ctx)),
        domain: section.get(ctx, "domain").and_then(|found| read_domain(ctx, &found)),
        value_count: section.get(ctx, "value_count").and_then(|found| read_count(ctx, &found)),
        properties: Default::default(),
    }
}

/// Tags with a meaning; a compound is two.
pub(super) fn tags(found: &Found<'_>, ctx: &mut Context) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    for name in found.names(ctx, "one or more tags")? {
        match Tag::known(&name) {
            Ok(known) => tags.extend(known),
            Err(message) => ctx.report_at(&found.node.place, &found.key, message, None),
        }
    }
    Some(tags)
}

fn read_domain(ctx: &mut Context, found: &Found<'_>) -> Option<Domain> {
    let section = Section::open(ctx, &found.key, Some(found.node), DOMAIN_KEYS);
    let name = section.get(ctx, "name").and_then(|found| found.name(ctx, "a name"));
    let bound = |ctx: &mut Context, key| section.get(ctx, key);
    let (min, max) = (bound(ctx, "min"), bound(ctx, "max"));
    let is_float =
        |found: &Option<Found<'_>>| matches!(found, Some(Found { node, .. }) if matches!(node.value, Value::Float(_)));
    let bounds = if min.is_none() && max.is_none() {
        Bounds::Unknown
    } else if is_float(&min) || is_float(&max) {
        let mut read = |found: Option<Found<'_>>| found.and_then(|found| found.float(ctx, NUMBER));
        Bounds::Float { min: read(min), max: read(max) }
    } else {
        let mut read = |found: Option<Found<'_>>| {
            found.and_then(|found| found.int(ctx, INTS.0, INTS.1)).and_then(|v| i64::try_from(v).ok())
        };
        Bounds::Int { min: read(min), max: read(max) }
    };
    Some(Domain { name, bounds })
}

fn read_count(ctx: &mut Context, found: &Found<'_>) -> Option<ValueCount> {
    let most = i128::from(u32::MAX);
    if let Value::Int(_) = found.node.value {
        let count = found.int(ctx, 1, most).and_then(|v| u64::try_from(v).ok())?;
        return Some(ValueCount { min: count, max: Some(count) });
    }
    let section = Section::open(ctx, &found.key, Some(found.node), COUNT_KEYS);
    let mut read = |key, least| {
        let found = section.get(ctx, key)?;
        found.int(ctx, least, most).and_then(|v| u64::try_from(v).ok())
    };
    Some(ValueCount { min: read("min", 0).unwrap_or(0), max: read("max", 1) })
}
