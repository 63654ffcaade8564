//! The configuration's text as a tree whose every value knows its place: a line of the file, or a `--set`.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::error::{Problem, Problems, printable};
use crate::named::Written;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// It was not.
    Nowhere,
    /// This line of the file, from 1.
    Line(usize),
    /// The `--set` of this key.
    Set(Arc<str>),
    /// It was not, but what is said of a column decides it.
    Decided {
        /// The line to blame if the value cannot be.
        line: Option<usize>,
        /// What decides it, as `tag item`.
        because: Arc<str>,
    },
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A TOML value; what no key takes is only named.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Int(i128),
    Float(f64),
    Bool(bool),
    List(Vec<Node>),
    Table(Table),
    /// A date, or a number that is too large.
    Odd(&'static str),
}

/// A key, its place and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

/// Entries in the order of their keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(pub(crate) Vec<Entry>);

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.0.iter_mut().find(|e| e.key == key).map(|e| &mut e.node)
    }

    /// Puts `node` under `key`, in place of what was there.
    pub(crate) fn put(&mut self, key: &str, node: Node) {
        self.0.retain(|e| e.key != key);
        self.0.push(Entry { key: key.to_owned(), place: node.place.clone(), node });
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Node { value: Value::Text(text), .. }) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    pub(crate) fn text(place: &Place, text: &str) -> Node {
        Node { place: place.clone(), value: Value::Text(text.to_owned()) }
    }

    /// A table of these entries, all of it at `place`.
    pub(crate) fn table<'k>(place: &Place, entries: impl IntoIterator<Item = (&'k str, Value)>) -> Node {
        let mut table = Table::default();
        for (key, value) in entries {
            table.put(key, Node { place: place.clone(), value });
        }
        Node { place: place.clone(), value: Value::Table(table) }
    }
}

impl Value {
    /// The value as it would be written.
    pub(crate) fn written(&self) -> String {
        match self {
            Value::Text(text) => text.written(),
            Value::Int(v) => v.to_string(),
            Value::Float(v) => v.written(),
            Value::Bool(v) => v.written(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(|item| item.value.written()).collect::<Vec<_>>().join(", "))
            }
            Value::Table(table) => {
                let entry = |entry: &Entry| format!("{} = {}", entry.key, entry.node.value.written());
                format!("{{ {} }}", table.0.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Value::Odd(what) => (*what).to_owned(),
        }
    }

    /// What it is, for `expected …, found …`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::Text(text) => format!("the text \"{}\"", printable(text)),
            Value::Int(v) => v.to_string(),
            Value::Float(v) => format!("{v:?}"),
            Value::Bool(v) => v.to_string(),
            Value::List(items) if items.is_empty() => "an empty list".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
            Value::Odd(what) => (*what).to_owned(),
        }
    }
}

/// Reads TOML; syntax errors go to `problems`, one a line, and then there is no tree.
pub(crate) fn read(text: &str, problems: &mut Problems) -> Option<Table> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(convert_table(table.get_ref(), &|at| Place::Line(lines.line(at))));
    }
    let mut last = None;
    for error in errors {
        let at = error.span().map(|span| lines.line_and_column(text, span.start));
        if last.is_some() && last == at.map(|(line, _)| line) {
            continue;
        }
        last = at.map(|(line, _)| line);
        problems.push(Problem {
            line: last,
            column: at.map(|(_, column)| column),
            set: None,
            key: String::new(),
            message: format!("not valid TOML: {}", printable(error.message())),
            hint: None,
        });
    }
    None
}

/// The value that `text` writes, if it is one TOML value; all of it is at `place`.
pub(crate) fn read_value(text: &str, place: &Place) -> Option<Node> {
    let document = format!("value = {text}");
    let parsed = DeTable::parse(&document).ok()?;
    let mut table = convert_table(parsed.get_ref(), &|_| place.clone());
    match (table.0.pop(), table.0.is_empty()) {
        (Some(entry), true) if entry.key == "value" => Some(entry.node),
        _ => None,
    }
}

/// The parts of a TOML key, as `features."a.b".dim`.
pub(crate) fn read_key(text: &str) -> Option<Vec<String>> {
    let document = format!("{text} = 0");
    let parsed = DeTable::parse(&document).ok()?;
    let mut table = parsed.get_ref();
    let mut parts = Vec::new();
    loop {
        let (key, value) = table.iter().next()?;
        if table.len() != 1 {
            return None;
        }
        parts.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            DeValue::Integer(_) => return Some(parts),
            _ => return None,
        }
    }
}

/// The parser bounds the depth of the tree, so recursion is safe here.
fn convert_table(table: &DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Table {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        place: place(key.span().start),
        node: Node { place: place(value.span().start), value: convert(value.get_ref(), place) },
    });
    Table(entries.collect())
}

fn convert(value: &DeValue<'_>, place: &dyn Fn(usize) -> Place) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(v) => Value::Int(v),
            Err(_) => Value::Odd("a whole number that is too large"),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(v) => Value::Float(v),
            Err(_) => Value::Odd("a number that cannot be read"),
        },
        DeValue::Boolean(v) => Value::Bool(*v),
        DeValue::Datetime(_) => Value::Odd("a date or time"),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node { place: place(item.span().start), value: convert(item.get_ref(), place) })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, place)),
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line, from 1, of a byte offset.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }

    /// The line and the column in characters, both from 1, of a byte offset.
    fn line_and_column(&self, text: &str, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.0.get(line - 1).copied().unwrap_or(0);
        let before = text.get(start..at).map_or(at - start, |t| t.chars().count());
        (line, before + 1)
    }
}
