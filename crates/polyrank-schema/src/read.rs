//! Reading typed values out of the tree: what was expected and found, what is missing, what nobody asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::InForce;
use crate::error::{Problem, Problems, Quote, correction, one_of, printable, suggestion};
use crate::expression::Expression;
use crate::limits::{LAYERS, Range, TEXT_CHARS, VALUES, WIDTH};
use crate::named::{Named, Written};
use crate::preset::Preset;
use crate::tree::{Node, Place, Table, Value};

/// Whole numbers beyond this have neighbours that a float cannot tell apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What reading a configuration gathers besides the configuration itself.
pub(crate) struct Context {
    pub(crate) problems: Problems,
    pub(crate) in_force: Vec<InForce>,
    pub(crate) preset: Preset,
    places: BTreeMap<String, Place>,
}

impl Context {
    pub(crate) fn new() -> Context {
        Context {
            problems: Problems::default(),
            in_force: Vec::new(),
            preset: Preset::Default,
            places: BTreeMap::new(),
        }
    }

    pub(crate) fn report_at(&mut self, place: &Place, key: &str, message: String, hint: Option<String>) {
        let line = match place {
            Place::Line(line) | Place::Decided { line: Some(line), .. } => Some(*line),
            _ => None,
        };
        let set = if let Place::Set(set) = place { Some(set.to_string()) } else { None };
        self.problems.push(Problem { line, column: None, set, key: key.to_owned(), message, hint });
    }

    /// Reports at the place where `key`, or else what holds it, was written.
    pub(crate) fn report(&mut self, key: &str, message: String, hint: Option<String>) {
        let mut part = key;
        let place = loop {
            match (self.places.get(part), part.rfind('.')) {
                (Some(place), _) => break place.clone(),
                (None, Some(dot)) => part = &part[..dot],
                (None, None) => break Place::Nowhere,
            }
        };
        self.report_at(&place, key, message, hint);
    }

    pub(crate) fn unknown_key(&mut self, place: &Place, key: &str, name: &str, known: &[&str]) {
        let hint = if self.problems.full() { None } else { suggestion(name, known, Quote::Key) };
        self.report_at(place, key, "unknown key".to_owned(), hint);
    }

    pub(crate) fn remember(&mut self, key: &str, place: &Place) {
        self.places.insert(key.to_owned(), place.clone());
    }

    /// Whether a value was found under `key`.
    pub(crate) fn is_written(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Notes what was decided of a table's keys by what is said of a column.
    pub(crate) fn decided(&mut self, section: &Section<'_>) {
        for entry in section.table.iter().flat_map(|table| &table.0) {
            if let Place::Decided { because, .. } = &entry.node.place {
                let because = because.to_string();
                self.in_force.push(InForce { key: section.at(&entry.key), value: entry.node.value.written(), because });
            }
        }
    }

    /// Notes a value that is the same under every preset.
    pub(crate) fn default(&mut self, key: String, value: String) {
        self.in_force.push(InForce { key, value, because: "default".to_owned() });
    }

    /// Notes a value that `choice` gives under the preset in force.
    pub(crate) fn chosen(&mut self, key: String, choice: impl Fn(Preset) -> String) {
        let value = choice(self.preset);
        let because = if value == choice(Preset::Default) {
            "default".to_owned()
        } else {
            format!("preset {}", self.preset.name())
        };
        self.in_force.push(InForce { key, value, because });
    }
}

/// A value that was written, and its key.
pub(crate) struct Found<'a> {
    pub(crate) node: &'a Node,
    pub(crate) key: String,
}

impl Found<'_> {
    pub(crate) fn expected<T>(&self, ctx: &mut Context, what: &str) -> Option<T> {
        ctx.report_at(
            &self.node.place,
            &self.key,
            format!("expected {what}, found {}", self.node.value.describe()),
            None,
        );
        None
    }

    fn expected_items<T>(&self, ctx: &mut Context, what: &str, item: &Node) -> Option<T> {
        let message = format!("expected {what}, found {} in the list", item.value.describe());
        ctx.report_at(&item.place, &self.key, message, None);
        None
    }

    pub(crate) fn int(&self, ctx: &mut Context, min: i128, max: i128) -> Option<i128> {
        match self.node.value {
            Value::Int(v) if (min..=max).contains(&v) => Some(v),
            _ => self.expected(ctx, &format!("a whole number from {min} to {max}")),
        }
    }

    pub(crate) fn size(&self, ctx: &mut Context, min: i128, max: i128) -> Option<usize> {
        self.int(ctx, min, max).and_then(|v| usize::try_from(v).ok())
    }

    pub(crate) fn float(&self, ctx: &mut Context, range: Range) -> Option<f64> {
        let value = match self.node.value {
            Value::Float(v) => v,
            Value::Int(v) => v as f64,
            _ => f64::NAN,
        };
        if range.holds(value) { Some(value) } else { self.expected(ctx, range.what) }
    }

    pub(crate) fn bool(&self, ctx: &mut Context) -> Option<bool> {
        match self.node.value {
            Value::Bool(v) => Some(v),
            _ => self.expected(ctx, "true or false"),
        }
    }

    pub(crate) fn text(&self, ctx: &mut Context) -> Option<String> {
        match &self.node.value {
            Value::Text(v) => Some(v.clone()),
            _ => self.expected(ctx, "a text"),
        }
    }

    /// A text that is not empty; `what` it names is for the message.
    pub(crate) fn name(&self, ctx: &mut Context, what: &str) -> Option<String> {
        match &self.node.value {
            Value::Text(v) if !v.is_empty() => Some(v.clone()),
            _ => self.expected(ctx, what),
        }
    }

    pub(crate) fn named<T: Named>(&self, ctx: &mut Context) -> Option<T> {
        let names: Vec<&str> = T::NAMES.iter().map(|(name, _)| *name).collect();
        let what = if names.len() == 1 {
            Quote::Value.around(names[0])
        } else {
            format!("one of {}", one_of(&names, Quote::Value))
        };
        let word = if let Value::Text(word) = &self.node.value { word.as_str() } else { "" };
        if let Some((_, value)) = T::NAMES.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let message = format!("expected {what}, found {}", self.node.value.describe());
        ctx.report_at(&self.node.place, &self.key, message, correction(word, &names, Quote::Value));
        None
    }

    /// An expression over the columns of a row.
    pub(crate) fn expression(&self, ctx: &mut Context) -> Option<Expression> {
        let Value::Text(text) = &self.node.value else {
            return self.expected(ctx, "an expression, as \"click == 1\"");
        };
        match Expression::parse(text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let message = format!("\"{}\": {}", printable(text), error.problem());
                ctx.report_at(&self.node.place, &self.key, message, error.hint);
                None
            }
        }
    }

    /// A list of texts that are not empty, or one as a list of one.
    pub(crate) fn names(&self, ctx: &mut Context, what: &str) -> Option<Vec<String>> {
        let names = self.texts(ctx, what)?;
        if names.is_empty() {
            return self.expected(ctx, what);
        }
        if names.iter().any(String::is_empty) {
            ctx.report_at(&self.node.place, &self.key, format!("expected {what}, found an empty text"), None);
            return None;
        }
        Some(names)
    }

    /// A list of texts, or one text as a list of one.
    pub(crate) fn texts(&self, ctx: &mut Context, what: &str) -> Option<Vec<String>> {
        match &self.node.value {
            Value::Text(v) => Some(vec![v.clone()]),
            Value::List(items) => {
                let mut texts = Vec::with_capacity(items.len());
                for item in items {
                    match &item.value {
                        Value::Text(v) => texts.push(v.clone()),
                        _ => return self.expected_items(ctx, what, item),
                    }
                }
                Some(texts)
            }
            _ => self.expected(ctx, what),
        }
    }

    /// Different values of a column as their canonical texts, or one value as a list of one.
    pub(crate) fn values(&self, ctx: &mut Context) -> Option<Vec<String>> {
        let one = std::slice::from_ref(self.node);
        let items = if let Value::List(items) = &self.node.value { items } else { one };
        if items.is_empty() || items.len() > VALUES {
            return self.expected(ctx, &format!("1 to {VALUES} values"));
        }
        let mut texts: Vec<String> = Vec::with_capacity(items.len());
        for node in items {
            let item = Found { node, key: self.key.clone() };
            let text = match &node.value {
                Value::Text(v) if v.is_empty() => return item.expected(ctx, "a value (an empty one is a missing one)"),
                Value::Text(v) if v.chars().count() > TEXT_CHARS => {
                    return item.expected(ctx, &format!("a value of up to {TEXT_CHARS} characters"));
                }
                Value::Text(v) => v.clone(),
                Value::Int(v) => v.to_string(),
                Value::Bool(v) => v.to_string(),
                Value::Float(v) if v.is_finite() && (v.fract() != 0.0 || v.abs() <= EXACT) => canonical(*v),
                Value::Float(_) => {
                    return item.expected(ctx, "a value (a float holds whole numbers up to 2^53 only)");
                }
                _ => return item.expected(ctx, "a value (a text, a number, true or false)"),
            };
            texts.push(text);
        }
        if let Some(twice) = repeated(&texts) {
            let message = format!("\"{}\" is listed twice", printable(twice));
            ctx.report_at(
                &self.node.place,
                &self.key,
                message,
                Some("keep one (7, \"7\" and 7.0 are one value)".into()),
            );
            return None;
        }
        Some(texts)
    }

    pub(crate) fn units(&self, ctx: &mut Context) -> Option<Vec<usize>> {
        let what = format!("a list of up to {LAYERS} layer widths, each a whole number from 1 to {WIDTH}");
        let Value::List(items) = &self.node.value else { return self.expected(ctx, &what) };
        if items.len() > LAYERS {
            ctx.report_at(&self.node.place, &self.key, format!("expected {what}, found {} of them", items.len()), None);
            return None;
        }
        let mut units = Vec::with_capacity(items.len());
        for item in items {
            match item.value {
                Value::Int(v) if (1..=WIDTH).contains(&v) => units.push(usize::try_from(v).ok()?),
                _ => return self.expected_items(ctx, &what, item),
            }
        }
        Some(units)
    }

    /// Finite, strictly rising numbers, from 1 to `most` of them.
    pub(crate) fn rising(&self, ctx: &mut Context, most: usize) -> Option<Vec<f64>> {
        let what = format!("a list of 1 to {most} strictly rising numbers");
        let Value::List(items) = &self.node.value else { return self.expected(ctx, &what) };
        if items.is_empty() || items.len() > most {
            let message = format!("expected {what}, found {} of them", items.len());
            ctx.report_at(&self.node.place, &self.key, message, None);
            return None;
        }
        let mut numbers: Vec<f64> = Vec::with_capacity(items.len());
        for item in items {
            let value = match item.value {
                Value::Float(v) => v,
                Value::Int(v) => v as f64,
                _ => f64::NAN,
            };
            if !value.is_finite() || numbers.last().is_some_and(|last| *last >= value) {
                return self.expected_items(ctx, &what, item);
            }
            numbers.push(value);
        }
        Some(numbers)
    }
}

/// A text that stands in a list more than once.
pub(crate) fn repeated(texts: &[String]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    texts.iter().find(|text| !seen.insert(text.as_str())).map(String::as_str)
}

/// A float as a column's text would have it: a whole number is that integer.
fn canonical(value: f64) -> String {
    // Adding 0 turns −0 into 0.
    format!("{}", value + 0.0)
}

/// A table of the configuration that is being read.
pub(crate) struct Section<'a> {
    pub(crate) key: String,
    pub(crate) place: Place,
    table: Option<&'a Table>,
    known: &'static [&'static str],
}

impl<'a> Section<'a> {
    /// Opens the table at `node`, an empty one if nothing is written; keys that are not `known` are reported.
    pub(crate) fn open(ctx: &mut Context, key: &str, node: Option<&'a Node>, known: &'static [&'static str]) -> Self {
        let mut section = Section { key: key.to_owned(), place: Place::Nowhere, table: None, known };
        let Some(node) = node else { return section };
        section.place = node.place.clone();
        ctx.remember(key, &node.place);
        match &node.value {
            Value::Table(table) => {
                section.table = Some(table);
                for entry in &table.0 {
                    if !known.contains(&entry.key.as_str()) {
                        ctx.unknown_key(&entry.place, &section.at(&entry.key), &entry.key, known);
                    }
                }
            }
            _ => {
                let found = Found { node, key: key.to_owned() };
                found.expected::<()>(ctx, "a table");
            }
        }
        section
    }

    /// The full key of `name` in this table.
    pub(crate) fn at(&self, name: &str) -> String {
        if self.key.is_empty() { printable(name) } else { format!("{}.{}", self.key, printable(name)) }
    }

    pub(crate) fn get(&self, ctx: &mut Context, name: &str) -> Option<Found<'a>> {
        debug_assert!(self.known.contains(&name), "`{name}` is read but not known");
        let node = self.table?.get(name)?;
        let key = self.at(name);
        ctx.remember(&key, &node.place);
        Some(Found { node, key })
    }

    /// Reports `name`, which must be written and is not.
    pub(crate) fn missing(&self, ctx: &mut Context, name: &str, hint: &str) {
        // Where something else stands for the table, that was the problem.
        if self.table.is_none() && self.place != Place::Nowhere {
            return;
        }
        let key = self.at(name);
        ctx.report_at(&self.place, &key, "missing".to_owned(), Some(hint.to_owned()));
    }

    /// Reports `name` if it is written where it has no meaning.
    pub(crate) fn refuse(&self, ctx: &mut Context, name: &str, why: &str) {
        if let Some(found) = self.get(ctx, name) {
            ctx.report_at(&found.node.place, &found.key, why.to_owned(), Some("remove it".to_owned()));
        }
    }

    /// What is written under `name`, or what `choice` gives under the preset in force (also after an error).
    pub(crate) fn pick<T: Written>(
        &self,
        ctx: &mut Context,
        name: &str,
        read: impl FnOnce(&Found<'a>, &mut Context) -> Option<T>,
        choice: impl Fn(Preset) -> T,
    ) -> T {
        match self.get(ctx, name) {
            Some(found) => match read(&found, ctx) {
                Some(value) => value,
                None => choice(ctx.preset),
            },
            None => {
                ctx.chosen(self.at(name), |preset| choice(preset).written());
                choice(ctx.preset)
            }
        }
    }

    /// What is written under `name`; if nothing is, `otherwise` says in words what holds instead.
    pub(crate) fn optional<T>(
        &self,
        ctx: &mut Context,
        name: &str,
        otherwise: &str,
        read: impl FnOnce(&Found<'a>, &mut Context) -> Option<T>,
    ) -> Option<T> {
        match self.get(ctx, name) {
            Some(found) => read(&found, ctx),
            None => {
                ctx.default(self.at(name), otherwise.to_owned());
                None
            }
        }
    }
}
