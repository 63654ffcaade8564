//! Gate NU, the gate of PEPNet: two layers whose output scales another value (Chang et al. 2023, Section 3.1).

use polyrank_engine::{Function, GraphError, Value};

use crate::build::Builder;

/// γ: gates lie within (0, 2), so that 1, the middle, changes nothing.
const GAMMA: f64 = 2.0;

/// `2·σ( relu(x·W_0 + b_0)·W_1 + b_1 )`, `[B, width]`; layers `NAME.0` and `NAME.1`.
pub(super) fn gate(
    b: &mut Builder<'_>,
    name: &str,
    x: Value,
    hidden: Option<usize>,
    width: usize,
) -> Result<Value, GraphError> {
    let crossed = b.linear(&format!("{name}.0"), x, hidden.unwrap_or(width), true)?;
    let crossed = b.graph.activate(&format!("{name}.0.activation"), crossed, Function::Relu)?;
    let scores = b.linear(&format!("{name}.1"), crossed, width, true)?;
    let scores = b.graph.activate(&format!("{name}.1.activation"), scores, Function::Sigmoid)?;
    b.graph.activate(name, scores, Function::Affine { factor: GAMMA, add: 0.0 })
}
