//! Building a graph: numbers that belong to no row, and gates made of them.

use super::{Graph, GraphError, Init, Shape, Value};
use crate::ops;
use crate::ops::hard_concrete::HardConcrete;

/// The hard concrete distribution's constants (Louizos et al. 2018, Section 2.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// The temperature β, above 0.
    pub beta: f64,
    /// The left end γ of the stretched interval, below 0.
    pub gamma: f64,
    /// Its right end ζ, above 1.
    pub zeta: f64,
}

impl Graph {
    /// Trained numbers, the same for all rows: `[B, width]`; parameter `NAME`.
    pub fn trained(&mut self, name: &str, width: usize, init: Init) -> Result<Value, GraphError> {
        let values = self.param(name.to_owned(), Shape::Vector(width), init, false)?;
        self.add(name, ops::trained::Trained { values, width }, &[])
    }

    /// Gates within [0, 1] from their ln α, drawn anew each training step, the same for all rows; when scoring, without
    /// the noise.
    pub fn hard_concrete(&mut self, name: &str, log_alpha: Value, stretch: Stretch) -> Result<Value, GraphError> {
        let thing = self.nodes.iter().filter(|node| matches!(node.op, ops::Op::HardConcrete(_))).count() as u64;
        self.add(name, HardConcrete { stretch, thing }, &[log_alpha])
    }

    /// `Σ_c a[c]·b[c]`, `[.., 1]`.
    pub fn dot(&mut self, name: &str, a: Value, b: Value) -> Result<Value, GraphError> {
        self.add(name, ops::dot::Dot, &[a, b])
    }
}
