//! Hidden layers: what surrounds a linear layer, and how its weights start.

use polyrank_engine::{Function, GraphError, Init, Layer, Value};
use polyrank_schema::config::{Activation, LayerInit, LayerOrder, Model};

use crate::build::Builder;

/// Whether negative inputs are (nearly) cut off: He's initialisation is derived for these.
fn relu_like(activation: Activation) -> bool {
    !matches!(activation, Activation::Linear | Activation::Sigmoid | Activation::Tanh)
}

/// U(±limit) of Glorot and Bengio (2010, Eq. 16).
pub(crate) fn glorot(inputs: usize, outputs: usize) -> Init {
    Init::Uniform((6.0 / (inputs + outputs) as f64).sqrt())
}

/// How hidden layers are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layers {
    activation: Activation,
    dropout: f64,
    batch_norm: bool,
}

impl Layers {
    /// Those of everything but towers.
    pub(crate) fn of(model: &Model) -> Layers {
        Layers { activation: model.activation, dropout: model.dropout, batch_norm: model.batch_norm }
    }

    fn of_towers(model: &Model) -> Layers {
        let (all, own) = (Layers::of(model), &model.tower_layers);
        Layers {
            activation: own.activation.unwrap_or(all.activation),
            dropout: own.dropout.unwrap_or(all.dropout),
            batch_norm: own.batch_norm.unwrap_or(all.batch_norm),
        }
    }
}

impl Builder<'_> {
    /// The hidden layers of a tower, `NAME.0`, `NAME.1`, …
    pub(crate) fn tower_layers(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        let config = self.config;
        let all = std::mem::replace(&mut self.layers, Layers::of_towers(&config.model));
        let hidden = self.mlp(name, x, &config.model.tower_units);
        self.layers = all;
        hidden
    }

    /// Hidden layers `NAME.0`, `NAME.1`, …; no units give the input back.
    pub fn mlp(&mut self, name: &str, x: Value, units: &[usize]) -> Result<Value, GraphError> {
        self.mlp_with(name, x, units, true)
    }

    /// As [`Builder::mlp`]; without `last_activation` the last layer is linear.
    pub fn mlp_with(
        &mut self,
        name: &str,
        x: Value,
        units: &[usize],
        last_activation: bool,
    ) -> Result<Value, GraphError> {
        let mut value = x;
        for (i, &units_here) in units.iter().enumerate() {
            let last = i + 1 == units.len();
            let activation = if last && !last_activation { Activation::Linear } else { self.layers.activation };
            value = self.hidden(&format!("{name}.{i}"), value, units_here, activation)?;
        }
        Ok(value)
    }

    /// One hidden layer `NAME` as configured.
    pub fn layer(&mut self, name: &str, x: Value, units: usize) -> Result<Value, GraphError> {
        self.hidden(name, x, units, self.layers.activation)
    }

    /// How a linear layer before an activation starts.
    pub(crate) fn start(&self, x: Value, units: usize, activation: Activation) -> Layer {
        let inputs = self.graph.width(x);
        let (weight, bias) = match self.config.model.layer_init {
            LayerInit::Auto if relu_like(activation) => {
                (Init::Uniform((6.0 / inputs as f64).sqrt()), Init::Constant(0.0))
            }
            LayerInit::Auto | LayerInit::Glorot => (glorot(inputs, units), Init::Constant(0.0)),
            LayerInit::Normal { std } => (Init::Normal(std), Init::Uniform(1.0 / (inputs as f64).sqrt())),
        };
        Layer { units, weight, bias: Some(bias), relu: false }
    }

    /// The configured dropout, if any.
    pub(crate) fn dropped(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        match self.layers.dropout {
            dropout if dropout > 0.0 => self.graph.dropout(&format!("{name}.dropout"), x, dropout),
            _ => Ok(x),
        }
    }

    /// One hidden layer: linear, then norm, activation and dropout in the configured order.
    fn hidden(&mut self, name: &str, x: Value, units: usize, activation: Activation) -> Result<Value, GraphError> {
        let batch_norm = self.layers.batch_norm;
        let norm_first = batch_norm && self.config.model.layer_order == LayerOrder::NormActivationDropout;
        let relu = activation == Activation::Relu && !norm_first;
        let layer = self.start(x, units, activation);
        let mut value = self.graph.linear(name, x, Layer { relu, ..layer })?;
        if norm_first {
            value = self.graph.batch_norm(name, value)?;
        }
        if !relu {
            value = self.activation(name, value, activation)?;
        }
        value = self.dropped(name, value)?;
        if batch_norm && !norm_first {
            value = self.graph.batch_norm(name, value)?;
        }
        Ok(value)
    }

    /// An activation by its name.
    pub(crate) fn activation(&mut self, name: &str, x: Value, activation: Activation) -> Result<Value, GraphError> {
        let function = match activation {
            Activation::Linear => return Ok(x),
            Activation::Prelu => return self.graph.prelu(name, x),
            Activation::Dice => return self.graph.dice(name, x),
            Activation::Relu => Function::Relu,
            Activation::LeakyRelu => Function::LeakyRelu { slope: 0.01 },
            Activation::Sigmoid => Function::Sigmoid,
            Activation::Tanh => Function::Tanh,
            Activation::Gelu => Function::Gelu,
            Activation::Silu => Function::Silu,
        };
        self.graph.activate(&format!("{name}.activation"), x, function)
    }

    /// A linear map without bias, `NAME`, `[B, units]`.
    pub fn project(&mut self, name: &str, x: Value, units: usize) -> Result<Value, GraphError> {
        let weight = glorot(self.graph.width(x), units);
        self.graph.linear(name, x, Layer { units, weight, bias: None, relu: false })
    }

    /// A linear map with a bias, `NAME`, `[B, units]`, and relu at once if `relu`.
    pub fn affine(&mut self, name: &str, x: Value, units: usize, relu: bool) -> Result<Value, GraphError> {
        let inputs = self.graph.width(x);
        let weight = if relu { Init::Uniform((6.0 / inputs as f64).sqrt()) } else { glorot(inputs, units) };
        self.graph.linear(name, x, Layer { units, weight, bias: Some(Init::Constant(0.0)), relu })
    }

    /// A last linear layer `NAME.out`, without activation.
    pub fn output(&mut self, name: &str, x: Value, units: usize, bias: bool) -> Result<Value, GraphError> {
        self.linear(&format!("{name}.out"), x, units, bias)
    }

    /// A linear layer `NAME` that nothing follows.
    pub fn linear(&mut self, name: &str, x: Value, units: usize, bias: bool) -> Result<Value, GraphError> {
        let weight = self.last_start(self.graph.width(x), units);
        let layer = Layer { units, weight, bias: bias.then_some(Init::Constant(0.0)), relu: false };
        self.graph.linear(name, x, layer)
    }

    /// How the weights of a linear layer that nothing follows start.
    pub(crate) fn last_start(&self, inputs: usize, units: usize) -> Init {
        match self.config.model.layer_init {
            LayerInit::Normal { .. } => Init::Uniform(1.0 / (inputs as f64).sqrt()),
            _ => glorot(inputs, units),
        }
    }
}
