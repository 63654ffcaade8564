//! Blocks (`{ type = "mmoe", experts = 3 }`) against the registry, from text and from a stored configuration.

use std::collections::BTreeMap;

use crate::cross::name_fault;
use crate::error::{Quote, one_of, printable, suggestion};
use crate::limits::{BOUNDARIES, COUNTS, LAYERS, NAMES, OPERATOR_COLUMNS, Range, TEXT_CHARS, VALUES, WIDTH};
use crate::named::Written;
use crate::preset::Preset;
use crate::read::{Context, Found, repeated};
use crate::spec::{Block, BlockContext, BlockSpec, Literal, OptionDefault, OptionKind, OptionSpec, OptionValue};
use crate::tree::{Entry, Place, Table, Value};

/// Reads the block under `key`; what is not written, its type included, gets its default.
pub(crate) fn read<'d>(
    ctx: &mut Context,
    found: Option<&Found<'_>>,
    key: &str,
    specs: &[BlockSpec],
    default_type: impl Fn(Preset) -> &'d str,
    context: BlockContext<'_>,
) -> Block {
    let before = ctx.problems.found();
    let type_key = format!("{key}.type");
    let mut place = found.map_or(Place::Nowhere, |f| f.node.place.clone());
    let empty = Table::default();
    let mut table = &empty;
    let mut name = default_type(ctx.preset).to_owned();
    let mut written = false;
    match found.map(|f| (f, &f.node.value)) {
        None => {}
        Some((_, Value::Text(text))) => (name, written) = (text.clone(), true),
        Some((_, Value::Table(inner))) => {
            table = inner;
            if let Some(node) = inner.get("type") {
                place = node.place.clone();
                let found = Found { node, key: type_key.clone() };
                match found.text(ctx) {
                    Some(text) => (name, written) = (text, true),
                    None => return Block { kind: name, options: BTreeMap::new() },
                }
            }
        }
        Some((found, _)) => {
            found.expected::<()>(ctx, "a table with `type`, or the type's name");
            return Block { kind: name, options: BTreeMap::new() };
        }
    }
    let mut block = Block { kind: name, options: BTreeMap::new() };
    let Some(spec) = specs.iter().find(|s| s.name == block.kind) else {
        unknown_type(ctx, &place, key, &block.kind, specs);
        return block;
    };
    if !written {
        ctx.chosen(type_key, |preset| default_type(preset).to_owned().written());
    }
    for entry in &table.0 {
        if entry.key != "type" && !spec.options.iter().any(|o| o.key == entry.key) {
            unknown_option(ctx, entry, key, spec);
        }
    }
    for option in spec.options {
        if let Some(value) = read_option(ctx, table, key, option, &place) {
            block.options.insert(option.key.to_owned(), value);
        }
    }
    if ctx.problems.found() == before
        && let Err(message) = (spec.check)(&block, context)
    {
        ctx.report_at(&place, key, message, None);
    }
    block
}

fn unknown_type(ctx: &mut Context, place: &Place, key: &str, name: &str, specs: &[BlockSpec]) {
    let known: Vec<&str> = specs.iter().map(|s| s.name).collect();
    let message = format!("unknown type \"{}\"", printable(name));
    ctx.report_at(place, key, message, suggestion(name, &known, Quote::Value));
}

fn unknown_option(ctx: &mut Context, entry: &Entry, key: &str, spec: &BlockSpec) {
    let key = format!("{key}.{}", printable(&entry.key));
    if spec.options.is_empty() {
        let hint = format!("\"{}\" has no options", spec.name);
        ctx.report_at(&entry.place, &key, "unknown key".to_owned(), Some(hint));
        return;
    }
    let known: Vec<&str> = spec.options.iter().map(|o| o.key).collect();
    ctx.unknown_key(&entry.place, &key, &entry.key, &known);
}

fn read_option(ctx: &mut Context, table: &Table, key: &str, option: &OptionSpec, place: &Place) -> Option<OptionValue> {
    let key = format!("{key}.{}", option.key);
    if let Some(node) = table.get(option.key) {
        return read_value(ctx, &Found { node, key }, option.kind);
    }
    match option.default {
        OptionDefault::Required => {
            let hint = format!("set it to {}", expectation(option.kind));
            ctx.report_at(place, &key, "missing".to_owned(), Some(hint));
            None
        }
        OptionDefault::Absent => {
            ctx.default(key, "none".to_owned());
            None
        }
        OptionDefault::Always(literal) => {
            ctx.default(key, written(literal));
            value_of(literal)
        }
        OptionDefault::ByPreset(choice) => {
            ctx.chosen(key, |preset| written(choice(preset)));
            value_of(choice(ctx.preset))
        }
    }
}

fn read_value(ctx: &mut Context, found: &Found<'_>, kind: OptionKind) -> Option<OptionValue> {
    match (kind, &found.node.value) {
        (OptionKind::Units, _) => found.units(ctx).map(OptionValue::Units),
        (OptionKind::Counts { .. }, value) => {
            let count = |value: &Value| match value {
                Value::Int(v) => usize::try_from(*v).ok(),
                _ => None,
            };
            let counts = match value {
                Value::List(items) => items.iter().map(|item| count(&item.value)).collect(),
                one => count(one).map(|v| vec![v]),
            };
            let value = counts.map(OptionValue::Units);
            value.filter(|v| holds(v, kind)).or_else(|| found.expected(ctx, &expectation(kind)))
        }
        (OptionKind::Names | OptionKind::Columns | OptionKind::Paths, _) => {
            let names = found.texts(ctx, &expectation(kind))?;
            let value = Some(OptionValue::Names(names));
            value.filter(|v| holds(v, kind)).or_else(|| found.expected(ctx, &expectation(kind)))
        }
        (OptionKind::Values, _) => found.values(ctx).map(OptionValue::Names),
        (OptionKind::Rising, _) => found.rising(ctx, BOUNDARIES).map(OptionValue::Numbers),
        (OptionKind::Int { .. } | OptionKind::Scalar, Value::Int(v)) => {
            let value = i64::try_from(*v).map(OptionValue::Int).ok();
            value.filter(|v| holds(v, kind)).or_else(|| found.expected(ctx, &expectation(kind)))
        }
        (_, value) => {
            let value = match value {
                Value::Bool(v) => Some(OptionValue::Bool(*v)),
                Value::Text(v) => Some(OptionValue::Text(v.clone())),
                Value::Float(v) => Some(OptionValue::Float(*v)),
                Value::Int(v) => Some(OptionValue::Float(*v as f64)),
                _ => None,
            };
            value.filter(|v| holds(v, kind)).or_else(|| found.expected(ctx, &expectation(kind)))
        }
    }
}

/// Whether a value is of the kind and within its bounds.
fn holds(value: &OptionValue, kind: OptionKind) -> bool {
    match (kind, value) {
        (OptionKind::Int { min, max }, OptionValue::Int(v)) => (min..=max).contains(v),
        (OptionKind::Float { min, max }, OptionValue::Float(v)) => v.is_finite() && (min..=max).contains(v),
        // Another program may have rewritten a stored 1.0 as 1.
        (OptionKind::Float { min, max }, OptionValue::Int(v)) => (min..=max).contains(&(*v as f64)),
        (OptionKind::Bool, OptionValue::Bool(_)) => true,
        (OptionKind::Name(names), OptionValue::Text(v)) => names.contains(&v.as_str()),
        (OptionKind::Units, OptionValue::Units(v)) => {
            v.len() <= LAYERS && v.iter().all(|u| *u >= 1 && *u as i128 <= WIDTH)
        }
        (OptionKind::Counts { min, max }, OptionValue::Units(v)) => {
            (1..=COUNTS).contains(&v.len()) && v.iter().all(|count| (min..=max).contains(count))
        }
        (OptionKind::Rising, OptionValue::Numbers(v)) => {
            (1..=BOUNDARIES).contains(&v.len())
                && v.iter().all(|x| x.is_finite())
                && v.windows(2).all(|pair| pair[0] < pair[1])
        }
        (OptionKind::Text, OptionValue::Text(v)) => v.chars().count() <= TEXT_CHARS,
        (OptionKind::Names, OptionValue::Names(v)) => {
            v.len() <= NAMES && v.iter().all(|name| !name.is_empty() && name.chars().count() <= TEXT_CHARS)
        }
        (OptionKind::Values, OptionValue::Names(v)) => {
            (1..=VALUES).contains(&v.len())
                && v.iter().all(|value| !value.is_empty() && value.chars().count() <= TEXT_CHARS)
                && repeated(v).is_none()
        }
        (OptionKind::Column, OptionValue::Text(v)) => name_fault(v).is_none(),
        (OptionKind::Columns, OptionValue::Names(v)) => {
            (1..=OPERATOR_COLUMNS).contains(&v.len()) && v.iter().all(|name| name_fault(name).is_none())
        }
        (OptionKind::Paths, OptionValue::Names(v)) => {
            (1..=OPERATOR_COLUMNS).contains(&v.len()) && v.iter().all(|path| !path.is_empty() && !path.contains('\0'))
        }
        (OptionKind::Scalar, OptionValue::Float(v)) => v.is_finite(),
        (OptionKind::Scalar, OptionValue::Text(v)) => v.chars().count() <= TEXT_CHARS,
        (OptionKind::Scalar, OptionValue::Int(_) | OptionValue::Bool(_)) => true,
        // A stored empty list reads back as one of widths.
        (OptionKind::Names, OptionValue::Units(v)) => v.is_empty(),
        _ => false,
    }
}

fn expectation(kind: OptionKind) -> String {
    match kind {
        OptionKind::Int { min, max: i64::MAX } => format!("a whole number, {min} or above"),
        OptionKind::Int { min, max } => format!("a whole number from {min} to {max}"),
        OptionKind::Float { min, max } if max >= f64::MAX && min <= f64::MIN => "a number".to_owned(),
        OptionKind::Float { min, max } if max >= f64::MAX => format!("a number, {min:?} or above"),
        OptionKind::Float { min, max } => format!("a number from {min:?} to {max:?}"),
        OptionKind::Bool => "true or false".to_owned(),
        OptionKind::Name(names) => format!("one of {}", one_of(names, Quote::Value)),
        OptionKind::Units => format!("a list of up to {LAYERS} layer widths, each a whole number from 1 to {WIDTH}"),
        OptionKind::Counts { min, max } => {
            format!("a whole number from {min} to {max}, or a list of 1 to {COUNTS} of them")
        }
        OptionKind::Rising => format!("a list of 1 to {BOUNDARIES} strictly rising numbers"),
        OptionKind::Text => format!("a text of up to {TEXT_CHARS} characters"),
        OptionKind::Names => format!("a list of up to {NAMES} names"),
        OptionKind::Values => format!("a list of 1 to {VALUES} different values"),
        OptionKind::Column => "the name of a column".to_owned(),
        OptionKind::Columns => format!("the names of 1 to {OPERATOR_COLUMNS} columns"),
        OptionKind::Paths => format!("1 to {OPERATOR_COLUMNS} paths"),
        OptionKind::Scalar => "a number, a text, true or false".to_owned(),
    }
}

fn value_of(literal: Literal) -> Option<OptionValue> {
    match literal {
        Literal::Bool(v) => Some(OptionValue::Bool(v)),
        Literal::Int(v) => Some(OptionValue::Int(v)),
        Literal::Float(v) => Some(OptionValue::Float(v)),
        Literal::Text(v) => Some(OptionValue::Text(v.to_owned())),
        Literal::Units(v) => Some(OptionValue::Units(v.to_vec())),
        Literal::None => None,
    }
}

fn written(literal: Literal) -> String {
    match literal {
        Literal::Bool(v) => v.written(),
        Literal::Int(v) => v.written(),
        Literal::Float(v) => v.written(),
        Literal::Text(v) => v.written(),
        Literal::Units(v) => v.written(),
        Literal::None => "none".to_owned(),
    }
}

fn written_value(value: &OptionValue) -> String {
    match value {
        OptionValue::Bool(v) => v.written(),
        OptionValue::Int(v) => v.written(),
        OptionValue::Float(v) => v.written(),
        OptionValue::Text(v) => v.written(),
        OptionValue::Units(v) => v.written(),
        OptionValue::Numbers(v) => v.written(),
        OptionValue::Names(v) => v.written(),
    }
}

impl Written for Block {
    fn written(&self) -> String {
        let options = self.options.iter().map(|(key, value)| format!(", {key} = {}", written_value(value)));
        format!("{{ type = {}{} }}", self.kind.written(), options.collect::<String>())
    }
}

/// Checks a block of a stored configuration: whoever reads its options may rely on every one being there.
pub(crate) fn check(ctx: &mut Context, block: &Block, key: &str, specs: &[BlockSpec], context: BlockContext<'_>) {
    let before = ctx.problems.found();
    let Some(spec) = specs.iter().find(|s| s.name == block.kind) else {
        unknown_type(ctx, &Place::Nowhere, key, &block.kind, specs);
        return;
    };
    for (name, value) in &block.options {
        let key = format!("{key}.{}", printable(name));
        match spec.options.iter().find(|o| o.key == name) {
            Some(option) if holds(value, option.kind) => {}
            Some(option) => {
                let found = printable(&written_value(value));
                ctx.report(&key, format!("expected {}, found {found}", expectation(option.kind)), None);
            }
            None => ctx.report(&key, "unknown key".to_owned(), None),
        }
    }
    for option in spec.options.iter().filter(|o| !block.has(o.key)) {
        let may_be_absent = match option.default {
            OptionDefault::Required => false,
            OptionDefault::Absent => true,
            OptionDefault::Always(literal) => literal == Literal::None,
            OptionDefault::ByPreset(choice) => choice(ctx.preset) == Literal::None,
        };
        if !may_be_absent {
            ctx.report(&format!("{key}.{}", option.key), "missing".to_owned(), None);
        }
    }
    if ctx.problems.found() == before
        && let Err(message) = (spec.check)(block, context)
    {
        ctx.report(key, message, None);
    }
}

/// Checks a number of a stored configuration.
pub(crate) fn check_range(ctx: &mut Context, key: &str, value: f64, range: Range) {
    if !range.holds(value) {
        ctx.report(key, format!("expected {}, found {value:?}", range.what), None);
    }
}
