//! FM: a factorisation machine beside the network, and so DeepFM over an MLP (Rendle 2010; Guo et al. 2017).
//!
//! # Equations
//! `logit_k += w_k(x) + Σ_{i<j} ⟨v_i, v_j⟩` (Rendle, Eq. 1; DeepFM, Eq. 2), w_k(x) as in `wide`.
//!
//! # Shapes
//! v_i `[B, D]`, one a feature; a logit `[B, 1]` a task.
//!
//! # Compared with the papers
//! The embeddings v_i are those of the network (DeepFM, Section 2.1), and the second order is one number that all tasks
//! of a scope add; the first order is each task's own. Features of another dimension than the largest are projected to
//! it, lists pooled as configured, and the bias is the tower's.

use polyrank_engine::GraphError;
use polyrank_schema::spec::BlockContext;
use polyrank_schema::{Block, BlockSpec};

use super::{Interacted, several_features, wide};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "fm",
    doc: "a factorisation machine that adds to each task's logit (Rendle 2010; DeepFM, Guo et al. 2017)",
    options: &[],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if let Some(task) = context.tasks.iter().find(|task| task.outputs() > 1) {
        return Err(format!(
            "`fm` adds one number to each task's logit, and `{}` has a logit a class, whose differences it would leave \
             as they are; use `wide`, or another interaction with output = \"logit\"",
            task.name
        ));
    }
    several_features(block, context)
}

pub(super) fn build(b: &mut Builder<'_>, _: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let prefix = &input.scope.prefix;
    let fields = b.equal_fields(input)?; // F × [B, D]
    let second = b.graph.fm(&format!("{prefix}fm"), &fields)?; // [B, 1]
    let tasks = b.tasks();
    let mut logits = wide::first_order(b, input)?;
    for (logit, &task) in logits.iter_mut().zip(&input.scope.tasks) {
        let name = format!("{prefix}fm.{}", tasks[task]);
        *logit = b.graph.sum(&name, &[(1.0, *logit), (1.0, second)])?;
    }
    Ok(Interacted::Logits(logits))
}
