//! From fields to columns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::super::{Bounds, Column, Domain, SchemaError, Tag, ValueCount, ValueType};
use super::text::{Field, Value};
use super::{STRUCT, wire};
use crate::error::printable;

/// Merlin's own words for what a column has fields for.
const SHAPES: &[&str] = &["is_list", "is_ragged", "_dims"];

/// The line of each feature, by its name.
pub(super) fn lines(fields: &[Field]) -> BTreeMap<String, usize> {
    let features = fields.iter().filter_map(|field| match &field.value {
        Value::Message(inner) if field.name == "feature" => Some((text(one(inner, "name").ok()??).ok()?, field.line)),
        _ => None,
    });
    features.collect()
}

/// The columns of a `Schema` message.
pub(super) fn columns(fields: &[Field]) -> Result<Vec<Column>, SchemaError> {
    let mut columns = Vec::new();
    for field in fields {
        match (&field.value, field.name.as_str()) {
            (Value::Message(inner), "feature") => {
                columns.push(column(field, inner)?);
            }
            (_, "feature") => return Err(SchemaError::at(field.line, "expected `feature { … }`")),
            _ => {}
        }
    }
    if columns.is_empty() {
        return Err(SchemaError::of("", "has no `feature`; is this the schema of a table?"));
    }
    Ok(columns)
}

fn column(whole: &Field, fields: &[Field]) -> Result<Column, SchemaError> {
    let Some(name) = one(fields, "name")? else {
        return Err(SchemaError::at(whole.line, "a feature without a name; write name: \"…\""));
    };
    let name = text(name)?;
    let about = |error: SchemaError| SchemaError { column: name.clone(), ..error };
    let mut read = Reading { fields, column: Column::new(name.clone()), properties: Map::new() };
    read.all().map_err(about)?;
    let Reading { mut column, properties, .. } = read;
    column.properties = properties.into_iter().filter(|(key, _)| !SHAPES.contains(&key.as_str())).collect();
    Ok(column)
}

/// A feature on its way to a column.
struct Reading<'a> {
    fields: &'a [Field],
    column: Column,
    properties: Map<String, Json>,
}

impl Reading<'_> {
    fn all(&mut self) -> Result<(), SchemaError> {
        self.annotation()?;
        self.value_type()?;
        self.domain()?;
        self.value_count()
    }

    fn annotation(&mut self) -> Result<(), SchemaError> {
        let Some(annotation) = message(self.fields, "annotation")? else { return Ok(()) };
        let mut tags = BTreeSet::new();
        for field in annotation {
            match field.name.as_str() {
                "tag" => tags.extend(Tag::read(&text(field)?)),
                "extra_metadata" => self.properties.extend(any(field)?),
                _ => {}
            }
        }
        self.column.tags = tags.into_iter().collect();
        Ok(())
    }

    fn value_type(&mut self) -> Result<(), SchemaError> {
        let Some(field) = one(self.fields, "type")? else { return Ok(()) };
        self.column.value_type = match word(field)? {
            "INT" | "2" => Some(ValueType::Int),
            "FLOAT" | "3" => Some(ValueType::Float),
            "BYTES" | "1" => Some(ValueType::Text),
            "TYPE_UNKNOWN" | "0" => None,
            "STRUCT" | "4" => {
                return Err(SchemaError::at(field.line, "holds features of its own, which no column does; flatten it"));
            }
            other => {
                let message = format!("expected INT, FLOAT or BYTES, found {}", printable(other));
                return Err(SchemaError::at(field.line, message));
            }
        };
        Ok(())
    }

    fn domain(&mut self) -> Result<(), SchemaError> {
        if message(self.fields, "bool_domain")?.is_some() {
            self.column.value_type = Some(ValueType::Bool);
        }
        let named = |domain: &[Field], bounds| -> Result<Option<Domain>, SchemaError> {
            let name = one(domain, "name")?.map(text).transpose()?.filter(|name| !name.is_empty());
            Ok(Some(Domain { name, bounds }).filter(|domain| *domain != Domain::default()))
        };
        // A domain of the whole schema, by its name.
        if let Some(field) = one(self.fields, "domain")? {
            self.column.domain = Some(Domain::of(text(field)?));
        }
        if let Some(domain) = message(self.fields, "string_domain")? {
            self.column.domain = named(domain, Bounds::Unknown)?;
        }
        if let Some(domain) = message(self.fields, "int_domain")? {
            let min: Option<i64> = one(domain, "min")?.map(number).transpose()?;
            let max: Option<i64> = one(domain, "max")?.map(number).transpose()?;
            let bounds = Bounds::Int { min: min.or(max.map(|_| 0)), max };
            self.column.domain = named(domain, if (min, max) == (None, None) { Bounds::Unknown } else { bounds })?;
            self.column.value_type.get_or_insert(ValueType::Int);
            if let Some(field) = one(domain, "is_categorical")?
                && matches!(word(field)?, "true" | "t" | "True" | "1")
            {
                self.column.tags = self.column.tags.iter().cloned().chain([Tag::Categorical]).collect();
            }
        }
        if let Some(domain) = message(self.fields, "float_domain")? {
            let min: Option<f64> = one(domain, "min")?.map(number).transpose()?;
            let max: Option<f64> = one(domain, "max")?.map(number).transpose()?;
            let bounds = Bounds::Float { min: min.or(max.map(|_| 0.0)), max };
            self.column.domain = named(domain, if (min, max) == (None, None) { Bounds::Unknown } else { bounds })?;
            self.column.value_type.get_or_insert(ValueType::Float);
        }
        Ok(())
    }

    fn value_count(&mut self) -> Result<(), SchemaError> {
        let says_list = self.properties.get("is_list").and_then(Json::as_bool);
        let mut count = None;
        if let Some(written) = message(self.fields, "value_count")? {
            let min: Option<u64> = one(written, "min")?.map(number).transpose()?;
            let max: Option<u64> = one(written, "max")?.map(number).transpose()?;
            count = Some(ValueCount { min: min.unwrap_or(0), max: max.filter(|max| *max > 0) });
        } else if let Some(shape) = message(self.fields, "shape")? {
            count = match shape.iter().filter(|field| field.name == "dim").collect::<Vec<_>>().as_slice() {
                [] => None,
                [Field { value: Value::Message(dim), .. }] => {
                    let size: Option<u64> = one(dim, "size")?.map(number).transpose()?;
                    Some(size.map_or(ValueCount::default(), |size| ValueCount { min: size, max: Some(size) }))
                }
                [dim, ..] => {
                    return Err(SchemaError::at(dim.line, "a shape of several dimensions, where a column has one"));
                }
            };
        }
        // TensorFlow says of a column with one value a row that it has from 1 to 1.
        let single = says_list != Some(true) && count.and_then(ValueCount::fixed) == Some(1);
        self.column.value_count = count.filter(|_| !single).or((says_list == Some(true)).then(ValueCount::default));
        Ok(())
    }
}

/// The one field of this name.
fn one<'a>(fields: &'a [Field], name: &str) -> Result<Option<&'a Field>, SchemaError> {
    let mut found = fields.iter().filter(|field| field.name == name);
    match (found.next(), found.next()) {
        (_, Some(second)) => Err(SchemaError::at(second.line, format!("`{name}` is written twice; keep one"))),
        (first, None) => Ok(first),
    }
}

/// The fields of the one message of this name.
fn message<'a>(fields: &'a [Field], name: &str) -> Result<Option<&'a [Field]>, SchemaError> {
    match one(fields, name)? {
        None => Ok(None),
        Some(Field { value: Value::Message(inner), .. }) => Ok(Some(inner)),
        Some(field) => Err(SchemaError::at(field.line, format!("expected `{name} {{ … }}`"))),
    }
}

fn text(field: &Field) -> Result<String, SchemaError> {
    match &field.value {
        Value::Bytes(bytes) => String::from_utf8(bytes.clone())
            .map_err(|_| SchemaError::at(field.line, format!("`{}` is not UTF-8 text", field.name))),
        _ => Err(SchemaError::at(field.line, format!("expected `{}` in quotes", field.name))),
    }
}

fn word(field: &Field) -> Result<&str, SchemaError> {
    match &field.value {
        Value::Word(word) => Ok(word),
        _ => Err(SchemaError::at(field.line, format!("expected a word after `{}:`, without quotes", field.name))),
    }
}

fn number<T: std::str::FromStr>(field: &Field) -> Result<T, SchemaError> {
    let word = word(field)?;
    let fault = || SchemaError::at(field.line, format!("`{}` cannot be {}", field.name, printable(word)));
    // A float may end in f.
    word.parse().or_else(|_| word.trim_end_matches(['f', 'F']).parse()).map_err(|_| fault())
}

/// The properties of an `Any`: its bytes, or its message written out. What is no `Struct` is passed over.
fn any(field: &Field) -> Result<Map<String, Json>, SchemaError> {
    let about = |message: String| SchemaError::at(field.line, message);
    let Value::Message(inner) = &field.value else {
        return Err(about("expected `extra_metadata { … }`".to_owned()));
    };
    if let Some(expanded) = message(inner, STRUCT)? {
        return expanded_struct(expanded);
    }
    let is_struct = match one(inner, "type_url")? {
        Some(url) => text(url)? == STRUCT,
        None => false,
    };
    match one(inner, "value")? {
        Some(Field { value: Value::Bytes(bytes), .. }) if is_struct => wire::decode(bytes).map_err(about),
        _ => Ok(Map::new()),
    }
}

fn expanded_struct(fields: &[Field]) -> Result<Map<String, Json>, SchemaError> {
    let mut values = Map::new();
    for field in fields.iter().filter(|field| field.name == "fields") {
        let Value::Message(entry) = &field.value else {
            return Err(SchemaError::at(field.line, "expected `fields { key: … value { … } }`"));
        };
        let key = one(entry, "key")?.map(text).transpose()?.unwrap_or_default();
        values.insert(key, message(entry, "value")?.map_or(Ok(Json::Null), expanded_value)?);
    }
    Ok(values)
}

/// As deep as the text's messages, which are bounded.
fn expanded_value(fields: &[Field]) -> Result<Json, SchemaError> {
    let Some(field) = fields.first() else { return Ok(Json::Null) };
    match (field.name.as_str(), &field.value) {
        ("null_value", _) => Ok(Json::Null),
        ("number_value", _) => wire::number(number(field)?).map_err(|message| SchemaError::at(field.line, message)),
        ("string_value", _) => text(field).map(Json::String),
        ("bool_value", _) => Ok(Json::Bool(matches!(word(field)?, "true" | "t" | "True" | "1"))),
        ("struct_value", Value::Message(inner)) => expanded_struct(inner).map(Json::Object),
        ("list_value", Value::Message(inner)) => {
            let items = inner.iter().filter(|item| item.name == "values").map(|item| match &item.value {
                Value::Message(value) => expanded_value(value),
                _ => Err(SchemaError::at(item.line, "expected `values { … }`")),
            });
            items.collect::<Result<Vec<_>, _>>().map(Json::Array)
        }
        _ => Err(SchemaError::at(field.line, format!("no value is called `{}`", printable(&field.name)))),
    }
}
