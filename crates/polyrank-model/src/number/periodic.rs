//! Periodic embedding of a number (Gorishniy, Rubachev and Babenko, *On Embeddings for Numerical Features in Tabular Deep
//! Learning*, NeurIPS 2022, Section 3.3: "PLR", without relu "PL").
//!
//! # Equations
//! `v = [2π·c_1·x, …, 2π·c_k·x]`, `e = relu(W·concat[sin(v), cos(v)] + b)` (Eq. 3), with trained c, at first N(0, σ²)
//!
//! # Shapes
//! x `[B, 1]`, v `[B, k]`, e `[B, dim]`.
//!
//! # Compared with the paper
//! No deviation; `shared` is not in the paper.

use polyrank_engine::{GraphError, Init, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::linear::last_layer;
use super::{DIM, SHARED};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "periodic",
    doc: "sines and cosines of trained frequencies, then a linear layer (Gorishniy et al. 2022)",
    options: &[
        DIM,
        OptionSpec {
            key: "frequencies",
            kind: OptionKind::Int { min: 1, max: 4096 },
            default: OptionDefault::Always(Literal::Int(48)),
            doc: "trained frequencies k",
        },
        OptionSpec {
            key: "sigma",
            kind: OptionKind::Float { min: 1e-6, max: 1e6 },
            default: OptionDefault::Always(Literal::Float(0.01)),
            doc: "standard deviation of the frequencies at first; the option that matters most",
        },
        OptionSpec {
            key: "relu",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(true)),
            doc: "whether relu follows",
        },
        SHARED,
    ],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    let waves = b.graph.periodic(name, x, block.size("frequencies"), Init::Normal(block.float("sigma")))?; // [B, 2k]
    last_layer(b, block, name, waves)
}
