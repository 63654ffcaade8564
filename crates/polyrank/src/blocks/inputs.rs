//! `InputBlock`: features from a schema.

use std::collections::BTreeMap;

use polyrank_schema::{Schema, Tag};
use toml::{Table, Value};

use super::{unknown, whole};

/// The features: every column of a schema that is no target and no time.
#[derive(Debug, Clone)]
pub struct InputBlock {
    schema: Schema,
    /// Embedding dimension of all tables; from their rows if absent.
    dim: Option<usize>,
    dims: BTreeMap<String, usize>,
    features: BTreeMap<String, Table>,
}

impl InputBlock {
    /// The columns of `schema`; its tags decide their encoders and tables.
    pub fn new(schema: &Schema) -> InputBlock {
        let schema = schema.filter(|column| !column.is_target() && !column.tags.has(&Tag::Time));
        InputBlock { schema, dim: None, dims: BTreeMap::new(), features: BTreeMap::new() }
    }

    /// With embeddings of this dimension.
    pub fn dim(self, dim: usize) -> InputBlock {
        InputBlock { dim: Some(dim), ..self }
    }

    /// With embeddings of this dimension for one column.
    pub fn dim_of(mut self, column: &str, dim: usize) -> InputBlock {
        self.dims.insert(column.to_owned(), dim);
        self
    }

    /// With a key of one column's `[[features]]` entry, as `option_of("age", "encoder", "log")`.
    pub fn option_of(mut self, column: &str, key: &str, value: impl Into<Value>) -> InputBlock {
        self.features.entry(column.to_owned()).or_default().insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What was asked of columns that there are not, by key.
    pub(super) fn faults(&self) -> impl Iterator<Item = (String, String)> {
        let named = self.features.keys().chain(self.dims.keys());
        unknown(&self.schema, named).map(|message| ("features".to_owned(), message))
    }

    /// `[[features]]`: what is said of single columns, and a selection of the rest.
    pub(super) fn features(&self) -> Value {
        let mut named: BTreeMap<&str, Table> =
            self.features.iter().map(|(name, t)| (name.as_str(), t.clone())).collect();
        for (name, dim) in &self.dims {
            named.entry(name).or_default().insert("dim".to_owned(), whole(*dim));
        }
        let rest: Vec<&str> = self.schema.names().into_iter().filter(|name| !named.contains_key(name)).collect();
        let mut entries = Vec::new();
        if !rest.is_empty() {
            let names = rest.into_iter().map(|name| Value::String(name.to_owned())).collect();
            let select = Table::from_iter([("names".to_owned(), Value::Array(names))]);
            let mut entry = Table::from_iter([("select".to_owned(), Value::Table(select))]);
            entry.extend(self.dim.map(|dim| ("dim".to_owned(), whole(dim))));
            entries.push(Value::Table(entry));
        }
        for (name, mut entry) in named {
            entry.insert("name".to_owned(), Value::String(name.to_owned()));
            entries.push(Value::Table(entry));
        }
        Value::Array(entries)
    }
}
