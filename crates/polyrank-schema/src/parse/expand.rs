//! Entries of `[[features]]` and `[[tasks]]` completed by what is known of the columns, before they are read.
//!
//! A selection becomes an entry a column, and each entry gets the keys that its column decides and nobody wrote. So the
//! readers of entries, and `--set`, see what a user could have written, and one way leads to a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::columns::tags;
use super::features::{KEYS, names_of};
use crate::choices::choices;
use crate::error::printable;
use crate::limits::{CLASSES, FEATURES, LIST_LENGTH, SEQUENCE_LENGTH, TASKS};
use crate::named::{Kind, Named};
use crate::preset::Preset;
use crate::read::{Context, Found, Section};
use crate::set::feature_holds;
use crate::spec::Registry;
use crate::table::decide::{self, Encoding};
use crate::table::{Column, Schema, Select, Tag};
use crate::tree::{Entry, Node, Place, Table, Value};

const SELECT_KEYS: &[&str] = &["tags", "all_tags", "names", "exclude"];

/// Makes an entry of `[[features]]` of each column that is selected, and of each that could be a feature where none is
/// written; the same of the labels for `[[tasks]]`.
pub(super) fn expand(ctx: &mut Context, root: &mut Table, schema: &Schema, registry: &Registry<'_>) {
    match root.get_mut("features") {
        Some(Node { value: Value::List(items), .. }) => expand_features(ctx, items, schema, registry),
        None if !schema.is_empty() => {
            let all = schema.filter(|column| !column.is_target() && !column.tags.has(&Tag::Time));
            ctx.default("features".to_owned(), "every column that is no target and no time".to_owned());
            put_entries(root, "features", &all);
        }
        _ => {}
    }
    match root.get_mut("tasks") {
        Some(Node { value: Value::List(items), .. }) => expand_tasks(ctx, items, schema),
        None if !schema.targets().is_empty() => {
            ctx.default("tasks".to_owned(), "every column that is a target".to_owned());
            put_entries(root, "tasks", &schema.targets());
        }
        _ => {}
    }
    decide(root, schema, ctx.preset);
}

fn put_entries(root: &mut Table, key: &str, columns: &Schema) {
    let entry = |column: &Column| Node::table(&Place::Nowhere, [("name", Value::Text(column.name.clone()))]);
    let items: Vec<Node> = columns.columns().iter().map(entry).collect();
    if !items.is_empty() {
        root.put(key, Node { place: Place::Nowhere, value: Value::List(items) });
    }
}

/// An entry of one column, and the selection that it came from.
struct Selected {
    entry: Node,
    from: Option<usize>,
}

/// What a list's selections take.
#[derive(Clone, Copy)]
struct Kinds {
    list: &'static str,
    most: usize,
    takes: fn(&Column) -> bool,
    never: &'static str,
}

const FEATURE_COLUMNS: Kinds = Kinds {
    list: "features",
    most: FEATURES,
    takes: |column| !column.is_target(),
    never: "see the tags in [[columns]] or `data.schema`; labels are never selected",
};

const LABELS: Kinds = Kinds {
    list: "tasks",
    most: TASKS,
    takes: Column::is_target,
    never: "see the tags in [[columns]] or `data.schema`; only targets are selected",
};

/// An entry for each column that the entries' selections take, and the other entries as they are.
fn entries(ctx: &mut Context, written: &[Node], schema: &Schema, kinds: Kinds) -> Vec<Selected> {
    // What an entry names is that entry's, whatever a selection says; so is the column of its label.
    let column = |item: &'_ Node| match &item.value {
        Value::Table(table) if kinds.list == LABELS.list => table.text("column").map(str::to_owned),
        _ => None,
    };
    let named = written.iter().flat_map(|item| names_of(item).into_iter().map(str::to_owned).chain(column(item)));
    let mut claimed: BTreeMap<String, bool> = named.map(|name| (name, false)).collect();
    let mut entries: Vec<Selected> = Vec::new();
    for (i, item) in written.iter().enumerate() {
        let selection = match &item.value {
            Value::Table(table) => table.get("select").map(|select| (table, select)),
            _ => None,
        };
        match selection {
            Some((table, select)) => {
                for column in selected(ctx, i, table, select, schema, &mut claimed, kinds) {
                    let mut entry = Table::default();
                    entry.put("name", Node::text(&select.place, &column));
                    table.get("kind").into_iter().for_each(|kind| entry.put("kind", kind.clone()));
                    let entry = Node { place: item.place.clone(), value: Value::Table(entry) };
                    entries.push(Selected { entry, from: Some(i) });
                }
            }
            // Only features are written several in one entry.
            None if kinds.list == LABELS.list => entries.push(Selected { entry: item.clone(), from: None }),
            None => entries.extend(single(item, schema).into_iter().map(|entry| Selected { entry, from: None })),
        }
        if entries.len() > kinds.most {
            break;
        }
    }
    entries
}

fn expand_tasks(ctx: &mut Context, items: &mut Vec<Node>, schema: &Schema) {
    let has_select = |item: &Node| matches!(&item.value, Value::Table(table) if table.get("select").is_some());
    if !items.iter().any(has_select) {
        return;
    }
    let written = std::mem::take(items);
    let mut entries = entries(ctx, &written, schema, LABELS);
    decide_tasks(entries.iter_mut().map(|selected| &mut selected.entry), schema);
    for (i, item) in written.iter().enumerate() {
        let Value::Table(table) = &item.value else { continue };
        if table.get("select").is_some() {
            let of = entries.iter_mut().filter(|s| s.from == Some(i)).map(|s| &mut s.entry).collect();
            hand_on(ctx, i, table, of, LABELS, |entry, key, _| task_holds(entry.text("kind"), key));
        }
    }
    *items = entries.into_iter().map(|selected| selected.entry).collect();
}

/// Whether a task of a kind can have a key; of a kind that nobody knows, what binary ones have.
fn task_holds(kind: Option<&str>, key: &str) -> bool {
    match key {
        "positive" => matches!(kind, None | Some("binary")),
        "class_weights" => kind != Some("regression"),
        "classes" => kind == Some("multi_class"),
        "loss" | "delta" | "transform" => kind == Some("regression"),
        _ => true,
    }
}

fn expand_features(ctx: &mut Context, items: &mut Vec<Node>, schema: &Schema, registry: &Registry<'_>) {
    let written = std::mem::take(items);
    let mut entries = entries(ctx, &written, schema, FEATURE_COLUMNS);
    // Which keys a column can have depends on its kind, and whether it shares another's table.
    decide_features(entries.iter_mut().map(|selected| &mut selected.entry), schema, ctx.preset);
    for (i, item) in written.iter().enumerate() {
        let Value::Table(table) = &item.value else { continue };
        if table.get("select").is_some() {
            let of = entries.iter_mut().filter(|s| s.from == Some(i)).map(|s| &mut s.entry).collect();
            hand_on(ctx, i, table, of, FEATURE_COLUMNS, |entry, key, node| match key {
                // A key that nobody knows goes to all, whose reader says so; a list's to those that are lists.
                known if !KEYS.contains(&known) => true,
                "list" => entry.get("list").is_some(),
                key => feature_holds(entry, &[key], node, registry),
            });
        }
    }
    *items = entries.into_iter().map(|selected| selected.entry).collect();
}

/// The columns of a selection, in the schema's order; they are claimed.
fn selected(
    ctx: &mut Context,
    number: usize,
    table: &Table,
    node: &Node,
    schema: &Schema,
    claimed: &mut BTreeMap<String, bool>,
    kinds: Kinds,
) -> Vec<String> {
    let key = format!("{}[{}].select", kinds.list, number + 1);
    for other in ["name", "names", "column"] {
        if let Some(found) = table.get(other) {
            let hint = Some("a selection names its columns itself; remove it, or put it into `select`".to_owned());
            ctx.report_at(&found.place, &key, format!("`{other}` beside `select`"), hint);
        }
    }
    if schema.is_empty() {
        let hint = "describe them with [[columns]], or name a schema.pbtxt in `data.schema`".to_owned();
        ctx.report_at(&node.place, &key, "there are no columns to select from".to_owned(), Some(hint));
        return Vec::new();
    }
    let before = ctx.problems.found();
    let Some(select) = read_select(ctx, node, &key, schema, false) else { return Vec::new() };
    // A time is a feature only where somebody asks for it.
    let open = select.tags.is_empty() && select.all_tags.is_empty() && select.names.is_empty();
    let select = if open { select.excluding(Select::tags([Tag::Time])) } else { select };
    let mut columns = Vec::new();
    for column in schema.columns().iter().filter(|column| select.takes(column) && (kinds.takes)(column)) {
        match claimed.insert(column.name.clone(), true) {
            Some(false) => _ = claimed.insert(column.name.clone(), false),
            Some(true) => {
                let message = format!("another entry selects the column \"{}\" already", printable(&column.name));
                ctx.report_at(&node.place, &key, message, Some("exclude it in one of them".to_owned()));
            }
            None => columns.push(column.name.clone()),
        }
    }
    if columns.is_empty() && ctx.problems.found() == before {
        let hint = Some(kinds.never.to_owned());
        ctx.report_at(&node.place, &key, "no column is left to select".to_owned(), hint);
    }
    columns
}

fn read_select(ctx: &mut Context, node: &Node, key: &str, schema: &Schema, excludes: bool) -> Option<Select> {
    if excludes && matches!(node.value, Value::Text(_) | Value::List(_)) {
        return Some(Select::names(names(&Found { node, key: key.to_owned() }, ctx, schema)?));
    }
    let known = if excludes { &SELECT_KEYS[..3] } else { SELECT_KEYS };
    let section = Section::open(ctx, key, Some(node), known);
    let mut read = |name| section.get(ctx, name).and_then(|found| some_tags(&found, ctx, schema)).unwrap_or_default();
    let (any, all) = (read("tags"), read("all_tags"));
    let names = section.get(ctx, "names").and_then(|found| names(&found, ctx, schema)).unwrap_or_default();
    let exclude = if excludes { None } else { section.get(ctx, "exclude") };
    let exclude = exclude.and_then(|found| read_select(ctx, found.node, &found.key, schema, true));
    Some(Select { tags: any, all_tags: all, names, exclude: exclude.into_iter().collect() })
}

/// Tags with a meaning, or that a column has.
fn some_tags(found: &Found<'_>, ctx: &mut Context, schema: &Schema) -> Option<Vec<Tag>> {
    let texts = found.names(ctx, "one or more tags")?;
    let (own, known): (Vec<String>, Vec<String>) = texts.into_iter().partition(|name| {
        let tag = Tag::Own(name.clone());
        schema.columns().iter().any(|column| column.tags.has(&tag))
    });
    let mut all: Vec<Tag> = own.into_iter().map(Tag::Own).collect();
    if !known.is_empty() {
        let texts = known.into_iter().map(|name| Node::text(&found.node.place, &name)).collect();
        let node = Node { place: found.node.place.clone(), value: Value::List(texts) };
        all.extend(tags(&Found { node: &node, key: found.key.clone() }, ctx)?);
    }
    Some(all)
}

fn names(found: &Found<'_>, ctx: &mut Context, schema: &Schema) -> Option<Vec<String>> {
    let names = found.names(ctx, "one or more names of columns")?;
    for name in names.iter().filter(|name| schema.get(name).is_none()) {
        ctx.report_at(&found.node.place, &found.key, schema.no_such(name), None);
    }
    Some(names)
}

/// Gives a selection's keys to the columns that can have them.
fn hand_on(
    ctx: &mut Context,
    number: usize,
    table: &Table,
    mut entries: Vec<&mut Node>,
    kinds: Kinds,
    holds: impl Fn(&Table, &str, &Node) -> bool,
) {
    for Entry { key, place, node } in &table.0 {
        if matches!(key.as_str(), "select" | "name" | "names" | "column" | "kind") {
            continue;
        }
        let mut held = entries.is_empty();
        for entry in &mut entries {
            let Value::Table(table) = &mut entry.value else { continue };
            if holds(table, key, node) {
                table.put(key, node.clone());
                held = true;
            }
        }
        if !held {
            let key = format!("{}[{}].{key}", kinds.list, number + 1);
            ctx.report_at(place, &key, "no selected column can have this".to_owned(), Some("remove it".to_owned()));
        }
    }
}

/// An entry of several names as one of each, if something is known of one of them.
fn single(item: &Node, schema: &Schema) -> Vec<Node> {
    let whole = || vec![item.clone()];
    let Value::Table(table) = &item.value else { return whole() };
    let Some(names) = table.get("names") else { return whole() };
    let texts = names_of(item);
    let listed = if let Value::List(items) = &names.value { items.len() } else { 1 };
    // An entry with faults in its names is for its reader to complain about.
    let plain = table.get("name").is_none() && table.get("column").is_none() && texts.len() == listed;
    if !plain || !texts.iter().any(|name| schema.get(name).is_some()) {
        return whole();
    }
    let one = |name: &&str| {
        let mut own = table.clone();
        own.0.retain(|entry| entry.key != "names");
        own.put("name", Node::text(&names.place, name));
        Node { place: item.place.clone(), value: Value::Table(own) }
    };
    texts.iter().map(one).collect()
}

/// Puts into each entry what its column decides and nobody wrote, in place of what was decided before.
pub(super) fn decide(root: &mut Table, schema: &Schema, preset: Preset) {
    if let Some(Node { value: Value::List(items), .. }) = root.get_mut("features") {
        decide_features(items.iter_mut(), schema, preset);
    }
    if let Some(Node { value: Value::List(items), .. }) = root.get_mut("tasks") {
        decide_tasks(items.iter_mut(), schema);
    }
}

fn decide_tasks<'a>(items: impl Iterator<Item = &'a mut Node>, schema: &'a Schema) {
    for mut entry in items.filter_map(|item| Deciding::open(item, schema)) {
        entry.forget();
        if let Some((goal, because)) = decide::goal(entry.column) {
            entry.put("kind", named(goal), &because);
        }
        if entry.table.text("kind") == Some("multi_class") {
            classes(&mut entry);
        }
    }
}

/// The classes of a label are the numbers of its domain.
fn classes(entry: &mut Deciding<'_>) {
    let Some((min, max)) = entry.column.int_bounds().filter(|(min, max)| max.abs_diff(*min) < CLASSES as u64) else {
        return;
    };
    let because = format!("domain {min} to {max}");
    let classes = match min {
        0 => Value::Int(i128::from(max) + 1),
        _ => Value::List((min..=max).map(|class| entry.node(Value::Int(class.into()), &because)).collect()),
    };
    entry.put("classes", classes, &because);
}

/// Reports the entries whose kind neither they nor their columns say.
pub(super) fn report_undecided(ctx: &mut Context, root: &mut Table, schema: &Schema) {
    for (list, tags) in
        [("features", "`categorical` or `continuous`"), ("tasks", "`binary`, `regression` or `multi_class`")]
    {
        let Some(Node { value: Value::List(items), .. }) = root.get_mut(list) else { continue };
        for entry in items.iter_mut().filter_map(|item| Deciding::open(item, schema)) {
            // A task that is written has a kind by default.
            let default = list == "tasks" && entry.place != Place::Nowhere;
            if default || entry.table.get("kind").is_some() {
                continue;
            }
            let name = printable(&entry.column.name);
            let message = format!("the column \"{name}\" does not say what it is");
            let hint = format!("tag it {tags}, or write `kind`");
            ctx.report_at(&entry.place, &format!("{list}.{name}.kind"), message, Some(hint));
            // Stands for what is missing, so that nothing more is said of it.
            let kind = if list == "features" { named(Kind::Categorical) } else { named(crate::named::Goal::Binary) };
            entry.table.put("kind", Node { place: entry.place.clone(), value: kind });
        }
    }
}

/// An entry of a column of which something is known.
struct Deciding<'a> {
    place: Place,
    line: Option<usize>,
    table: &'a mut Table,
    column: &'a Column,
}

impl<'a> Deciding<'a> {
    fn open(item: &'a mut Node, schema: &'a Schema) -> Option<Deciding<'a>> {
        let place = item.place.clone();
        let line = if let Place::Line(line) = place { Some(line) } else { None };
        let Value::Table(table) = &mut item.value else { return None };
        let column = schema.get(table.text("column").or(table.text("name"))?)?;
        Some(Deciding { place, line, table, column })
    }

    fn forget(&mut self) {
        self.table.0.retain(|entry| !matches!(entry.node.place, Place::Decided { .. }));
    }

    fn put(&mut self, key: &str, value: Value, because: &str) {
        if self.table.get(key).is_none() {
            self.table.put(key, self.node(value, because));
        }
    }

    fn node(&self, value: Value, because: &str) -> Node {
        Node { place: Place::Decided { line: self.line, because: because.into() }, value }
    }
}

fn named<T: Named>(value: T) -> Value {
    Value::Text(T::NAMES.iter().find(|(_, v)| *v == value).map_or(String::new(), |(name, _)| (*name).to_owned()))
}

fn decide_features<'a>(items: impl Iterator<Item = &'a mut Node>, schema: &'a Schema, preset: Preset) {
    let mut entries: Vec<Deciding<'a>> = items.filter_map(|item| Deciding::open(item, schema)).collect();
    for entry in &mut entries {
        entry.forget();
        if let Some((kind, because)) = decide::kind(entry.column) {
            entry.put("kind", named(kind), &because);
        }
        if let Some((side, because)) = decide::side(entry.column) {
            entry.put("side", named(side), &because);
        }
    }
    let owners = owners(&entries);
    for entry in &mut entries {
        match entry.table.text("kind") {
            Some("categorical") => categorical(entry, &owners, preset),
            Some("vector") => {
                if let Some(size) = entry.column.value_count.and_then(|count| count.fixed()) {
                    entry.put("size", Value::Int(size.into()), &format!("{size} values a row"));
                }
            }
            _ => {}
        }
    }
}

/// Which feature has the table of each named domain: the first with one value a row, else the first.
fn owners(entries: &[Deciding<'_>]) -> BTreeMap<String, String> {
    let mut owners: BTreeMap<String, (bool, String)> = BTreeMap::new();
    for entry in entries {
        let (Some(domain), Some(name)) = (entry.column.domain_name(), entry.table.text("name")) else { continue };
        if entry.table.text("kind") != Some("categorical") || entry.table.get("table").is_some() {
            continue;
        }
        let list = entry.column.is_list();
        match owners.get(domain) {
            Some((owner_is_list, _)) if list || !owner_is_list => {}
            _ => _ = owners.insert(domain.to_owned(), (list, name.to_owned())),
        }
    }
    owners.into_iter().map(|(domain, (_, name))| (domain, name)).collect()
}

fn categorical(entry: &mut Deciding<'_>, owners: &BTreeMap<String, String>, preset: Preset) {
    let name = entry.table.text("name").unwrap_or_default().to_owned();
    let domain = entry.column.domain_name();
    let owner = domain.and_then(|domain| owners.get(domain)).filter(|owner| **owner != name).cloned();
    if let (Some(domain), Some(owner)) = (domain, &owner)
        && entry.table.get("encoder").is_none()
    {
        entry.put("table", Value::Text(owner.clone()), &format!("domain {}", printable(domain)));
    }
    if entry.table.get("table").is_none()
        && let Some((encoding, because)) = decide::encoding(entry.column)
    {
        let (kind, key, number) = match encoding {
            Encoding::Identity(size) => ("identity", "size", size),
            Encoding::Vocabulary(min_count) => ("vocabulary", "min_count", min_count),
        };
        let place = Place::Decided { line: entry.line, because: Arc::from(because.as_str()) };
        let options = [("type", Value::Text(kind.to_owned())), (key, Value::Int(number.into()))];
        entry.put("encoder", Node::table(&place, options).value, &because);
    }
    if entry.column.is_list() {
        list(entry, owner, preset);
    }
}

/// A list's values are pooled; under a preset with a sequence encoder that reads a sequence beside the candidate.
fn list(entry: &mut Deciding<'_>, owner: Option<String>, preset: Preset) {
    let because = match entry.column.value_count {
        Some(_) => "several values a row".to_owned(),
        None => format!("tag {}", if entry.column.tags.has(&Tag::List) { Tag::List } else { Tag::Sequence }),
    };
    let sequence = choices(preset).sequence.filter(|_| entry.column.tags.has(&Tag::Sequence)).zip(owner);
    let most = if sequence.is_some() { SEQUENCE_LENGTH } else { LIST_LENGTH };
    let mut keys = match sequence {
        Some((encoder, target)) => {
            vec![("combiner", Value::Text(encoder.to_owned())), ("target", Value::Text(target))]
        }
        None => vec![("combiner", Value::Text("mean".to_owned()))],
    };
    if let Some(max) = entry.column.value_count.and_then(|count| count.max).map(i128::from)
        && (1..=most).contains(&max)
    {
        keys.push(("max_length", Value::Int(max)));
    }
    let place = Place::Decided { line: entry.line, because: Arc::from(because.as_str()) };
    entry.put("list", Node::table(&place, keys).value, &because);
}
