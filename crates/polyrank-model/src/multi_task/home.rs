//! HoME, hierarchy of multi-gate experts: experts of groups of tasks and of all make meta representations, which experts
//! of tasks, groups and all read (Wang et al., "HoME: Hierarchy of Multi-Gate Experts for Multi-Task Learning at Kuaishou",
//! 2024, Section 3).
//!
//! # Equations
//! Every expert is `swish(batch_norm(MLP(·)))` with swish inside the MLP (expert normalisation). A feature gate is
//! `F(v) = Σ_l softmax(W·v)_l · 2·sigmoid(v·B_l·A_l)` over L low-rank maps; an expert of owner o reads `v ⊙ F_o(v)`. A
//! self-gate `s_o` over an owner's own experts is a softmax, for one expert a sigmoid.
//!
//! The hierarchy mask, with g a group of tasks, s what all share and E_o the experts of owner o, first for x:
//! - `z_g = gate_g(x)·[E_g, E_s] + s_g(x)·E_g`
//! - `z_s = gate_s(x)·[E_g for all g, E_s] + s_s(x)·E_s`
//!
//! then for `u_g = [z_g, z_s]`, task k of group g, the groups' experts over u_g and the shared ones over z_s:
//! - `y_k = tower_k( gate_k(u_g)·[E_k, E_g, E_s] + s_k(u_g)·E_k )`
//!
//! # Shapes
//! x `[B, W]`, z `[B, d]`, u `[B, 2d]` with d = `expert_units.last`; gates `[B, E]` over the experts in brackets.
//!
//! # Compared with the paper
//! Chosen here and not verified against its text: z_s weighs the experts of all groups; at the second level shared experts
//! read z_s and all others u; each owner of experts has one feature gate, whose low-rank maps all have
//! `feature_gate_rank` dimensions; gates and self-gates read what feature gates have not scaled; swish has no factor and is
//! the hidden activation too.
//!
//! The gates' kind, hidden layers, bias and temperature are options (`gate.rs`); self-gates take hidden layers and bias
//! from them, and softmax ones the temperature, but no other kind. The configured activation and batch norm are those of
//! gates and towers; dropout acts within experts.

use polyrank_engine::{Function, GraphError, Layer, Value};
use polyrank_schema::config::Activation;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{TaskOutput, experts, gate};
use crate::build::Builder;

const fn count(key: &'static str, min: i64, default: i64, doc: &'static str) -> OptionSpec {
    OptionSpec {
        key,
        kind: OptionKind::Int { min, max: 1024 },
        default: OptionDefault::Always(Literal::Int(default)),
        doc,
    }
}

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "home",
    doc: "a hierarchy of experts of tasks, groups of tasks and all (Wang et al. 2024)",
    options: &gate::with_gates::<7, 15>([
        OptionSpec {
            key: "groups",
            kind: OptionKind::Counts { min: 0, max: 1024 },
            default: OptionDefault::Always(Literal::Units(&[0])),
            doc: "the group of each task, a number a task; one number puts all into one group",
        },
        experts::TASK_EXPERTS,
        count("group_experts", 1, 1, "experts of each group, at both levels"),
        OptionSpec { doc: "experts that all tasks share, at both levels", ..experts::SHARED_EXPERTS },
        OptionSpec { doc: "hidden layers of each expert, at least one", ..experts::UNITS },
        count("feature_gates", 0, 2, "low-rank maps of a feature gate (L); 0 for no feature gates"),
        count("feature_gate_rank", 1, 8, "dimensions of each low-rank map"),
    ]),
    check,
};

/// The group of each task.
fn groups(block: &Block, tasks: usize) -> Result<Vec<usize>, String> {
    let list = block.units("groups");
    let fit = experts::counts(list, 1, tasks).and_then(|mut levels| levels.pop());
    fit.ok_or_else(|| format!("`groups` has {} numbers for {tasks} tasks; write the group of each task", list.len()))
}

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    experts::needs_tasks(block, context)?;
    experts::counts_by_task(block, context.tasks.len())?;
    groups(block, context.tasks.len())?;
    if block.units("expert_units").is_empty() {
        return Err("`expert_units` is empty, but an expert of `home` is normalised; set at least one layer".to_owned());
    }
    gate::check(block, block.size("group_experts") + block.size("shared_experts"))
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let names = b.tasks();
    let fail = |problem| GraphError { block: block.kind.clone(), problem };
    let of_task = groups(block, names.len()).map_err(fail)?;
    let counts = experts::counts_by_task(block, names.len()).map_err(fail)?;
    let mut groups = of_task.clone();
    groups.sort_unstable();
    groups.dedup();

    // First level: meta representations.
    let (of_group, of_all) = (block.size("group_experts"), block.size("shared_experts"));
    let mut own = Vec::new(); // by group
    for group in &groups {
        own.push(owner(b, block, &format!("meta.groups.{group}"), x, of_group)?);
    }
    let shared = owner(b, block, "meta.shared", x, of_all)?;
    let mut meta = Vec::new(); // by group: [B, 2d]
    let all: Vec<Value> = own.iter().flatten().chain(&shared).copied().collect();
    let z_shared = fuse(b, block, "meta.shared", "meta: shared", x, &all, &shared)?;
    for (group, own) in groups.iter().zip(&own) {
        let name = format!("meta.groups.{group}");
        let chosen: Vec<Value> = own.iter().chain(&shared).copied().collect();
        let z = fuse(b, block, &name, &format!("meta: group {group}"), x, &chosen, own)?;
        meta.push(b.graph.concat(&format!("{name}.meta"), &[z, z_shared])?);
    }

    // Second level: tasks.
    let mut own = Vec::new(); // by group
    for (group, &u) in groups.iter().zip(&meta) {
        own.push(owner(b, block, &format!("groups.{group}"), u, of_group)?);
    }
    let shared = owner(b, block, "shared", z_shared, of_all)?;
    let mut outputs = Vec::new();
    for (k, task) in names.iter().enumerate() {
        let Some(group) = groups.iter().position(|group| *group == of_task[k]) else { continue };
        let (name, u) = (format!("tasks.{task}"), meta[group]);
        let experts = owner(b, block, &name, u, counts[k])?;
        let chosen: Vec<Value> = experts.iter().chain(&own[group]).chain(&shared).copied().collect();
        outputs.push(fuse(b, block, &name, task, u, &chosen, &experts)?.into());
    }
    Ok(outputs)
}

/// An owner's experts `NAME.experts.0` … over v, through its feature gate.
fn owner(b: &mut Builder<'_>, block: &Block, name: &str, v: Value, count: usize) -> Result<Vec<Value>, GraphError> {
    let v = feature_gate(b, block, &format!("{name}.feature_gate"), v)?;
    (0..count).map(|e| expert(b, block, &format!("{name}.experts.{e}"), v)).collect()
}

/// `v ⊙ F(v)`.
fn feature_gate(b: &mut Builder<'_>, block: &Block, name: &str, v: Value) -> Result<Value, GraphError> {
    let (maps, width) = (block.size("feature_gates"), b.graph.width(v));
    if maps == 0 {
        return Ok(v);
    }
    let mut gates = Vec::new();
    for l in 0..maps {
        let low = b.project(&format!("{name}.{l}.down"), v, block.size("feature_gate_rank"))?;
        let high = b.project(&format!("{name}.{l}.up"), low, width)?;
        gates.push(b.graph.activate(&format!("{name}.{l}.sigmoid"), high, Function::Sigmoid)?);
    }
    let twice = Function::Affine { factor: 2.0, add: 0.0 };
    let gate = match gates[..] {
        [one] => b.graph.activate(&format!("{name}.twice"), one, twice)?,
        _ => {
            let weights = b.project(&format!("{name}.weights"), v, maps)?;
            let weights = b.graph.softmax(&format!("{name}.softmax"), weights, 1.0)?;
            // The few weights twice instead of the wide gates: the same numbers.
            let weights = b.graph.activate(&format!("{name}.twice"), weights, twice)?;
            b.graph.mixture(&format!("{name}.mixture"), weights, &gates)?
        }
    };
    b.graph.multiply(name, gate, v)
}

/// Hidden layers with swish; the last one's batch norm takes the place of a bias.
fn expert(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    let units = block.units("expert_units");
    let mut value = x;
    for (i, &units_here) in units.iter().enumerate() {
        let (name, last) = (format!("{name}.{i}"), i + 1 == units.len());
        let layer = b.start(value, units_here, Activation::Silu);
        let bias = if last { None } else { layer.bias };
        value = b.graph.linear(&name, value, Layer { bias, ..layer })?;
        if last {
            value = b.graph.batch_norm(&name, value)?;
        }
        value = b.graph.activate(&format!("{name}.activation"), value, Function::Silu)?;
        value = b.dropped(&name, value)?;
    }
    Ok(value)
}

/// The gate's mixture of the experts it may choose from, among them the owner's own in order, and the self-gate's of those.
fn fuse(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    watch: &str,
    v: Value,
    chosen: &[Value],
    own: &[Value],
) -> Result<Value, GraphError> {
    let gate = gate::gate(b, block, &format!("{name}.gate"), watch, v, chosen.len())?;
    let own_name = format!("{name}.self_gate");
    let hidden = b.mlp(&own_name, v, block.units("gate_units"))?;
    let logits = b.output(&own_name, hidden, own.len(), block.flag("gate_bias"))?;
    let self_gate = match own {
        [_] => b.graph.activate(&format!("{own_name}.sigmoid"), logits, Function::Sigmoid)?,
        _ => b.graph.softmax(&format!("{own_name}.softmax"), logits, block.float("gate_temperature"))?,
    };
    // The owner's own experts are among the chosen ones: both weights of an expert as one, and one mixture.
    let at = chosen.iter().position(|expert| own.first() == Some(expert)).unwrap_or(0);
    let both = b.graph.overlay(&format!("{name}.weights"), gate, self_gate, at)?; // [B, E]
    b.graph.mixture(&format!("{name}.fused"), both, chosen) // [B, d]
}
