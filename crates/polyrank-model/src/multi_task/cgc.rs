//! CGC, customized gate control: experts of each task beside shared ones; a task's gate weighs its own and the shared
//! (Tang et al., "Progressive Layered Extraction", RecSys 2020, Section 4.1).
//!
//! # Equations
//! - `y_k = tower_k( g_k(x) )` (Eq. 1)
//! - `g_k(x) = w_k(x) · S_k(x)` (Eq. 2), `w_k(x) = softmax(W_gk·x / τ)` (Eq. 3)
//! - `S_k(x) = [E_(k,1), …, E_(k,m_k), E_(s,1), …, E_(s,m_s)]` (Eq. 4), each expert an MLP of x
//!
//! # Shapes
//! x `[B, W]`, w_k `[B, m_k + m_s]`, each E `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! No deviation by default; other kinds of gates, their hidden layers, bias and temperature are options (`gate.rs`).

use polyrank_engine::GraphError;
use polyrank_schema::spec::BlockContext;
use polyrank_schema::{Block, BlockSpec};

use super::extraction::{Level, Streams, extract};
use super::{TaskOutput, experts, gate};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "cgc",
    doc: "experts of tasks and shared ones, one gate a task (Tang et al. 2020)",
    options: &gate::with_gates::<4, 12>([
        experts::TASK_EXPERTS,
        experts::SHARED_EXPERTS,
        experts::UNITS,
        experts::LAST_ACTIVATION,
    ]),
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    experts::needs_tasks(block, context)?;
    let counts = experts::counts_by_task(block, context.tasks.len())?;
    gate::check(block, counts.iter().min().copied().unwrap_or(0) + block.size("shared_experts"))
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let fail = |problem| GraphError { block: block.kind.clone(), problem };
    let task_experts = experts::counts_by_task(block, b.tasks().len()).map_err(fail)?;
    let input = Streams::all(x, task_experts.len());
    let shared_experts = block.size("shared_experts");
    let level = Level { prefix: "", place: (0, 1), task_experts: &task_experts, shared_experts };
    let mixtures = extract(b, block, &level, &input, &input)?;
    Ok(mixtures.tasks.into_iter().map(TaskOutput::from).collect())
}
