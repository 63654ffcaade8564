//! OMoE, one-gate mixture of experts: all tasks read one mixture (Ma et al. 2018, Section 4.1, Eq. 5).
//!
//! # Equations
//! `y_k = tower_k( Σ_i g(x)_i · f_i(x) )`, `g(x) = softmax(W_g·x / τ)`
//!
//! # Shapes
//! x `[B, W]`, g `[B, E]`, f_i `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! No deviation by default; other kinds of gates, their hidden layers, bias and temperature
//! are options (`gate.rs`).

use polyrank_engine::GraphError;
use polyrank_schema::{Block, BlockSpec};

use super::{TaskOutput, experts, gate};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "omoe",
    doc: "experts mixed by one gate for all tasks (Ma et al. 2018)",
    options: experts::OPTIONS,
    check: experts::check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let experts = experts::experts(b, block, "experts", x, block.size("experts"))?; // E × [B, d]
    let gate = gate::gate(b, block, "gate", "all tasks", x, experts.len())?; // [B, E]
    let mixture = b.graph.mixture("mixture", gate, &experts)?; // [B, d]
    Ok(b.tasks().iter().map(|_| mixture.into()).collect())
}
