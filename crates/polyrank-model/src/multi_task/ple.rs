//! PLE, progressive layered extraction: levels of CGC, each reading the one below through a stream a task and a shared one
//! (Tang et al., RecSys 2020, Section 4.2).
//!
//! # Equations
//! - `g_k^j(x) = w_k^j(g_k^{j−1}(x)) · S_k^j(x)` (Eq. 5): S_k^j are task k's experts over g_k^{j−1} and the shared ones
//!   over g_s^{j−1}, and g^0 = x
//! - `g_s^j(x) = w_s^j(g_s^{j−1}(x)) · S_s^j(x)`: S_s^j are all experts of level j; the last level has no shared
//!   gate
//! - `y_k = tower_k( g_k^N(x) )` (Eq. 6), `w(v) = softmax(W·v / τ)`
//!
//! # Shapes
//! x `[B, W]`; above it every stream is `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! No deviation by default. `gate_input = "input"` lets the gates of all levels read x, as Merlin Models does; other kinds
//! of gates, their hidden layers, bias and temperature are options (`gate.rs`).

use polyrank_engine::GraphError;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::extraction::{Level, Streams, extract};
use super::{TaskOutput, experts, gate};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "ple",
    doc: "levels of experts of tasks and shared ones (Tang et al. 2020)",
    options: &gate::with_gates::<6, 14>([
        OptionSpec {
            default: OptionDefault::Always(Literal::Int(2)),
            doc: "levels (N), each reading the one below",
            ..experts::LEVELS
        },
        OptionSpec {
            doc: "experts of each task: a number, or a list of one a level or of one a task for every level",
            ..experts::TASK_EXPERTS
        },
        OptionSpec {
            kind: OptionKind::Counts { min: 1, max: 1024 },
            default: OptionDefault::Always(Literal::Units(&[1])),
            doc: "experts that all tasks share: a number, or a list of one a level",
            ..experts::SHARED_EXPERTS
        },
        experts::UNITS,
        experts::LAST_ACTIVATION,
        OptionSpec {
            key: "gate_input",
            kind: OptionKind::Name(&["previous", "input"]),
            default: OptionDefault::Always(Literal::Text("previous")),
            doc: "what gates above the first level read: the level below, or the input",
        },
    ]),
    check,
};

/// By level: experts by task, and shared ones.
fn counts(block: &Block, tasks: usize) -> Result<Vec<(Vec<usize>, usize)>, String> {
    let levels = block.size("levels");
    let list = block.units("task_experts");
    let task_experts = experts::counts(list, levels, tasks).ok_or_else(|| {
        format!(
            "`task_experts` has {} numbers for {levels} levels and {tasks} tasks; write one number, {levels} of them (one \
             a level) or {} (one a task for the first level, then for the next)",
            list.len(),
            levels * tasks
        )
    })?;
    let list = block.units("shared_experts");
    let shared = experts::counts(list, levels, 1).ok_or_else(|| {
        format!("`shared_experts` has {} numbers for {levels} levels; write one number, or one a level", list.len())
    })?;
    Ok(task_experts.into_iter().zip(shared.into_iter().flatten()).collect())
}

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    experts::needs_tasks(block, context)?;
    let counts = counts(block, context.tasks.len())?;
    let fewest = counts.iter().flat_map(|(own, shared)| own.iter().map(move |own| own + shared)).min();
    gate::check(block, fewest.unwrap_or(0))
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let tasks = b.tasks().len();
    let fail = |problem| GraphError { block: block.kind.clone(), problem };
    let counts = counts(block, tasks).map_err(fail)?;
    let input = Streams::all(x, tasks);
    let mut streams = input.clone();
    for (j, (task_experts, shared_experts)) in counts.iter().enumerate() {
        let prefix = format!("levels.{j}.");
        let level = Level { prefix: &prefix, place: (j, counts.len()), task_experts, shared_experts: *shared_experts };
        let gates = if block.text("gate_input") == "input" { input.clone() } else { streams.clone() };
        streams = extract(b, block, &level, &streams, &gates)?;
    }
    Ok(streams.tasks.into_iter().map(TaskOutput::from).collect())
}
