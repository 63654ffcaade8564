//! What is known of a table's columns, before anything is said of a network: names, tags, types, domains.
//!
//! [`Schema`] is Merlin's and TensorFlow Metadata's idea of a table. Tags decide what a column becomes, where nobody says
//! otherwise.

mod column;
pub(crate) mod decide;
mod error;
mod pbtxt;
mod select;
mod tag;

use std::collections::BTreeSet;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cross::name_fault;
use crate::error::{Quote, printable, suggestion};
use crate::limits::{COLUMN_TAGS, COLUMNS, PROPERTIES, PROPERTY_DEPTH};

pub use column::{Bounds, Column, Domain, ValueCount, ValueType};
pub use error::SchemaError;
pub use select::Select;
pub use tag::{Tag, Tags};

/// The columns of a table, in their order: names are unique, tags fit together, domains are in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Column>", into = "Vec<Column>")]
pub struct Schema {
    columns: Vec<Column>,
}

impl Schema {
    /// A schema of `columns`.
    ///
    /// # Errors
    ///
    /// The first column that cannot be one: a name that is used twice or cannot name a column, two tags that no column
    /// has both, a domain that ends before it begins or does not fit the type.
    pub fn new(columns: Vec<Column>) -> Result<Schema, SchemaError> {
        if columns.len() > COLUMNS {
            return Err(SchemaError::of("", format!("{} columns, at most {COLUMNS} are allowed", columns.len())));
        }
        let mut names = BTreeSet::new();
        for column in &columns {
            check(column).map_err(|message| SchemaError::of(&column.name, message))?;
            if !names.insert(column.name.as_str()) {
                return Err(SchemaError::of(&column.name, "is there twice; names must be unique"));
            }
        }
        Ok(Schema { columns })
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The first column.
    pub fn first(&self) -> Option<&Column> {
        self.columns.first()
    }

    /// The columns' names.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns that `select` takes.
    ///
    /// # Errors
    ///
    /// A name that no column has.
    pub fn select(&self, select: &Select) -> Result<Schema, SchemaError> {
        self.must_have(&select.mentioned())?;
        Ok(self.filter(|column| select.takes(column)))
    }

    /// The columns that `select` does not take.
    ///
    /// # Errors
    ///
    /// A name that no column has.
    pub fn exclude(&self, select: &Select) -> Result<Schema, SchemaError> {
        self.must_have(&select.mentioned())?;
        Ok(self.filter(|column| !select.takes(column)))
    }

    /// The columns with any of `tags`.
    pub fn select_tags(&self, tags: &[Tag]) -> Schema {
        self.filter(|column| column.tags.any(tags))
    }

    /// The columns without any of `tags`.
    pub fn exclude_tags(&self, tags: &[Tag]) -> Schema {
        self.filter(|column| !column.tags.any(tags))
    }

    /// The columns of these names, in the schema's order.
    ///
    /// # Errors
    ///
    /// A name that no column has.
    pub fn select_names(&self, names: &[&str]) -> Result<Schema, SchemaError> {
        self.select(&Select::names(names.iter().copied()))
    }

    /// The columns but those of these names.
    ///
    /// # Errors
    ///
    /// A name that no column has.
    pub fn without(&self, names: &[&str]) -> Result<Schema, SchemaError> {
        self.exclude(&Select::names(names.iter().copied()))
    }

    /// The labels.
    pub fn targets(&self) -> Schema {
        self.filter(Column::is_target)
    }

    /// The columns that `keep` holds for, in their order.
    pub fn filter(&self, keep: impl Fn(&Column) -> bool) -> Schema {
        Schema { columns: self.columns.iter().filter(|column| keep(column)).cloned().collect() }
    }

    fn must_have(&self, names: &[&str]) -> Result<(), SchemaError> {
        match names.iter().find(|name| self.get(name).is_none()) {
            None => Ok(()),
            Some(missing) => Err(SchemaError::of("", self.no_such(missing))),
        }
    }

    /// That no column has this name, and which one is near.
    pub(crate) fn no_such(&self, name: &str) -> String {
        let hint = suggestion(name, &self.names(), Quote::Value).map_or(String::new(), |hint| format!("; {hint}"));
        format!("no column is named \"{}\"{hint}", printable(name))
    }
}

/// All columns of both; where both have one, the right one's is laid over the left one's.
impl Add for &Schema {
    type Output = Schema;

    fn add(self, over: &Schema) -> Schema {
        let mut columns: Vec<Column> = self.columns.clone();
        for column in &over.columns {
            match columns.iter_mut().find(|own| own.name == column.name) {
                Some(own) => *own = std::mem::take(own).with(column),
                None => columns.push(column.clone()),
            }
        }
        Schema { columns }
    }
}

/// The columns of the left one whose names the right one does not have.
impl Sub for &Schema {
    type Output = Schema;

    fn sub(self, other: &Schema) -> Schema {
        let names: BTreeSet<&str> = other.columns.iter().map(|column| column.name.as_str()).collect();
        self.filter(|column| !names.contains(column.name.as_str()))
    }
}

impl TryFrom<Vec<Column>> for Schema {
    type Error = SchemaError;

    fn try_from(columns: Vec<Column>) -> Result<Schema, SchemaError> {
        Schema::new(columns)
    }
}

impl From<Schema> for Vec<Column> {
    fn from(schema: Schema) -> Vec<Column> {
        schema.columns
    }
}

/// What keeps a column out of a schema.
pub(crate) fn check(column: &Column) -> Result<(), String> {
    if let Some(fault) = name_fault(&column.name) {
        return Err(fault);
    }
    if column.tags.len() > COLUMN_TAGS || column.properties.len() > PROPERTIES {
        return Err(format!("more than {COLUMN_TAGS} tags or {PROPERTIES} properties"));
    }
    if column.properties.values().any(|value| depth(value) > PROPERTY_DEPTH) {
        return Err(format!("properties with more than {PROPERTY_DEPTH} values within each other"));
    }
    for tag in column.tags.iter() {
        if let Some(fault) = name_fault(tag.name()) {
            return Err(format!("as a tag, {fault}"));
        }
    }
    if let Some((a, b)) = column.tags.collision() {
        return Err(format!("is tagged both \"{a}\" and \"{b}\"; remove one"));
    }
    if let Some(domain) = &column.domain {
        if let Some(fault) = domain.name.as_deref().and_then(name_fault) {
            return Err(format!("as its domain's name, {fault}"));
        }
        let backwards = match domain.bounds {
            Bounds::Int { min: Some(min), max: Some(max) } => min > max,
            Bounds::Float { min, max }
                if min.is_some_and(|m| !m.is_finite()) || max.is_some_and(|m| !m.is_finite()) =>
            {
                return Err("a domain with a bound that is no finite number; leave it out".to_owned());
            }
            Bounds::Float { min: Some(min), max: Some(max) } => min > max,
            _ => false,
        };
        if backwards {
            return Err("a domain whose `min` is above its `max`; swap them".to_owned());
        }
        if column.value_type.is_some_and(|value_type| !domain.fits(value_type)) {
            return Err("a domain of another type of number than its values; change the one or the other".to_owned());
        }
    }
    if let Some(ValueCount { min, max: Some(max) }) = column.value_count
        && min > max
    {
        return Err("a value count whose `min` is above its `max`; swap them".to_owned());
    }
    Ok(())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
