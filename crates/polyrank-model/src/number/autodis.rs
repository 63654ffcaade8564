//! AutoDis, automatic discretisation (Guo et al., *An Embedding Learning Framework for Numerical Features in CTR
//! Prediction*, KDD 2021, Section 3).
//!
//! # Equations
//! `h = leaky_relu(w·x)` (Eq. 5), `x̃ = W·h + α·h` (Eq. 6), `p = softmax(x̃ / τ)` (Eq. 7), `e = Σ_i p_i·ME_i` (Eq. 8)
//!
//! # Shapes
//! x `[B, 1]`, h, x̃ and p `[B, H]`, ME `[H, dim]`, e `[B, dim]`.
//!
//! # Compared with the paper
//! The slope of leaky relu below 0, which the paper leaves open, is 0.01. `shared` is not in the paper.

use polyrank_engine::{Function, GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{DIM, SHARED};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "autodis",
    doc: "a soft choice among trained embeddings (Guo et al. 2021)",
    options: &[
        DIM,
        OptionSpec {
            key: "buckets",
            kind: OptionKind::Int { min: 2, max: 4096 },
            default: OptionDefault::Always(Literal::Int(20)),
            doc: "trained embeddings H that are mixed",
        },
        OptionSpec {
            key: "skip",
            kind: OptionKind::Float { min: 0.0, max: 1000.0 },
            default: OptionDefault::Always(Literal::Float(0.1)),
            doc: "weight α of the first layer in the second's output",
        },
        OptionSpec {
            key: "temperature",
            kind: OptionKind::Float { min: 1e-5, max: 1000.0 },
            default: OptionDefault::Always(Literal::Float(1.0)),
            doc: "what scores are divided by before the softmax; smaller is nearer to one embedding",
        },
        SHARED,
    ],
    check: no_further_check,
};

/// Below zero.
const SLOPE: f64 = 0.01;

pub(super) fn build(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    let buckets = block.size("buckets");
    let first = b.project(&format!("{name}.first"), x, buckets)?; // [B, H]
    let first = b.graph.activate(&format!("{name}.activation"), first, Function::LeakyRelu { slope: SLOPE })?;
    let second = b.project(&format!("{name}.second"), first, buckets)?;
    let scores = b.graph.sum(&format!("{name}.scores"), &[(1.0, second), (block.float("skip"), first)])?;
    let shares = b.graph.softmax(&format!("{name}.shares"), scores, block.float("temperature"))?;
    b.project(&format!("{name}.embeddings"), shares, block.size(DIM.key)) // [B, dim]
}
