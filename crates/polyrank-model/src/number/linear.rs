//! Linear embedding of a number (Gorishniy, Rubachev and Babenko, *On Embeddings for Numerical Features in Tabular Deep
//! Learning*, NeurIPS 2022, Section 3.4: "L", with relu "LR").
//!
//! # Equations
//! `e = W·x + b`, or `relu(W·x + b)`
//!
//! # Shapes
//! x `[B, 1]`, or `[B, bins]` of the encoder `piecewise_linear` (then "PLE-L", "PLE-LR"); e `[B, dim]`.
//!
//! # Compared with the paper
//! No deviation; `shared` is not in the paper.

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{DIM, SHARED};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "linear",
    doc: "a vector times the number, plus a vector (Gorishniy et al. 2022)",
    options: &[
        DIM,
        OptionSpec {
            key: "relu",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(false)),
            doc: "whether relu follows",
        },
        SHARED,
    ],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    last_layer(b, block, name, x)
}

/// The linear layer, and relu if asked for: `NAME.weight` and `NAME.bias`.
pub(super) fn last_layer(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    b.affine(name, x, block.size(DIM.key), block.flag("relu"))
}
