//! Wide: a linear model of the features as they are, beside the network (Cheng et al. 2016, Section 3.1).
//!
//! # Equations
//! `logit_k += Σ_f w_kf[id_f] + w_kᵀ·numbers`; a list adds the weights of all its ids.
//!
//! # Shapes
//! One table `[rows, 1]` a feature and task, one weight a number and task; a logit `[B, 1]` a task. C classes have C weights
//! in each place, and C logits.
//!
//! # Compared with the paper
//! Crossed columns are features of their own here, and the bias is the tower's. The paper trains the wide part with
//! FTRL; here it has the optimizer of the tables and layers. Weights of ids start at 0.

use polyrank_engine::{GraphError, Init, Pooling, Value};
use polyrank_schema::spec::no_further_check;
use polyrank_schema::{Block, BlockSpec};

use super::Interacted;
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "wide",
    doc: "a linear model of ids and numbers that adds to each task's logit (Cheng et al. 2016)",
    options: &[],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, _: &Block, input: &Input) -> Result<Interacted, GraphError> {
    Ok(Interacted::Logits(first_order(b, input)?))
}

/// For each task of the scope, the sum of one weight an id and of the weighted numbers: `[B, 1]` each, `[B, C]` for C
/// classes.
pub(super) fn first_order(b: &mut Builder<'_>, input: &Input) -> Result<Vec<Value>, GraphError> {
    let (tasks, layout) = (b.tasks(), b.layout);
    let numbers: Vec<Value> = input.fields.iter().filter(|field| !field.embedding).map(|field| field.value).collect();
    let mut logits = Vec::new();
    for &task in &input.scope.tasks {
        let name = format!("{}wide.{}", input.scope.prefix, tasks[task]);
        let width = b.config.tasks[task].outputs();
        let mut terms = Vec::new();
        for (slot, of) in layout.slots.iter().enumerate() {
            let name = format!("{name}.{}", of.feature);
            let table = b.graph.table(&name, layout.tables[of.table].rows, width, Init::Constant(0.0))?;
            let pooling = if of.combiner.is_none() { Pooling::One } else { Pooling::Sum };
            terms.push((1.0, b.graph.lookup(&name, slot, table, pooling)?)); // [B, 1]
        }
        if !numbers.is_empty() {
            let numbers = b.graph.concat(&format!("{name}.numbers"), &numbers)?;
            terms.push((1.0, b.project(&format!("{name}.dense"), numbers, width)?)); // [B, 1]
        }
        logits.push(b.graph.sum(&name, &terms)?);
    }
    Ok(logits)
}
