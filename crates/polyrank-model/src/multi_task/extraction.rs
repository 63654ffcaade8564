//! One level of experts of tasks and of all, CGC's and PLE's (Tang et al. 2020, Eq. 1 to 6).

use polyrank_engine::{GraphError, Value};
use polyrank_schema::Block;

use super::{experts, gate};
use crate::build::Builder;

/// One value a task, and one that they share.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    pub(super) tasks: Vec<Value>,
    pub(super) shared: Value,
}

impl Streams {
    /// The same value for all.
    pub(super) fn all(x: Value, tasks: usize) -> Streams {
        Streams { tasks: vec![x; tasks], shared: x }
    }
}

/// What a level has.
pub(super) struct Level<'a> {
    /// Starts the names of its layers.
    pub(super) prefix: &'a str,
    /// Its number, from 0, and how many there are.
    pub(super) place: (usize, usize),
    /// Experts by task.
    pub(super) task_experts: &'a [usize],
    pub(super) shared_experts: usize,
}

/// A level's experts of x and the mixtures of its gates, which read `gates`. The last level has no shared gate; its
/// shared stream ends where it began.
pub(super) fn extract(
    b: &mut Builder<'_>,
    block: &Block,
    level: &Level<'_>,
    x: &Streams,
    gates: &Streams,
) -> Result<Streams, GraphError> {
    let (prefix, (number, levels)) = (level.prefix, level.place);
    let names = b.tasks();
    let mut own = Vec::new(); // by task: m_k × [B, d]
    for (k, task) in names.iter().enumerate() {
        let name = format!("{prefix}task_experts.{task}");
        own.push(experts::experts(b, block, &name, x.tasks[k], level.task_experts[k])?);
    }
    let shared = experts::experts(b, block, &format!("{prefix}shared_experts"), x.shared, level.shared_experts)?;

    let mut mixtures = Vec::new();
    for (k, task) in names.iter().enumerate() {
        let chosen: Vec<Value> = own[k].iter().chain(&shared).copied().collect();
        let watch = experts::watch_name(task, number, levels);
        let gate = gate::gate(b, block, &format!("{prefix}gates.{task}"), &watch, gates.tasks[k], chosen.len())?;
        mixtures.push(b.graph.mixture(&format!("{prefix}mixture.{task}"), gate, &chosen)?); // [B, d]
    }
    let mut next = x.shared;
    if number + 1 < levels {
        let chosen: Vec<Value> = own.iter().flatten().chain(&shared).copied().collect();
        let watch = experts::watch_name("shared", number, levels);
        let gate = gate::gate(b, block, &format!("{prefix}shared_gate"), &watch, gates.shared, chosen.len())?;
        next = b.graph.mixture(&format!("{prefix}shared_mixture"), gate, &chosen)?; // [B, d]
    }
    Ok(Streams { tasks: mixtures, shared: next })
}
