//! DIN, deep interest network: a history summed with weights that depend on the candidate (Zhou et al., *Deep Interest
//! Network for Click-Through Rate Prediction*, KDD 2018).
//!
//! # Equations
//! `v = Σ_j a(e_j, v_A)·e_j` (Eq. 3), with a(·) an MLP over `[v_A, e_j, v_A − e_j, v_A ∘ e_j]` (Section 4.3)
//!
//! # Shapes
//! e_j and v_A `[.., D]`, a `[.., 1]`, v `[B, D]`; no history gives zeros.
//!
//! # Compared with the paper
//! The paper gives the MLP the two embeddings and their "out product"; as in the authors' code, this is their difference
//! and their product number by number. Weights are not normalised, as in the paper; `softmax` is an option.

use polyrank_engine::{Collecting, GraphError, Value};
use polyrank_schema::config::Activation;
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Sequence, TARGET};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "din",
    doc: "a sum with weights from an MLP that sees the candidate (Zhou et al. 2018)",
    options: &[
        TARGET,
        OptionSpec {
            key: "units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[36])),
            doc: "hidden layers of the MLP that gives the weights",
        },
        OptionSpec {
            key: "activation",
            kind: OptionKind::Name(&["dice", "prelu", "sigmoid", "relu"]),
            default: OptionDefault::Always(Literal::Text("dice")),
            doc: "its activation",
        },
        OptionSpec {
            key: "softmax",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(false)),
            doc: "whether a history's weights are made to sum to 1",
        },
    ],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, sequence: &Sequence) -> Result<Value, GraphError> {
    let Sequence { name, list, target, .. } = sequence;
    let activation = match block.text("activation") {
        "prelu" => Activation::Prelu,
        "sigmoid" => Activation::Sigmoid,
        "relu" => Activation::Relu,
        _ => Activation::Dice,
    };
    let target = b.graph.spread(&format!("{name}.spread"), *target, b.graph.space(*list))?;
    let difference = b.graph.sum(&format!("{name}.difference"), &[(1.0, target), (-1.0, *list)])?;
    let product = b.graph.multiply(&format!("{name}.product"), target, *list)?;
    let mut hidden = b.graph.concat(&format!("{name}.pairs"), &[target, *list, difference, product])?; // [.., 4D]
    for (i, &units) in block.units("units").iter().enumerate() {
        let layer = format!("{name}.attention.{i}");
        hidden = b.affine(&layer, hidden, units, false)?;
        hidden = b.activation(&layer, hidden, activation)?;
    }
    // What is added to all weights of a softmax changes none.
    let softmax = block.flag("softmax");
    let mut weights = b.output(&format!("{name}.attention"), hidden, 1, !softmax)?; // [.., 1]
    if softmax {
        weights = b.graph.list_softmax(&format!("{name}.softmax"), weights)?;
    }
    let weighted = b.graph.multiply(&format!("{name}.weighted"), weights, *list)?;
    b.graph.collect(name, weighted, Collecting::Sum) // [B, D]
}
