//! ESMM, entire space multi-task model: a task's probability is the product of all conditional ones up to it (Ma et al.
//! 2018, SIGIR, Section 2.3).
//!
//! # Equations
//! `p_1 = σ(a_1)`, `p_t = p_(t−1) · σ(a_t)` (Eq. 1), `a_t = tower_t( f_t(x) )`; each p_t is trained on the label of
//! task t over all rows (Eq. 3), so σ(a_t) is the probability given that task t − 1 happened.
//!
//! # Shapes
//! x `[B, W]` with embeddings that all networks share, f_t(x) `[B, units.last]`, a_t `[B, 1]`.
//!
//! # Compared with the paper
//! A chain of any length; the paper has two tasks, click and conversion. The product is taken as a logit, which neither
//! overflows nor cancels. The score of task t is p_t, of the entire space: the conditional probability is p_t / p_(t−1).

use polyrank_engine::{GraphError, Value};
use polyrank_schema::{Block, BlockSpec};

use super::{BOTTOM_UNITS, Relation, TaskOutput, chain, relations as graph};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "esmm",
    doc: "a chain of binary tasks as products of conditional probabilities (Ma et al. 2018, ESMM)",
    options: &[BOTTOM_UNITS],
    check: chain::check_entire_space,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let mut outputs: Vec<Value> = Vec::new();
    for (t, task) in b.tasks().iter().enumerate() {
        let hidden = b.mlp(&format!("networks.{task}"), x, block.units("units"))?; // [B, units.last]
        let given = b.tower("", t, hidden)?; // [B, 1], given that the task before happened
        outputs.push(match outputs.last() {
            None => given,
            Some(&before) => b.graph.conjunction(&format!("product.{task}"), before, given)?,
        });
    }
    Ok(outputs.into_iter().map(TaskOutput::Output).collect())
}

pub(super) fn relations(_: &Block, tasks: usize) -> Vec<Relation> {
    graph::chain(tasks, "product")
}
