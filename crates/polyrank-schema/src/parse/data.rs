//! `[data]`: what to read and how.

use crate::config::{Data, Group, GroupWeight, OnBadRow, Reading, Split, Validation};
use crate::limits::{FRACTION, SHUFFLE_BUFFER};
use crate::named::Written;
use crate::read::{Context, Found, Section};
use crate::tree::{Node, Value};

const KEYS: &[&str] = &[
    "train",
    "schema",
    "valid",
    "valid_fraction",
    "split",
    "test",
    "columns",
    "separator",
    "null_values",
    "trim",
    "on_bad_row",
    "shuffle_buffer",
    "weight_column",
    "group",
    "group_weight",
];

const SHUFFLE_BUFFER_DEFAULT: usize = 500_000;

pub(super) fn read(ctx: &mut Context, node: Option<&Node>) -> Data {
    let section = Section::open(ctx, "data", node, KEYS);
    let train = match section.get(ctx, "train") {
        Some(found) => {
            let files = paths(&found, ctx);
            if files.as_ref().is_some_and(Vec::is_empty) {
                found.expected::<()>(ctx, "at least one file");
            }
            files.unwrap_or_default()
        }
        None => {
            section.missing(ctx, "train", "name the training files, as train = [\"data/train-*.parquet\"]");
            Vec::new()
        }
    };
    // The columns were read before: entries are completed by them.
    let _ = section.optional(ctx, "schema", "none", |_, _| None::<()>);
    let valid = read_validation(ctx, &section);
    let test = section.pick(ctx, "test", paths, |_| Vec::new());
    let defaults = Reading::default();
    let reading = Reading {
        columns: section.optional(ctx, "columns", "the first line of each text file", |f, ctx| {
            f.names(ctx, "one or more column names")
        }),
        separator: section.optional(ctx, "separator", "by the file's name: a comma for .csv, else a tab", separator),
        null_values: section.pick(
            ctx,
            "null_values",
            |f, ctx| f.texts(ctx, "a text or a list of texts"),
            |_| defaults.null_values.clone(),
        ),
        trim: section.pick(ctx, "trim", Found::bool, |_| defaults.trim),
        on_bad_row: section.pick(ctx, "on_bad_row", Found::named::<OnBadRow>, |_| defaults.on_bad_row),
    };
    let shuffle_buffer =
        section.pick(ctx, "shuffle_buffer", |f, ctx| f.size(ctx, 1, SHUFFLE_BUFFER), |_| SHUFFLE_BUFFER_DEFAULT);
    let weight_column = section.optional(ctx, "weight_column", "none", |f, ctx| f.name(ctx, "the name of a column"));
    let group = read_group(ctx, &section);
    Data { train, valid, test, reading, shuffle_buffer, weight_column, group }
}

fn read_group(ctx: &mut Context, section: &Section<'_>) -> Option<Group> {
    match section.optional(ctx, "group", "none", |f, ctx| f.name(ctx, "the name of a column")) {
        Some(column) => {
            let weight = section.pick(ctx, "group_weight", Found::named, |_| GroupWeight::Impressions);
            Some(Group { column, weight })
        }
        None => {
            section.refuse(ctx, "group_weight", "has no effect without `group`");
            None
        }
    }
}

fn paths(found: &Found<'_>, ctx: &mut Context) -> Option<Vec<String>> {
    found.texts(ctx, "a path or a list of paths")
}

fn read_validation(ctx: &mut Context, section: &Section<'_>) -> Validation {
    let files = section.get(ctx, "valid").map(|found| paths(&found, ctx).unwrap_or_default());
    let Some(part) = section.get(ctx, "valid_fraction") else {
        section.refuse(ctx, "split", "has no effect without `valid_fraction`");
        return match files {
            None => {
                ctx.default(section.at("valid"), "none".to_owned());
                Validation::None
            }
            Some(files) if files.is_empty() => Validation::None,
            Some(files) => Validation::Files(files),
        };
    };
    let fraction = part.float(ctx, FRACTION);
    let split = match section.get(ctx, "split") {
        Some(found) => read_split(ctx, &found),
        None => {
            ctx.default(section.at("split"), "random".written());
            Some(Split::Random)
        }
    };
    if files.is_some_and(|f| !f.is_empty()) {
        let hint = "keep `valid` or `valid_fraction`".to_owned();
        ctx.report_at(&part.node.place, &part.key, "`valid` names validation files already".to_owned(), Some(hint));
    }
    Validation::Fraction { fraction: fraction.unwrap_or(0.5), split: split.unwrap_or(Split::Random) }
}

fn read_split(ctx: &mut Context, found: &Found<'_>) -> Option<Split> {
    let text = if let Value::Text(text) = &found.node.value { text.as_str() } else { "" };
    match (text, text.strip_prefix("group:")) {
        ("random", _) => Some(Split::Random),
        ("tail", _) => Some(Split::Tail),
        (_, Some(column)) if !column.is_empty() => Some(Split::Group(column.to_owned())),
        _ => found.expected(ctx, "\"random\", \"tail\" or \"group:COLUMN\""),
    }
}

fn separator(found: &Found<'_>, ctx: &mut Context) -> Option<char> {
    let text = if let Value::Text(text) = &found.node.value { text.as_str() } else { "" };
    // In single quotes, or on a command line, a backslash and a t are two characters.
    let text = if text == "\\t" { "\t" } else { text };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if is_separator(c) => Some(c),
        _ => found.expected(ctx, SEPARATOR),
    }
}

pub(crate) const SEPARATOR: &str = "one ASCII character that is no quote and no line end, as \",\" or \"\\t\"";

pub(crate) fn is_separator(c: char) -> bool {
    c.is_ascii() && !matches!(c, '"' | '\n' | '\r' | '\0')
}
