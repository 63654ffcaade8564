//! `MLPBlock`: hidden layers.

use toml::{Table, Value};

use super::{Body, NamedBlock, wholes};
use polyrank_schema::config::Activation;

/// What only experts can go without.
pub(super) const ALWAYS_ACTIVATED: &str =
    "only experts can be without an activation after their last layer; leave `no_activation_last_layer` out";

/// Hidden layers; as a body, those that all tasks share, as experts, towers or gates, those of each.
#[derive(Debug, Clone)]
pub struct MlpBlock {
    pub(super) dimensions: Vec<usize>,
    /// Keys of `[model]` that say how its layers are made.
    pub(super) layers: Table,
    pub(super) last_activation: bool,
}

impl MlpBlock {
    /// Layers of these widths.
    pub fn new(dimensions: impl Into<Vec<usize>>) -> MlpBlock {
        MlpBlock { dimensions: dimensions.into(), layers: Table::new(), last_activation: true }
    }

    /// The activation after each layer.
    pub fn activation(self, activation: Activation) -> MlpBlock {
        let name = serde_json::to_value(activation).ok().and_then(|name| name.as_str().map(str::to_owned));
        self.with("activation", Value::String(name.unwrap_or_default()))
    }

    /// The probability that a hidden unit is dropped in training.
    pub fn dropout(self, dropout: f64) -> MlpBlock {
        self.with("dropout", Value::Float(dropout))
    }

    /// Whether layers are batch-normalised.
    pub fn batch_norm(self, batch_norm: bool) -> MlpBlock {
        self.with("batch_norm", Value::Boolean(batch_norm))
    }

    /// Without an activation after the last layer.
    pub fn no_activation_last_layer(self) -> MlpBlock {
        MlpBlock { last_activation: false, ..self }
    }

    fn with(mut self, key: &str, value: Value) -> MlpBlock {
        self.layers.insert(key.to_owned(), value);
        self
    }
}

impl From<MlpBlock> for Body {
    fn from(mlp: MlpBlock) -> Body {
        let block = NamedBlock::new("shared_bottom").option("units", wholes(&mlp.dimensions));
        let fault = (!mlp.last_activation).then(|| ALWAYS_ACTIVATED.to_owned());
        let faults = fault.into_iter().map(|fault| ("model.multi_task".to_owned(), fault)).collect();
        Body { block: block.table(), model: mlp.layers, faults }
    }
}
