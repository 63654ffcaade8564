//! SNR-Trans, sub-network routing with transformations: levels of small networks whose connections are switched on and off
//! by trained gates (Ma et al. 2019, AAAI).
//!
//! # Equations
//! `u_j = Σ_i z_ij · W_ij · v_i` with v_i the outputs of one level and u_j the inputs of the next, and the towers after
//! the last. z_ij is hard concrete (Louizos et al. 2018, Eq. 10 to 13), with u uniform and drawn anew each step:
//! `s = σ( (ln u − ln(1 − u) + ln α_ij) / β )`, `z_ij = min(1, max(0, s·(ζ − γ) + γ))`, and when scoring
//! `z_ij = min(1, max(0, σ(ln α_ij)·(ζ − γ) + γ))`. Besides the tasks' losses,
//! `λ · Σ_ij P(z_ij ≠ 0) = λ · Σ_ij σ( ln α_ij − β·ln(−γ/ζ) )` is minimised (Eq. 12).
//!
//! # Shapes
//! v_i, u_j `[B, units.last]`; W_ij `[units.last, units.last]`; z `[1, V]` of a reader, the same for all rows.
//!
//! # Compared with the paper
//! The sub-networks of the first level all read the whole input. ln α starts at 0, where a gate is as likely above 1/2 as
//! below. β, γ and ζ are those of Louizos et al. by default.

use polyrank_engine::{Function, GraphError, Init, Stretch, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::TaskOutput;
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "snr_trans",
    doc: "levels of sub-networks with trained connections (Ma et al. 2019, SNR-Trans)",
    options: &[
        OptionSpec {
            key: "levels",
            kind: OptionKind::Int { min: 1, max: 16 },
            default: OptionDefault::Always(Literal::Int(2)),
            doc: "levels of sub-networks below the towers",
        },
        OptionSpec {
            key: "subnetworks",
            kind: OptionKind::Int { min: 2, max: 256 },
            default: OptionDefault::Always(Literal::Int(4)),
            doc: "sub-networks of each level",
        },
        OptionSpec {
            key: "units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[64])),
            doc: "hidden layers of each sub-network",
        },
        OptionSpec {
            key: "l0",
            kind: OptionKind::Float { min: 0.0, max: 1e6 },
            default: OptionDefault::Always(Literal::Float(1e-4)),
            doc: "what the expected number of connections is penalised by (lambda)",
        },
        OptionSpec {
            key: "beta",
            kind: OptionKind::Float { min: 1e-3, max: 1e3 },
            default: OptionDefault::Always(Literal::Float(2.0 / 3.0)),
            doc: "temperature of the gates",
        },
        OptionSpec {
            key: "gamma",
            kind: OptionKind::Float { min: -100.0, max: -1e-6 },
            default: OptionDefault::Always(Literal::Float(-0.1)),
            doc: "left end of the interval that gates are stretched to, below 0",
        },
        OptionSpec {
            key: "zeta",
            kind: OptionKind::Float { min: 1.000_001, max: 100.0 },
            default: OptionDefault::Always(Literal::Float(1.1)),
            doc: "right end of the interval that gates are stretched to, above 1",
        },
    ],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if context.tasks.len() < 2 {
        return Err(format!(
            "`snr_trans` needs at least 2 tasks, there is {}; use `single` for one task",
            context.tasks.len()
        ));
    }
    if block.units("units").is_empty() {
        return Err("a sub-network of `snr_trans` has no layers; give `units` at least one".to_owned());
    }
    Ok(())
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let (levels, subnetworks) = (block.size("levels"), block.size("subnetworks"));
    let numbers: Vec<String> = (0..subnetworks).map(|j| j.to_string()).collect();
    let mut inputs = vec![x; subnetworks];
    let mut outputs = Vec::new();
    for level in 0..levels {
        outputs.clear();
        for (j, &input) in inputs.iter().enumerate() {
            outputs.push(b.mlp(&format!("levels.{level}.{j}"), input, block.units("units"))?); // [B, units.last]
        }
        let readers = if level + 1 == levels { b.tasks() } else { numbers.clone() };
        inputs = route(b, block, &format!("routes.{level}"), &outputs, &readers)?;
    }
    Ok(inputs.into_iter().map(TaskOutput::from).collect())
}

/// `Σ_i z_ij · W_ij · v_i` for each reader j, `[B, units.last]` each.
fn route(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    from: &[Value],
    readers: &[String],
) -> Result<Vec<Value>, GraphError> {
    let stretch = Stretch { beta: block.float("beta"), gamma: block.float("gamma"), zeta: block.float("zeta") };
    let units = b.graph.width(from[0]);
    let x = b.graph.concat(&format!("{name}.from"), from)?; // [B, V·units]
    let mut to = Vec::new();
    for reader in readers {
        let name = format!("{name}.{reader}");
        let log_alpha = b.graph.trained(&format!("{name}.log_alpha"), from.len(), Init::Constant(0.0))?; // [1, V]
        let gates = b.graph.hard_concrete(&format!("{name}.gates"), log_alpha, stretch)?;
        b.graph.watch(&name, gates);
        let weight = b.last_start(units, units);
        to.push(b.graph.routes(&name, x, gates, units, weight)?);
        penalise(b, &name, log_alpha, stretch, block.float("l0"))?;
    }
    Ok(to)
}

/// Minimises how many of a reader's connections are expected to be on.
fn penalise(b: &mut Builder<'_>, name: &str, x: Value, stretch: Stretch, weight: f64) -> Result<(), GraphError> {
    if weight == 0.0 {
        return Ok(());
    }
    let add = -stretch.beta * (-stretch.gamma / stretch.zeta).ln();
    let shifted = b.graph.activate(&format!("{name}.shifted"), x, Function::Affine { factor: 1.0, add })?;
    let on = b.graph.activate(&format!("{name}.on"), shifted, Function::Sigmoid)?; // [1, V]
    b.graph.objective(&format!("{name}.l0"), on, weight);
    Ok(())
}
