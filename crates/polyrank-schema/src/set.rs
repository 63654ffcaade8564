//! `--set key=value`: values that the command line lays over the file.

use std::sync::Arc;

use crate::error::{ConfigErrors, Problem, Quote, printable, suggestion};
use crate::parse::{BUCKETIZE, CATEGORICAL_ENCODER, DENSE_ENCODER, FEATURE_KEYS, TASK_KEYS, names_of, operator_name};
use crate::read::Context;
use crate::spec::{BlockSpec, Registry};
use crate::tree::{self, Node, Place, Table, Value};

/// Keys whose value is a block, so that a plain name there stands for `{ type = "name" }`.
const BLOCKS: &[&str] = &["interaction", "multi_task", "optimizer", "embedding_optimizer", "encoder", "embedding"];

/// One `--set`: the value at this key of the file, if any, gives way to this one.
#[derive(Debug, Clone)]
pub struct SetOverride {
    key: Arc<str>,
    path: Vec<String>,
    value: Node,
}

impl SetOverride {
    /// Reads `key=value`. The key is a TOML key, as `train.threads` or `features."a.b".dim`; the value is a TOML value,
    /// and a bare word that is none (`adam`, `data/part-*.csv`) is a text.
    ///
    /// # Errors
    ///
    /// Text without `=`, a key that is no TOML key, or a value that is neither a TOML value nor a bare word.
    pub fn parse(text: &str) -> Result<SetOverride, ConfigErrors> {
        let Some((key, value)) = split(text) else {
            return Err(refuse(text, "", "no `=`", "write KEY=VALUE, as train.threads=2"));
        };
        let (key, value) = (key.trim(), value.trim());
        let path = if key.contains(['\n', '\r']) { None } else { tree::read_key(key) };
        let Some(path) = path else {
            let hint = "write it as in the file, as train.threads or features.\"a b\".dim";
            return Err(refuse(text, key, "not a key", hint));
        };
        let name: Arc<str> = printable(key).into();
        let place = Place::Set(name.clone());
        let value = match tree::read_value(value, &place) {
            Some(node) => node,
            None if is_bare_word(value) => Node { place, value: Value::Text(value.to_owned()) },
            None if value.is_empty() => return Err(refuse(text, key, "no value", "an empty text is \"\"")),
            None => {
                let message = format!("neither a TOML value nor one word: {}", printable(value));
                return Err(refuse(text, key, &message, "put a text in quotes"));
            }
        };
        Ok(SetOverride { key: name, path, value })
    }

    /// A list of texts under a key, as `("data.train", files)`, whatever characters they hold.
    ///
    /// # Errors
    ///
    /// A key that is no TOML key.
    pub fn texts(key: &str, texts: &[String]) -> Result<SetOverride, ConfigErrors> {
        let mut set = SetOverride::parse(&format!("{key}=[]"))?;
        let place = &set.value.place;
        let items = texts.iter().map(|t| Node { place: place.clone(), value: Value::Text(t.clone()) }).collect();
        set.value = Node { place: place.clone(), value: Value::List(items) };
        Ok(set)
    }

    /// The key as it was written.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The text around the first `=` that is not within quotes.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '=') => return Some((&text[..at], &text[at + 1..])),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

fn is_bare_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['"', '\'', '[', '{'])
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn refuse(text: &str, key: &str, message: &str, hint: &str) -> ConfigErrors {
    let set = if key.is_empty() { printable(text) } else { printable(key) };
    let problem = Problem {
        line: None,
        column: None,
        set: Some(set),
        key: String::new(),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    };
    ConfigErrors::new("--set", vec![problem])
}

impl SetOverride {
    /// Whether it changes entries of `[[features]]` or `[[tasks]]`, not the list as a whole.
    pub(crate) fn is_of_entries(&self) -> bool {
        self.path.len() > 1 && matches!(self.path[0].as_str(), "features" | "tasks")
    }
}

/// Lays `set` over the tree. What the key or the value is worth is for the reader of the tree to say.
pub(crate) fn apply(ctx: &mut Context, root: &mut Table, set: &SetOverride, registry: &Registry<'_>) {
    let path: Vec<&str> = set.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        [list @ ("features" | "tasks"), first, rest @ ..] => {
            let Some(Node { value: Value::List(entries), .. }) = root.get_mut(list) else {
                let place = &set.value.place;
                ctx.report_at(place, &set.key, format!("there are no entries of [[{list}]]"), None);
                return;
            };
            apply_to_entries(ctx, entries, list, first, rest, set, registry);
        }
        ["operators", name, rest @ ..] => apply_to_operator(ctx, root, name, rest, set),
        path => put(root, path, &set.value),
    }
}

/// Operators go by their names, and by their types where they have none.
fn apply_to_operator(ctx: &mut Context, root: &mut Table, name: &str, rest: &[&str], set: &SetOverride) {
    let place = &set.value.place;
    let mut none = Vec::new();
    let entries = match root.get_mut("operators").map(|node| &mut node.value) {
        Some(Value::List(entries)) => entries,
        _ => &mut none,
    };
    let called = |entry: &&mut Node| operator_name(entry) == Some(name);
    let (message, hint) = match (entries.iter_mut().filter(called).count(), rest) {
        (1, [_, ..]) => {
            if let Some(Value::Table(table)) = entries.iter_mut().find(called).map(|entry| &mut entry.value) {
                put(table, rest, &set.value);
            }
            return;
        }
        (0, _) => {
            let names: Vec<&str> = entries.iter().filter_map(|entry| operator_name(entry)).collect();
            (format!("no operator is called \"{}\"", printable(name)), suggestion(name, &names, Quote::Value))
        }
        (1, []) => ("an operator, not a key".to_owned(), Some(format!("write operators.{}.KEY", printable(name)))),
        (n, _) => {
            let hint = Some("give each a `name` of its own".to_owned());
            (format!("{n} operators are called \"{}\"", printable(name)), hint)
        }
    };
    ctx.report_at(place, &set.key, message, hint);
}

/// Puts a value under a path, with tables on the way where there are none.
fn put(table: &mut Table, path: &[&str], value: &Node) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.put(first, value.clone());
        return;
    }
    let place = value.place.clone();
    let inner = match table.get_mut(first).map(|node| &mut node.value) {
        Some(Value::Table(_)) => None,
        Some(Value::Text(name)) if BLOCKS.contains(first) => {
            let mut block = Table::default();
            block.put("type", Node { place: place.clone(), value: Value::Text(std::mem::take(name)) });
            Some(block)
        }
        _ => Some(Table::default()),
    };
    if let Some(inner) = inner {
        table.put(first, Node { place, value: Value::Table(inner) });
    }
    if let Some(Node { value: Value::Table(inner), place }) = table.get_mut(first) {
        put(inner, rest, value);
        // With a part of it written, it is no longer as it was decided.
        if matches!(place, Place::Decided { .. }) {
            *place = value.place.clone();
        }
    }
}

fn apply_to_entries(
    ctx: &mut Context,
    entries: &mut Vec<Node>,
    list: &str,
    first: &str,
    rest: &[&str],
    set: &SetOverride,
    registry: &Registry<'_>,
) {
    let known = if list == "features" { FEATURE_KEYS } else { TASK_KEYS };
    let named = entries.iter().any(|e| names_of(e).contains(&first));
    if named && !rest.is_empty() {
        for at in single_out(entries, first) {
            if let Some(Value::Table(table)) = entries.get_mut(at).map(|e| &mut e.value) {
                put(table, rest, &set.value);
            }
        }
        return;
    }
    let place = &set.value.place;
    if !known.contains(&first) {
        let what = &list[..list.len() - 1];
        let (message, names, quote) = if rest.is_empty() {
            ("unknown key".to_owned(), known.to_vec(), Quote::Key)
        } else {
            let names = entries.iter().flat_map(names_of).collect();
            (format!("no {what} is named \"{}\"", printable(first)), names, Quote::Value)
        };
        let hint = suggestion(first, &names, quote);
        ctx.report_at(place, &set.key, message, hint);
        return;
    }
    let path: Vec<&str> = std::iter::once(first).chain(rest.iter().copied()).collect();
    let mut held = false;
    for entry in entries.iter_mut() {
        let Value::Table(table) = &mut entry.value else { continue };
        let fits = match list {
            "features" => feature_holds(table, &path, &set.value, registry),
            _ => task_holds(table, first),
        };
        if fits {
            put(table, &path, &set.value);
            held = true;
        }
    }
    if !held {
        ctx.report_at(place, &set.key, format!("no entry of [[{list}]] can have this"), None);
    }
}

/// Splits the entries that declare `name` among others, so that each declares it alone; gives their places.
fn single_out(entries: &mut Vec<Node>, name: &str) -> Vec<usize> {
    let mut alone = Vec::new();
    for entry in std::mem::take(entries) {
        let names: Vec<String> = names_of(&entry).into_iter().map(str::to_owned).collect();
        let with = |names: &[String]| {
            let mut part = entry.clone();
            if let Value::Table(table) = &mut part.value
                && let Some(place) = table.get("names").map(|n| n.place.clone())
            {
                let texts = names.iter().map(|n| Node { place: place.clone(), value: Value::Text(n.clone()) });
                table.put("names", Node { place: place.clone(), value: Value::List(texts.collect()) });
            }
            part
        };
        match names.iter().position(|n| n == name) {
            Some(at) if names.len() > 1 => {
                let (before, after) = (&names[..at], &names[at + 1..]);
                if !before.is_empty() {
                    entries.push(with(before));
                }
                let mut own = entry.clone();
                if let Value::Table(table) = &mut own.value
                    && let Some(place) = table.get("names").map(|n| n.place.clone())
                {
                    // With `name` in place of `names`, the entry may hold a column of its own.
                    table.0.retain(|e| e.key != "names");
                    table.put("name", Node { place, value: Value::Text(name.to_owned()) });
                }
                alone.push(entries.len());
                entries.push(own);
                if !after.is_empty() {
                    entries.push(with(after));
                }
            }
            Some(_) => {
                alone.push(entries.len());
                entries.push(entry);
            }
            None => entries.push(entry),
        }
    }
    alone
}

/// Whether an entry of `[[features]]` can have the value, so that `features.KEY` reaches it.
pub(crate) fn feature_holds(table: &Table, path: &[&str], value: &Node, registry: &Registry<'_>) -> bool {
    let kind = table.text("kind").unwrap_or_default();
    let shares = table.get("table").is_some();
    let (specs, usual) = match kind {
        "categorical" => (registry.categorical_encoders, CATEGORICAL_ENCODER),
        "dense" => (registry.dense_encoders, DENSE_ENCODER),
        _ => (&[][..], ""),
    };
    let encoder = table.get("encoder").map_or(usual, |node| block_type(node).unwrap_or(usual));
    match path {
        // An entry that shares a table has its owner's dimension; if it repeats it, it repeats the new one.
        ["dim"] => match kind {
            "categorical" => !shares || table.get("dim").is_some(),
            _ => kind == "dense" && encoder == BUCKETIZE,
        },
        ["encoder"] | ["encoder", "type"] => {
            let kinds = |specs: &[BlockSpec]| block_type(value).is_some_and(|t| specs.iter().any(|s| s.name == t));
            let anywhere = kinds(registry.categorical_encoders) || kinds(registry.dense_encoders);
            // What no kind of feature has goes to the categorical ones, whose reader says what is wrong with it.
            !shares && if anywhere { kinds(specs) } else { kind == "categorical" }
        }
        ["encoder", option] => {
            let spec = specs.iter().find(|s| s.name == encoder);
            !shares && spec.is_some_and(|s| s.options.iter().any(|o| o.key == *option))
        }
        ["embedding"] => kind == "dense" && encoder != BUCKETIZE,
        ["embedding", ..] => table.get("embedding").is_some(),
        ["list"] | ["table"] => kind == "categorical",
        ["list", ..] => table.get("list").is_some(),
        ["size"] => kind == "vector",
        ["column"] => table.get("name").is_some(),
        ["name" | "names" | "select", ..] => false,
        _ => true,
    }
}

fn block_type(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(name) => Some(name),
        Value::Table(table) => table.text("type"),
        _ => None,
    }
}

fn task_holds(table: &Table, key: &str) -> bool {
    let regression = table.text("kind") == Some("regression");
    match key {
        "positive" => !regression,
        "loss" => regression,
        "delta" => regression && table.text("loss") == Some("huber"),
        "name" => false,
        _ => true,
    }
}
