//! AITM, adaptive information transfer: each task of a chain attends to its own network and to what the task before hands
//! on (Xi et al. 2021, KDD, Section 3).
//!
//! # Equations
//! `q_t = f_t(x)`, `z_1 = q_1`, `p_(t−1) = g_(t−1)(z_(t−1))`, `z_t = Σ_u w_u·h1(u)` over u in {p_(t−1), q_t} with
//! `w_u = softmax_u( <h2(u), h3(u)> / √k )`, `ŷ_t = σ( tower_t(z_t) )` (the AIT module).
//! Besides the cross-entropies, the behavioral expectation calibrator `α · 1/B · Σ_t Σ_rows max(ŷ_t − ŷ_(t−1), 0)` is
//! minimised: what comes later in the chain is not more probable.
//!
//! # Shapes
//! x `[B, W]`; q_t, p_t, z_t, h1, h2 and h3 `[B, k]` with k = units.last.
//!
//! # Compared with the paper
//! h1, h2, h3 are linear without bias, one set a task, shared by p and q. g is one hidden layer as configured;
//! `transfer_units` puts more before it.

use polyrank_engine::{Along, Collecting, Function, GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{BOTTOM_UNITS, Relation, TaskOutput, chain, relations as graph};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "aitm",
    doc: "a chain of binary tasks, each handing information to the next (Xi et al. 2021)",
    options: &[
        BOTTOM_UNITS,
        OptionSpec {
            key: "transfer_units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[])),
            doc: "hidden layers between a task and what it hands on, before one as wide as the next task's network",
        },
        OptionSpec {
            key: "calibrator",
            kind: OptionKind::Float { min: 0.0, max: 1e6 },
            default: OptionDefault::Always(Literal::Float(0.6)),
            doc: "weight of the penalty on later tasks being more probable than earlier ones (alpha)",
        },
    ],
    check: chain::check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let mut before: Option<(String, Value)> = None;
    let mut logits: Vec<Value> = Vec::new();
    for (t, task) in b.tasks().into_iter().enumerate() {
        let own = b.mlp(&format!("networks.{task}"), x, block.units("units"))?; // [B, k]
        let value = match before {
            None => own,
            Some((from, value)) => {
                let mut units = block.units("transfer_units").to_vec();
                units.push(b.graph.width(own));
                let handed = b.mlp(&format!("transfer.{from}"), value, &units)?; // [B, k]
                transfer(b, &task, handed, own)?
            }
        };
        logits.push(b.tower("", t, value)?);
        before = Some((task, value));
    }
    calibrate(b, &logits, block.float("calibrator"))?;
    Ok(logits.into_iter().map(TaskOutput::Output).collect())
}

/// `Σ_u softmax_u(<h2(u), h3(u)> / √k)·h1(u)` over what is handed on and the task's own, `[B, k]`.
fn transfer(b: &mut Builder<'_>, task: &str, handed: Value, own: Value) -> Result<Value, GraphError> {
    let name = |part: &str| format!("ait.{task}.{part}");
    let k = b.graph.width(own);
    let both = b.graph.concat(&name("both"), &[handed, own])?; // [B, 2k]
    let both = b.graph.fold(&name("fold"), both, 2, Along::Fields)?; // 2 × [B, k]
    let h1 = b.linear(&name("h1"), both, k, false)?;
    let h2 = b.linear(&name("h2"), both, k, false)?;
    let h3 = b.linear(&name("h3"), both, k, false)?;
    let scores = b.graph.dot(&name("scores"), h2, h3)?; // 2 × [B, 1]
    let scores = b.graph.sum(&name("scaled"), &[(1.0 / (k as f64).sqrt(), scores)])?;
    let weights = b.graph.list_softmax(&name("weights"), scores)?;
    let watched = b.graph.unfold(&name("watched"), weights, Along::Fields)?; // [B, 2]
    b.graph.watch(&format!("{task} (handed on, own)"), watched);
    let weighted = b.graph.multiply(&name("weighted"), weights, h1)?; // 2 × [B, k]
    b.graph.collect(&name("z"), weighted, Collecting::Sum)
}

/// Minimises `max(ŷ_t − ŷ_(t−1), 0)`, averaged over rows.
fn calibrate(b: &mut Builder<'_>, logits: &[Value], weight: f64) -> Result<(), GraphError> {
    if weight == 0.0 {
        return Ok(());
    }
    let tasks = b.tasks();
    let mut probabilities = Vec::new();
    for (task, &logit) in tasks.iter().zip(logits) {
        probabilities.push(b.graph.activate(&format!("calibrator.{task}.probability"), logit, Function::Sigmoid)?);
    }
    for (task, pair) in tasks.iter().skip(1).zip(probabilities.windows(2)) {
        let name = format!("calibrator.{task}");
        let excess = b.graph.sum(&format!("{name}.difference"), &[(1.0, pair[1]), (-1.0, pair[0])])?;
        let excess = b.graph.activate(&name, excess, Function::Relu)?; // [B, 1]
        b.graph.objective(&name, excess, weight);
    }
    Ok(())
}

pub(super) fn relations(block: &Block, tasks: usize) -> Vec<Relation> {
    graph::chain(tasks, if block.float("calibrator") > 0.0 { "transfer, calibrator" } else { "transfer" })
}
