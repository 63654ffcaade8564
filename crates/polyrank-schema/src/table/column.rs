//! One column: its name, its tags, and what is known of its values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Tag, Tags};

/// One column of a table.
///
/// A column by itself may be anything; what a [`Schema`](super::Schema) holds was checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unique within a schema.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The type of its values, if known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<ValueType>,
    /// The values that it may hold, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// How many values a row has; absent if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_count: Option<ValueCount>,
    /// Whatever else is said of it, kept as it was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Text.
    Text,
    /// True or false.
    Bool,
}

/// The values that a column may hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Columns whose domains have one name hold the same things, as an item and a list of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its smallest and largest number.
    #[serde(default)]
    pub bounds: Bounds,
}

/// The smallest and the largest number of a domain, both included, where they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants' fields are what the type says")]
pub enum Bounds {
    /// Of things that are no numbers, or of which nothing is known.
    #[default]
    Unknown,
    /// Of whole numbers.
    Int { min: Option<i64>, max: Option<i64> },
    /// Of numbers.
    Float { min: Option<f64>, max: Option<f64> },
}

/// How many values a row of a list column has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// At least so many.
    pub min: u64,
    /// At most so many, if that is known.
    pub max: Option<u64>,
}

impl Domain {
    /// Whole numbers from `min` to `max`, both included.
    pub fn ints(min: i64, max: i64) -> Domain {
        Domain { name: None, bounds: Bounds::Int { min: Some(min), max: Some(max) } }
    }

    /// Numbers from `min` to `max`, both included.
    pub fn floats(min: f64, max: f64) -> Domain {
        Domain { name: None, bounds: Bounds::Float { min: Some(min), max: Some(max) } }
    }

    /// A domain of which only the name is known.
    pub fn of(name: impl Into<String>) -> Domain {
        Domain { name: Some(name.into()), bounds: Bounds::Unknown }
    }

    /// Whether values of this type can lie within it.
    pub fn fits(&self, value_type: ValueType) -> bool {
        match self.bounds {
            Bounds::Unknown => true,
            Bounds::Int { .. } => matches!(value_type, ValueType::Int | ValueType::Bool),
            Bounds::Float { .. } => value_type == ValueType::Float,
        }
    }

    /// The same domain with a name.
    pub fn named(self, name: impl Into<String>) -> Domain {
        Domain { name: Some(name.into()), ..self }
    }
}

impl ValueCount {
    /// The number of values if every row has as many.
    pub fn fixed(self) -> Option<u64> {
        self.max.filter(|max| *max == self.min)
    }
}

impl Column {
    /// A column of which nothing but its name is known.
    pub fn new(name: impl Into<String>) -> Column {
        Column { name: name.into(), ..Column::default() }
    }

    /// The same column under another name.
    pub fn with_name(self, name: impl Into<String>) -> Column {
        Column { name: name.into(), ..self }
    }

    /// With further tags; what they collide with gives way.
    pub fn with_tags(self, tags: impl IntoIterator<Item = Tag>) -> Column {
        Column { tags: self.tags.with(&tags.into_iter().collect()), ..self }
    }

    /// With values of this type.
    pub fn with_type(self, value_type: ValueType) -> Column {
        Column { value_type: Some(value_type), ..self }
    }

    /// With this domain.
    pub fn with_domain(self, domain: Domain) -> Column {
        Column { domain: Some(domain), ..self }
    }

    /// With `min` to `max` values a row.
    pub fn with_value_count(self, min: u64, max: Option<u64>) -> Column {
        Column { value_count: Some(ValueCount { min, max }), ..self }
    }

    /// With this property, in place of another of its name.
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<Value>) -> Column {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// This column with all that `over` knows laid over it; a domain and a type that no longer fit give way.
    pub fn with(mut self, over: &Column) -> Column {
        self.properties.extend(over.properties.iter().map(|(key, value)| (key.clone(), value.clone())));
        let fits = |domain: &Domain, value_type: Option<ValueType>| value_type.is_none_or(|t| domain.fits(t));
        let domain = over.domain.clone().or(self.domain.filter(|domain| fits(domain, over.value_type)));
        let own_type = self.value_type.filter(|own| domain.as_ref().is_none_or(|domain| domain.fits(*own)));
        Column {
            name: self.name,
            tags: self.tags.with(&over.tags),
            value_type: over.value_type.or(own_type),
            domain,
            value_count: over.value_count.or(self.value_count),
            properties: self.properties,
        }
    }

    /// Whether a row has several values.
    pub fn is_list(&self) -> bool {
        self.value_count.is_some() || self.tags.any(&[Tag::List, Tag::Sequence])
    }

    /// Whether it is a label.
    pub fn is_target(&self) -> bool {
        self.tags.any(&[Tag::Target, Tag::Regression, Tag::Classification, Tag::Binary, Tag::MultiClass])
    }

    /// The name that its values' domain goes by.
    pub fn domain_name(&self) -> Option<&str> {
        self.domain.as_ref().and_then(|domain| domain.name.as_deref())
    }

    /// The whole numbers that it holds, both ends included, where both are known; true and false are 1 and 0.
    pub fn int_bounds(&self) -> Option<(i64, i64)> {
        match self.domain.as_ref().map(|domain| domain.bounds) {
            Some(Bounds::Int { min: Some(min), max: Some(max) }) => Some((min, max)),
            None | Some(Bounds::Unknown) if self.value_type == Some(ValueType::Bool) => Some((0, 1)),
            _ => None,
        }
    }

    /// How many different values it has: the numbers from 0 to its domain's largest, as encoded ids count.
    pub fn cardinality(&self) -> Option<u64> {
        self.int_bounds().filter(|(min, _)| *min >= 0).and_then(|(_, max)| u64::try_from(max).ok()?.checked_add(1))
    }
}
