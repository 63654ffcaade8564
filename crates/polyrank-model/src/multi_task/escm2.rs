//! ESCM², entire space counterfactual multi-task model: ESMM, with a conversion tower that learns from clicked rows as if
//! all had been clicked (Wang et al. 2022, SIGIR).
//!
//! # Equations
//! ô = σ(click tower), r̂ = σ(conversion tower); o, r the labels of click and conversion; δ = cross-entropy(r̂, r).
//! The whole loss is `L_CTR + λ_c·L_CVR + λ_g·L_CTCVR` with L_CTR and L_CTCVR the cross-entropies of ô and of ô·r̂ over all
//! rows, as in ESMM, and the counterfactual risk L_CVR, averaged over all rows:
//! - `ips`: `o·δ / ô` (the inverse propensity score estimator R_IPS),
//! - `dr`: `δ̂ + o·(δ − δ̂) / ô` (the doubly robust estimator R_DR), plus `o·(δ − δ̂)² / ô`, which teaches the imputed
//!   error δ̂ of a third tower.
//!
//! # Shapes
//! x `[B, W]` with embeddings that all networks share, their last hidden values `[B, units.last]`, the rest `[B, 1]`.
//!
//! # Compared with the paper
//! λ_g is the conversion task's `weight`. ô is at least `propensity_floor` where it is divided by, and no gradient goes
//! through 1/ô unless `propensity_gradient`. δ̂ is made positive by a softplus, as δ is. A row without both labels adds
//! nothing to L_CVR. The score of the conversion task is ô·r̂.

use polyrank_engine::{Function, GraphError, Loss, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{BOTTOM_UNITS, Relation, TaskOutput, chain};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "escm2",
    doc: "click and conversion with a counterfactual conversion risk (Wang et al. 2022, ESCM²)",
    options: &[
        BOTTOM_UNITS,
        OptionSpec {
            key: "method",
            kind: OptionKind::Name(&["ips", "dr"]),
            default: OptionDefault::Always(Literal::Text("dr")),
            doc: "inverse propensity score (ips) or doubly robust with an imputation tower (dr)",
        },
        OptionSpec {
            key: "counterfactual_weight",
            kind: OptionKind::Float { min: 0.0, max: 1e6 },
            default: OptionDefault::Always(Literal::Float(0.1)),
            doc: "weight of the counterfactual conversion risk (lambda_c)",
        },
        OptionSpec {
            key: "propensity_floor",
            kind: OptionKind::Float { min: 1e-6, max: 1.0 },
            default: OptionDefault::Always(Literal::Float(0.01)),
            doc: "the least click probability that a risk is divided by",
        },
        OptionSpec {
            key: "propensity_gradient",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(false)),
            doc: "whether the click tower learns from being divided by",
        },
    ],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    chain::check_entire_space(block, context)?;
    match context.tasks.len() {
        2 => Ok(()),
        more => Err(format!(
            "`escm2` needs exactly 2 tasks, first click, then conversion, there are {more}; `esmm` takes longer chains"
        )),
    }
}

/// What the towers give for each row, `[B, 1]` each.
struct Towers {
    /// Logit of the click.
    click: Value,
    /// Logit of the conversion, given the click.
    conversion: Value,
    /// The imputed error.
    imputed: Option<Value>,
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let tasks = b.tasks();
    let mut logits = Vec::new();
    for (t, task) in tasks.iter().enumerate() {
        let hidden = b.mlp(&format!("networks.{task}"), x, block.units("units"))?; // [B, units.last]
        logits.push(b.tower("", t, hidden)?); // [B, 1]
    }
    let (click, conversion) = (logits[0], logits[1]);
    let both = b.graph.conjunction(&format!("product.{}", tasks[1]), click, conversion)?;
    if block.float("counterfactual_weight") > 0.0 {
        let imputed = if block.text("method") == "dr" { Some(imputation(b, block, x)?) } else { None };
        counterfactual(b, block, &Towers { click, conversion, imputed })?;
    }
    Ok(vec![TaskOutput::Output(click), TaskOutput::Output(both)])
}

/// δ̂, `[B, 1]`.
fn imputation(b: &mut Builder<'_>, block: &Block, x: Value) -> Result<Value, GraphError> {
    let hidden = b.mlp("networks.imputation", x, block.units("units"))?;
    let hidden = b.tower_layers("towers.imputation", hidden)?;
    let output = b.output("towers.imputation", hidden, 1, true)?;
    b.graph.activate("imputation", output, Function::Softplus)
}

/// Minimises L_CVR.
fn counterfactual(b: &mut Builder<'_>, block: &Block, towers: &Towers) -> Result<(), GraphError> {
    let weight = block.float("counterfactual_weight");
    let g = &mut b.graph;
    let (clicked, converted) = (g.label("risk.clicked", 0)?, g.label("risk.converted", 1)?);
    let (first, second) = (g.labelled("risk.click labelled", 0)?, g.labelled("risk.conversion labelled", 1)?);
    let known = g.multiply("risk.known", first, second)?;
    let propensity = g.activate("risk.propensity", towers.click, Function::Sigmoid)?;
    let floor = block.float("propensity_floor");
    let mut inverse = g.activate("risk.inverse", propensity, Function::Reciprocal { floor })?;
    if !block.flag("propensity_gradient") {
        inverse = g.stop_gradient("risk.inverse stopped", inverse)?;
    }
    let observed = g.multiply("risk.observed", known, clicked)?;
    let share = g.multiply("risk.share", observed, inverse)?; // o / ô
    let error = g.loss("risk.error", towers.conversion, converted, Loss::BinaryCrossEntropy)?; // δ
    let Some(imputed) = towers.imputed else {
        let risk = g.multiply("risk.ips", share, error)?;
        g.objective("counterfactual risk", risk, weight);
        return Ok(());
    };
    let off = g.sum("risk.off", &[(1.0, error), (-1.0, imputed)])?; // δ − δ̂
    let correction = g.multiply("risk.correction", share, off)?;
    let everywhere = g.multiply("risk.imputed", known, imputed)?;
    let risk = g.sum("risk.dr", &[(1.0, everywhere), (1.0, correction)])?;
    g.objective("counterfactual risk", risk, weight);
    let squared = g.multiply("risk.off squared", correction, off)?; // o·(δ − δ̂)² / ô
    g.objective("imputation risk", squared, weight);
    Ok(())
}

pub(super) fn relations(block: &Block, _: usize) -> Vec<Relation> {
    let mut all = vec![Relation { from: 0, to: 1, how: "product" }];
    if block.float("counterfactual_weight") > 0.0 {
        let how = if block.text("method") == "dr" { "propensity, doubly robust" } else { "inverse propensity" };
        all.push(Relation { from: 0, to: 1, how });
    }
    all
}
