//! MMoE, multi-gate mixture of experts: each task weighs the experts by a gate of its own (Ma et al. 2018, Section 4.2).
//!
//! # Equations
//! `y_k = tower_k( Σ_i g_k(x)_i · f_i(x) )` (Eq. 6, 7), `g_k(x) = softmax(W_gk·x / τ)` (Eq. 8)
//!
//! # Shapes
//! x `[B, W]`, g_k `[B, E]`, f_i `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! No deviation by default; gate hidden layers, bias and temperature are options.

use polyrank_engine::GraphError;
use polyrank_schema::{Block, BlockSpec};

use super::{TaskOutput, experts};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "mmoe",
    doc: "experts mixed by one gate a task (Ma et al. 2018)",
    options: experts::OPTIONS,
    check: experts::check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let experts = experts::experts(b, block, x)?; // E × [B, d]
    let mut outputs = Vec::new();
    for task in b.tasks() {
        let gate = experts::gate(b, block, &format!("gates.{task}"), &task, x, experts.len())?; // [B, E]
        let mixture = b.graph.mixture(&format!("mixture.{task}"), gate, &experts)?; // [B, d]
        outputs.push(mixture.into());
    }
    Ok(outputs)
}
