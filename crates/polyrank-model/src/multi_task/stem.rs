//! STEM, shared and task-specific embeddings: each task has embedding tables and experts of its own beside shared ones, and
//! trains its own alone, though its gate weighs the experts of all (Su et al., "STEM: Unleashing the Power of Embeddings for
//! Multi-task Recommendation", AAAI 2024).
//!
//! # Equations
//! With x_k from task k's own tables, x_s from the shared ones:
//! - experts `E_(k,i)(x_k)` of tasks and `E_(s,i)(x_s)` of all
//! - `h_k = softmax(W_k·(x_k + x_s) / τ) · [E_(k,·), sg(E_(j,·)) for all j ≠ k, E_(s,·)]`: all forward, task-specific
//!   backward; sg lets no gradient through
//! - `ŷ_k = tower_k(h_k)`
//!
//! With levels, h_k is the next one's x_k and `h_s = softmax(W_s·x_s / τ) · [all experts]`, without sg, its x_s.
//!
//! # Shapes
//! x `[B, W]`, gates `[B, E]` in the order of the tasks with shared experts last, h `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! No deviation by default; other kinds of gates, their hidden layers, bias and temperature are options (`gate.rs`). An
//! interaction is built once for each set of tables.

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::BlockContext;
use polyrank_schema::{Block, BlockSpec};

use super::extraction::Streams;
use super::{TaskOutput, experts, gate};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "stem",
    doc: "shared and tasks' own embeddings and experts, each task training its own (Su et al. 2024)",
    options: &gate::with_gates::<5, 13>([
        experts::LEVELS,
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
    gate::check(block, counts.iter().sum::<usize>() + block.size("shared_experts"))
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let shared = b.input(&b.everyone())?; // [B, W]
    let mut tasks = Vec::new(); // T × [B, W]
    for task in 0..b.tasks().len() {
        let scope = b.alone(task);
        tasks.push(b.input(&scope)?);
    }
    let mut streams = Streams { tasks, shared };
    for level in 0..block.size("levels") {
        streams = mix(b, block, level, &streams)?;
    }
    Ok(streams.tasks.into_iter().map(TaskOutput::from).collect())
}

fn mix(b: &mut Builder<'_>, block: &Block, level: usize, x: &Streams) -> Result<Streams, GraphError> {
    let (names, levels) = (b.tasks(), block.size("levels"));
    let prefix = if levels == 1 { String::new() } else { format!("levels.{level}.") };
    let fail = |problem| GraphError { block: block.kind.clone(), problem };
    let counts = experts::counts_by_task(block, names.len()).map_err(fail)?;
    let mut own = Vec::new(); // by task: m_k × [B, d]
    let mut stopped = Vec::new(); // the same for other tasks
    for (k, task) in names.iter().enumerate() {
        let name = format!("{prefix}task_experts.{task}");
        let experts = experts::experts(b, block, &name, x.tasks[k], counts[k])?;
        let mut ends = Vec::new();
        for (e, &expert) in experts.iter().enumerate() {
            ends.push(b.graph.stop_gradient(&format!("{name}.{e}.stop"), expert)?);
        }
        own.push(experts);
        stopped.push(ends);
    }
    let count = block.size("shared_experts");
    let shared = experts::experts(b, block, &format!("{prefix}shared_experts"), x.shared, count)?;

    let mut tasks = Vec::new();
    for (k, task) in names.iter().enumerate() {
        let of_task = |j: usize| if j == k { &own[j] } else { &stopped[j] };
        let all: Vec<Value> = (0..names.len()).flat_map(of_task).chain(&shared).copied().collect();
        let name = format!("{prefix}gates.{task}");
        let both = b.graph.sum(&format!("{name}.input"), &[(1.0, x.tasks[k]), (1.0, x.shared)])?;
        let gate = gate::gate(b, block, &name, &experts::watch_name(task, level, levels), both, all.len())?; // [B, E]
        tasks.push(b.graph.mixture(&format!("{prefix}mixture.{task}"), gate, &all)?); // [B, d]
    }
    let mut next = x.shared;
    if level + 1 < levels {
        let all: Vec<Value> = own.iter().flatten().chain(&shared).copied().collect();
        let watch = experts::watch_name("shared", level, levels);
        let gate = gate::gate(b, block, &format!("{prefix}shared_gate"), &watch, x.shared, all.len())?;
        next = b.graph.mixture(&format!("{prefix}shared_mixture"), gate, &all)?; // [B, d]
    }
    Ok(Streams { tasks, shared: next })
}
