//! Building a graph: what sparse gates choose with.

use super::build::GraphError;
use super::{Graph, Value};
use crate::{ops, rng};

impl Graph {
    /// `x ⊙ ε` with ε from N(0, 1) in training, drawn anew each step; 0 when scoring. The name decides the numbers.
    pub fn noise(&mut self, name: &str, x: Value) -> Result<Value, GraphError> {
        self.add(name, ops::noise::Noise { thing: rng::thing(name) }, &[x])
    }

    /// `softmax(x / temperature)` over the k largest columns, 0 elsewhere.
    pub fn top_softmax(&mut self, name: &str, x: Value, k: usize, temperature: f64) -> Result<Value, GraphError> {
        self.add(name, ops::top_softmax::TopSoftmax { k, temperature }, &[x])
    }

    /// Choices from binary digits: numbers in [0, 1] `[.., m]` give each of `choices` the product of its digits' shares,
    /// `[.., choices]`.
    pub fn codes(&mut self, name: &str, digits: Value, choices: usize) -> Result<Value, GraphError> {
        self.add(name, ops::codes::Codes { choices }, &[digits])
    }
}
