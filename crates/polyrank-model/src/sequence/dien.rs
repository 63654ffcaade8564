//! DIEN, deep interest evolution network: a GRU finds interests in a history, and another one, led by attention to the
//! candidate, follows how they evolve (Zhou et al., *Deep Interest Evolution Network for Click-Through Rate Prediction*,
//! AAAI 2019).
//!
//! # Equations
//! - interests: `h_t = GRU(e_t, h_{t−1})` (Eq. 2 to 5)
//! - `L_aux = −1/N Σ_i Σ_t [ log σ(⟨h_t, e_{t+1}⟩) + log(1 − σ(⟨h_t, ê_{t+1}⟩)) ]` (Eq. 6), `L = L_target + α·L_aux` (Eq. 7),
//!   with ê_{t+1} a value drawn at random, other than the one that followed
//! - `a_t = softmax_t(h_tᵀ·W·e_a)` (Eq. 8)
//! - evolution: `aigru` GRU(a_t·h_t) (Eq. 9); `agru` a_t in place of the update gate (Eq. 10); `augru` a_t times the update
//!   gate (Eq. 11, 12); the output is its last state
//!
//! # Shapes
//! e_t, h_t and e_a `[.., D]`, a_t `[.., 1]`, output `[B, D]`; no history gives zeros. N is the rows of the batch.
//!
//! # Compared with the paper
//! States are as wide as the embeddings, which the inner products of Eq. 6 ask for. Negatives come evenly from all rows of
//! the table but padding and missing values, anew in each step; the paper leaves open how they are drawn. W is `[D, D]`, and
//! `evolution = "gru"`, which is not in the paper, has no attention.

use polyrank_engine::{Collecting, Function, GraphError, Neighbour, Update, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Sequence, TARGET};
use crate::build::Builder;
use crate::layer::glorot;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "dien",
    doc: "a GRU over the history and one with attention to the candidate (Zhou et al. 2019)",
    options: &[
        TARGET,
        OptionSpec {
            key: "evolution",
            kind: OptionKind::Name(&["augru", "agru", "aigru", "gru"]),
            default: OptionDefault::Always(Literal::Text("augru")),
            doc: "where attention enters the second GRU: times the update gate, in its place, times the input, nowhere",
        },
        OptionSpec {
            key: "auxiliary",
            kind: OptionKind::Float { min: 0.0, max: 1000.0 },
            default: OptionDefault::Always(Literal::Float(1.0)),
            doc: "weight of the loss that makes the first GRU's states tell the next value; 0 for none",
        },
    ],
    check: no_further_check,
};

/// The first row that negatives are drawn from: before it are padding and missing values.
const FIRST: usize = 2;

pub(super) fn build(b: &mut Builder<'_>, block: &Block, sequence: &Sequence) -> Result<Value, GraphError> {
    let Sequence { name, list, target, .. } = sequence;
    let dim = b.graph.width(*list);
    let interests = gru(b, &format!("{name}.interest"), *list, dim, None, Update::Gate)?; // [.., D]
    let weight = block.float("auxiliary");
    if weight > 0.0 {
        auxiliary(b, sequence, interests, weight)?;
    }
    let evolution = block.text("evolution");
    let evolved = format!("{name}.evolution");
    let states = if evolution == "gru" {
        gru(b, &evolved, interests, dim, None, Update::Gate)?
    } else {
        let projected = b.project(&format!("{name}.attention"), *target, dim)?; // W·e_a
        let projected = b.graph.spread(&format!("{name}.spread"), projected, b.graph.space(*list))?;
        let scores = b.graph.dot(&format!("{name}.scores"), interests, projected)?;
        let scores = b.graph.list_softmax(&format!("{name}.softmax"), scores)?; // [.., 1]
        match evolution {
            "aigru" => {
                let input = b.graph.multiply(&format!("{name}.weighted"), scores, interests)?;
                gru(b, &evolved, input, dim, None, Update::Gate)?
            }
            "agru" => gru(b, &evolved, interests, dim, Some(scores), Update::Score)?,
            _ => gru(b, &evolved, interests, dim, Some(scores), Update::Scaled)?,
        }
    };
    b.graph.collect(name, states, Collecting::Last) // [B, D]
}

/// A GRU of `dim` states along a list: `NAME.weight`, `NAME.bias` and `NAME.recurrent.weight`.
fn gru(
    b: &mut Builder<'_>,
    name: &str,
    x: Value,
    dim: usize,
    score: Option<Value>,
    update: Update,
) -> Result<Value, GraphError> {
    let units = dim * if update == Update::Score { 2 } else { 3 };
    let projected = b.affine(name, x, units, false)?;
    b.graph.gru(name, projected, score, update, glorot(dim, dim))
}

/// L_aux: −log σ(x) = softplus(−x), and −log(1 − σ(x)) = softplus(x).
fn auxiliary(b: &mut Builder<'_>, sequence: &Sequence, interests: Value, weight: f64) -> Result<(), GraphError> {
    let Sequence { list, table, .. } = sequence;
    let name = format!("{}.auxiliary", sequence.name);
    let before = b.graph.neighbour(&format!("{name}.before"), interests, Neighbour::Previous)?;
    let drawn = b.graph.lookup_negatives(&format!("{name}.negatives"), *table, FIRST, b.graph.space(*list))?;
    let mut losses = Vec::new();
    for (kind, value, sign) in [("followed", *list, -1.0), ("drawn", drawn, 1.0)] {
        let logit = b.graph.dot(&format!("{name}.{kind}"), before, value)?;
        let signed = Function::Affine { factor: sign, add: 0.0 };
        let logit = b.graph.activate(&format!("{name}.{kind}.signed"), logit, signed)?;
        losses.push((1.0, b.graph.activate(&format!("{name}.{kind}.loss"), logit, Function::Softplus)?));
    }
    let loss = b.graph.sum(&format!("{name}.both"), &losses)?;
    // The first value follows nothing: each place takes its neighbour's loss, and nobody the first's.
    let loss = b.graph.neighbour(&format!("{name}.loss"), loss, Neighbour::Next)?;
    b.graph.objective(&name, loss, weight);
    Ok(())
}
