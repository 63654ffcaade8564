//! The graph of the tasks: how a block lets one task's output depend on another's.

use polyrank_schema::{Block, Config};

/// One task's output depends on another's, or teaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// The task that it comes from.
    pub from: usize,
    /// The task that depends on it.
    pub to: usize,
    /// How, in a few words.
    pub how: &'static str,
}

/// How the tasks of a configuration depend on each other beyond what they share; none in most blocks.
pub fn relations(config: &Config) -> Vec<Relation> {
    let block = &config.model.multi_task;
    super::find(&block.kind).map_or_else(|_| Vec::new(), |found| (found.relations)(block, config.tasks.len()))
}

/// Of a block whose tasks share layers alone.
pub(super) fn none(_: &Block, _: usize) -> Vec<Relation> {
    Vec::new()
}

/// Of a block where each task depends on the one before it.
pub(super) fn chain(tasks: usize, how: &'static str) -> Vec<Relation> {
    (1..tasks).map(|to| Relation { from: to - 1, to, how }).collect()
}
