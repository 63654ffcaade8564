//! AdaTT, adaptive task-to-task fusion: every gate weighs the experts of all tasks, and each task adds a combination of its
//! own (Li et al., "AdaTT: Adaptive Task-to-Task Fusion Network", KDD 2023).
//!
//! # Equations
//! For a level's task t with experts E_t over the stream x_t, and E the experts of all tasks and the shared ones:
//! - `AllExpertGF_t = softmax(W_t·x_t / τ) · E`
//! - `NativeExpertLF_t = v_t · E_t`, v_t trained, one number an expert; 1 where all have one expert
//! - `x_t' = AllExpertGF_t + NativeExpertLF_t`; shared experts are one more task, without a gate at the last level
//! - `y_t = tower_t(x_t^L)`, and all streams are x at first
//!
//! # Shapes
//! x `[B, W]`, gates `[B, E]`, above the first level every stream is `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! Gates have no bias by default, the authors' code has one (`gate_bias = true`); v starts as there, U(±√(1/experts)).
//! Without shared experts this is AdaTT-sp. Other kinds of gates, hidden layers and temperature are options (`gate.rs`).

use polyrank_engine::{GraphError, Init, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{TaskOutput, experts, gate};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "adatt",
    doc: "levels of experts that all tasks' gates weigh, with each task's own added (Li et al. 2023)",
    options: &gate::with_gates::<6, 14>([
        OptionSpec { default: OptionDefault::Always(Literal::Int(2)), ..experts::LEVELS },
        OptionSpec { default: OptionDefault::Always(Literal::Units(&[2])), ..experts::TASK_EXPERTS },
        OptionSpec {
            kind: OptionKind::Int { min: 0, max: 1024 },
            default: OptionDefault::Always(Literal::Int(0)),
            ..experts::SHARED_EXPERTS
        },
        experts::UNITS,
        experts::LAST_ACTIVATION,
        OptionSpec {
            key: "residual",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(true)),
            doc: "whether each task adds a combination of its own experts",
        },
    ]),
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    experts::needs_tasks(block, context)?;
    let counts = experts::counts_by_task(block, context.tasks.len())?;
    gate::check(block, counts.iter().sum::<usize>() + block.size("shared_experts"))
}

/// A task's experts, or the shared ones.
struct Unit {
    experts: String,
    gate: String,
    native: String,
    watch: String,
    count: usize,
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let names = b.tasks();
    let (tasks, levels, shared) = (names.len(), block.size("levels"), block.size("shared_experts"));
    let fail = |problem| GraphError { block: block.kind.clone(), problem };
    let counts = experts::counts_by_task(block, tasks).map_err(fail)?;
    let mut streams = vec![x; tasks + usize::from(shared > 0)];
    for level in 0..levels {
        let of_task = |(task, &count): (&String, &usize)| Unit {
            experts: format!("levels.{level}.task_experts.{task}"),
            gate: format!("levels.{level}.gates.{task}"),
            native: format!("levels.{level}.native.{task}"),
            watch: experts::watch_name(task, level, levels),
            count,
        };
        let mut units: Vec<Unit> = names.iter().zip(&counts).map(of_task).collect();
        units.extend((shared > 0).then(|| Unit {
            experts: format!("levels.{level}.shared_experts"),
            gate: format!("levels.{level}.shared_gate"),
            native: format!("levels.{level}.shared_native"),
            watch: experts::watch_name("shared", level, levels),
            count: shared,
        }));
        streams = fuse(b, block, &units, &streams, if level + 1 < levels { units.len() } else { tasks })?;
    }
    Ok(streams.into_iter().map(TaskOutput::from).collect())
}

/// One level: the experts of all units over their streams, and what the first `readers` units make of them.
fn fuse(
    b: &mut Builder<'_>,
    block: &Block,
    units: &[Unit],
    streams: &[Value],
    readers: usize,
) -> Result<Vec<Value>, GraphError> {
    let mut own = Vec::new(); // by unit: m × [B, d]
    for (unit, &x) in units.iter().zip(streams) {
        own.push(experts::experts(b, block, &unit.experts, x, unit.count)?);
    }
    let all: Vec<Value> = own.iter().flatten().copied().collect(); // E × [B, d]
    let trained = units.iter().any(|unit| unit.count > 1);
    let mut fused = Vec::new();
    for ((unit, &x), own) in units.iter().zip(streams).zip(&own).take(readers) {
        let gate = gate::gate(b, block, &unit.gate, &unit.watch, x, all.len())?; // [B, E]
        let mut value = b.graph.mixture(&format!("{}.mixture", unit.gate), gate, &all)?; // [B, d]
        if block.flag("residual") {
            let native = match own[..] {
                [one] if !trained => one,
                _ => b.graph.blend(&unit.native, own, Init::Uniform((1.0 / unit.count as f64).sqrt()))?,
            };
            value = b.graph.sum(&format!("{}.fused", unit.gate), &[(1.0, value), (1.0, native)])?;
        }
        fused.push(value);
    }
    Ok(fused)
}
