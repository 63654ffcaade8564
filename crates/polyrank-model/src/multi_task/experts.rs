//! What the mixture-of-experts blocks share: their options and experts, and how many of them there are.

use polyrank_engine::{Function, GraphError, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, OptionSpec};

use super::gate;
use crate::build::Builder;

const EXPERTS: OptionSpec = OptionSpec {
    key: "experts",
    kind: OptionKind::Int { min: 2, max: 1024 },
    default: OptionDefault::Always(Literal::Int(3)),
    doc: "number of experts (E)",
};

/// Of every block with experts.
pub(super) const UNITS: OptionSpec = OptionSpec {
    key: "expert_units",
    kind: OptionKind::Units,
    default: OptionDefault::Always(Literal::Units(&[256, 128])),
    doc: "hidden layers of each expert; empty for the input itself",
};

/// Of every block with experts that are plain hidden layers.
pub(super) const LAST_ACTIVATION: OptionSpec = OptionSpec {
    key: "expert_last_activation",
    kind: OptionKind::Bool,
    default: OptionDefault::Always(Literal::Bool(true)),
    doc: "whether an expert's last layer has the activation",
};

/// Experts that belong to a task.
pub(super) const TASK_EXPERTS: OptionSpec = OptionSpec {
    key: "task_experts",
    kind: OptionKind::Counts { min: 1, max: 1024 },
    default: OptionDefault::Always(Literal::Units(&[1])),
    doc: "experts of each task: a number, or a list of one a task",
};

/// Experts that all tasks share.
pub(super) const SHARED_EXPERTS: OptionSpec = OptionSpec {
    key: "shared_experts",
    kind: OptionKind::Int { min: 1, max: 1024 },
    default: OptionDefault::Always(Literal::Int(1)),
    doc: "experts that all tasks share",
};

/// Levels of a block, each reading the one below.
pub(super) const LEVELS: OptionSpec = OptionSpec {
    key: "levels",
    kind: OptionKind::Int { min: 1, max: 64 },
    default: OptionDefault::Always(Literal::Int(1)),
    doc: "levels of experts, each reading the mixtures of the one below",
};

/// Options of a mixture of shared experts, OMoE's.
pub(super) const OPTIONS: &[OptionSpec] = &gate::with_gates::<3, 11>([EXPERTS, UNITS, LAST_ACTIVATION]);
/// Options of a mixture of shared experts with levels.
pub(super) const OPTIONS_WITH_LEVELS: &[OptionSpec] =
    &gate::with_gates::<4, 12>([EXPERTS, LEVELS, UNITS, LAST_ACTIVATION]);

/// A gate chooses between tasks' needs: with one task there is nothing to choose.
pub(super) fn needs_tasks(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if context.tasks.len() < 2 {
        return Err(format!(
            "`{}` needs at least 2 tasks, there is {}; use `single` for one task",
            block.kind,
            context.tasks.len()
        ));
    }
    Ok(())
}

/// Several tasks, and gates that fit the experts.
pub(super) fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    needs_tasks(block, context)?;
    gate::check(block, block.size("experts"))
}

/// How many there are of something at each level for each task, from a list of one number, one a task, one a level, or
/// one a task for every level; `None` if it is of another length.
pub(super) fn counts(list: &[usize], levels: usize, tasks: usize) -> Option<Vec<Vec<usize>>> {
    let count = |level: usize, task: usize| match list.len() {
        1 => Some(list[0]),
        n if n == levels * tasks => Some(list[level * tasks + task]),
        n if n == levels => Some(list[level]),
        _ => None,
    };
    (0..levels).map(|level| (0..tasks).map(|task| count(level, task)).collect()).collect()
}

/// One number a task.
pub(super) fn counts_by_task(block: &Block, tasks: usize) -> Result<Vec<usize>, String> {
    let list = block.units("task_experts");
    let fit = counts(list, 1, tasks).and_then(|mut levels| levels.pop());
    fit.ok_or_else(|| {
        format!(
            "`task_experts` has {} numbers for {tasks} tasks; write one number, or a list of one a task",
            list.len()
        )
    })
}

/// One expert over x: `[B, expert_units.last]`.
pub(super) fn expert(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    match block.units("expert_units") {
        // A value of its own an expert, so that every gate has E things to weigh.
        [] => b.graph.activate(name, x, Function::Identity),
        units => b.mlp_with(name, x, units, block.flag("expert_last_activation")),
    }
}

/// Experts `NAME.0` … over x: `[B, expert_units.last]` each.
pub(super) fn experts(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    x: Value,
    count: usize,
) -> Result<Vec<Value>, GraphError> {
    (0..count).map(|e| expert(b, block, &format!("{name}.{e}"), x)).collect()
}

/// The name under which a gate's weights are reported: its task's, with the level where several have one.
pub(super) fn watch_name(gate: &str, level: usize, levels: usize) -> String {
    if levels == 1 { gate.to_owned() } else { format!("{gate}, level {}", level + 1) }
}
