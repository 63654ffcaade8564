//! From columns to text.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::super::{Bounds, Column, Domain, Schema, Tag, ValueType};
use super::{STRUCT, wire};

/// All columns, one `feature` each.
pub(super) fn text(schema: &Schema) -> String {
    let mut out = Out { text: String::new(), depth: 0 };
    for column in schema.columns() {
        out.message("feature", |out| feature(out, column));
    }
    out.text
}

fn feature(out: &mut Out, column: &Column) {
    out.quoted("name", column.name.as_bytes());
    if let Some(count) = column.value_count {
        out.message("value_count", |out| {
            out.word("min", count.min);
            out.word("max", count.max.unwrap_or(0));
        });
    }
    match column.value_type {
        Some(ValueType::Int | ValueType::Bool) => out.word("type", "INT"),
        Some(ValueType::Float) => out.word("type", "FLOAT"),
        Some(ValueType::Text) => out.word("type", "BYTES"),
        None => {}
    }
    match (&column.domain, column.value_type) {
        (Some(domain), value_type) => out.message(domain_field(domain, value_type), |out| {
            domain.name.iter().for_each(|name| out.quoted("name", name.as_bytes()));
            match domain.bounds {
                Bounds::Unknown => {}
                Bounds::Int { min, max } => {
                    min.iter().for_each(|min| out.word("min", min));
                    max.iter().for_each(|max| out.word("max", max));
                }
                Bounds::Float { min, max } => {
                    min.iter().for_each(|min| out.word("min", format!("{min:?}")));
                    max.iter().for_each(|max| out.word("max", format!("{max:?}")));
                }
            }
            if domain_field(domain, value_type) == INT_DOMAIN && column.tags.has(&Tag::Categorical) {
                out.word("is_categorical", true);
            }
        }),
        // Beside another domain there is no room for it: a feature has one.
        (None, Some(ValueType::Bool)) => out.message("bool_domain", |_| {}),
        (None, _) => {}
    }
    out.message("annotation", |out| {
        column.tags.iter().for_each(|tag| out.quoted("tag", tag.name().as_bytes()));
        let mut properties = column.properties.clone();
        let ragged = column.value_count.is_some_and(|count| count.fixed().is_none());
        properties.insert("is_list".to_owned(), Json::Bool(column.value_count.is_some()));
        properties.insert("is_ragged".to_owned(), Json::Bool(ragged));
        out.message("extra_metadata", |out| {
            out.quoted("type_url", STRUCT.as_bytes());
            out.quoted("value", &wire::encode(&properties));
        });
    });
}

const INT_DOMAIN: &str = "int_domain";

/// The field that holds a domain: a feature has one for each type.
fn domain_field(domain: &Domain, value_type: Option<ValueType>) -> &'static str {
    match (domain.bounds, value_type) {
        (Bounds::Int { .. }, _) | (Bounds::Unknown, Some(ValueType::Int | ValueType::Bool)) => INT_DOMAIN,
        (Bounds::Float { .. }, _) | (Bounds::Unknown, Some(ValueType::Float)) => "float_domain",
        (Bounds::Unknown, _) => "string_domain",
    }
}

/// Text with its depth.
struct Out {
    text: String,
    depth: usize,
}

impl Out {
    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
    }

    fn message(&mut self, name: &str, fields: impl FnOnce(&mut Out)) {
        self.indent();
        let _ = writeln!(self.text, "{name} {{");
        self.depth += 1;
        fields(self);
        self.depth -= 1;
        self.indent();
        self.text.push_str("}\n");
    }

    fn word(&mut self, name: &str, value: impl std::fmt::Display) {
        self.indent();
        let _ = writeln!(self.text, "{name}: {value}");
    }

    fn quoted(&mut self, name: &str, bytes: &[u8]) {
        self.indent();
        let _ = write!(self.text, "{name}: \"");
        for &byte in bytes {
            match byte {
                b'"' | b'\\' => self.text.extend(['\\', byte as char]),
                b'\n' => self.text.push_str("\\n"),
                b' '..=b'~' => self.text.push(byte as char),
                _ => _ = write!(self.text, "\\{byte:03o}"),
            }
        }
        self.text.push_str("\"\n");
    }
}
