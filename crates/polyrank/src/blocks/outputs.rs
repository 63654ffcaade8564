//! `OutputBlock`: a head for each target of a schema.

use std::collections::BTreeMap;

use polyrank_schema::Schema;
use toml::{Table, Value};

use super::mlp::ALWAYS_ACTIVATED;
use super::{MlpBlock, unknown, wholes};

/// The tasks: every target of a schema, each with a head that its tags decide, below it a tower if there is one.
#[derive(Debug, Clone)]
pub struct OutputBlock {
    schema: Schema,
    towers: Option<MlpBlock>,
    tasks: BTreeMap<String, Table>,
    faults: Vec<(String, String)>,
}

impl OutputBlock {
    /// The targets of `schema`, without towers.
    pub fn new(schema: &Schema) -> OutputBlock {
        OutputBlock { schema: schema.targets(), towers: None, tasks: BTreeMap::new(), faults: Vec::new() }
    }

    /// With a copy of `task_block` as each task's tower.
    pub fn task_blocks(self, task_block: MlpBlock) -> OutputBlock {
        let fault = (!task_block.last_activation).then(|| ("model.towers".to_owned(), ALWAYS_ACTIVATED.to_owned()));
        OutputBlock { towers: Some(task_block), faults: fault.into_iter().collect(), ..self }
    }

    /// With this weight of a task's loss.
    pub fn loss_weight(self, task: &str, weight: f64) -> OutputBlock {
        self.option_of(task, "weight", weight)
    }

    /// With a key of one task's `[[tasks]]` entry, as `option_of("watching_times", "loss", "mae")`.
    pub fn option_of(mut self, task: &str, key: &str, value: impl Into<Value>) -> OutputBlock {
        self.tasks.entry(task.to_owned()).or_default().insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What was asked of it that it cannot be, by key.
    pub(super) fn faults(&self) -> impl Iterator<Item = (String, String)> {
        let unknown = unknown(&self.schema, self.tasks.keys()).map(|message| ("tasks".to_owned(), message));
        self.faults.iter().cloned().chain(unknown)
    }

    /// `[[tasks]]`: the schema's targets, in its order.
    pub(super) fn tasks(&self) -> Value {
        let entry = |name: &str| {
            let mut entry = self.tasks.get(name).cloned().unwrap_or_default();
            entry.insert("name".to_owned(), Value::String(name.to_owned()));
            Value::Table(entry)
        };
        Value::Array(self.schema.names().into_iter().map(entry).collect())
    }

    /// `model.towers`.
    pub(super) fn model(&self) -> Table {
        let mut towers = Table::from_iter([("units".to_owned(), wholes(&[]))]);
        if let Some(mlp) = &self.towers {
            towers = mlp.layers.clone();
            towers.insert("units".to_owned(), wholes(&mlp.dimensions));
        }
        Table::from_iter([("towers".to_owned(), Value::Table(towers))])
    }
}
