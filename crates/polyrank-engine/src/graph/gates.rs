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
    /// Trained numbers that belong to no row: `[1, width]`; parameter `NAME`.
    pub fn trained(&mut self, name: &str, width: usize, init: Init) -> Result<Value, GraphError> {
        let values = self.param(name.to_owned(), Shape::Vector(width), init, false)?;
        self.add(name, ops::trained::Trained { values, width }, &[])
    }

    /// Gates within [0, 1] from their ln α, with noise drawn anew each training step, the same for all rows; when scoring,
    /// without it.
    pub fn hard_concrete(&mut self, name: &str, log_alpha: Value, stretch: Stretch) -> Result<Value, GraphError> {
        let thing = self.nodes.iter().filter(|node| matches!(node.op, ops::Op::HardConcrete(_))).count() as u64;
        self.add(name, HardConcrete { stretch, thing }, &[log_alpha])
    }

    /// `Σ_v gates[v]·(x_v·W_v)`, `[B, units]`, of V values side by side, x `[B, V·D]`, and gates that belong to no row,
    /// `[1, V]`; parameters `NAME.0.weight`, `NAME.1.weight`, …, `[D, units]` each.
    pub fn routes(
        &mut self,
        name: &str,
        x: Value,
        gates: Value,
        units: usize,
        weight: Init,
    ) -> Result<Value, GraphError> {
        let (all, values) = (self.width(x), self.width(gates));
        if all % values != 0 {
            let problem = format!("{all} columns are no {values} values of one width");
            return Err(GraphError { block: name.to_owned(), problem });
        }
        let dim = all / values;
        let one = |v| self.param(format!("{name}.{v}.weight"), Shape::Matrix(dim, units), weight, true);
        let weights = (0..values).map(one).collect::<Result<Vec<_>, _>>()?;
        let half = self.rounds(all, units);
        self.add(name, ops::routes::Routes { weights, dim, units, half }, &[x, gates])
    }

    /// `a` with `b` added to the columns from `at` on.
    pub fn overlay(&mut self, name: &str, a: Value, b: Value, at: usize) -> Result<Value, GraphError> {
        self.add(name, ops::overlay::Overlay { at }, &[a, b])
    }

    /// `Σ_c a[c]·b[c]`, `[.., 1]`.
    pub fn dot(&mut self, name: &str, a: Value, b: Value) -> Result<Value, GraphError> {
        self.add(name, ops::dot::Dot, &[a, b])
    }
}
