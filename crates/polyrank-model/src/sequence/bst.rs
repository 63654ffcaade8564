//! BST, behaviour sequence transformer: self-attention over a history with the candidate at its end (Chen et al.,
//! *Behavior Sequence Transformer for E-commerce Recommendation in Alibaba*, DLP-KDD 2019).
//!
//! # Equations
//! - `S = concat(head_1, …, head_h)·W^H`, `head_i = softmax(Q_i·K_iᵀ / √d)·V_i` with Q, K, V = E·W^Q, E·W^K, E·W^V (Eq. 1 to 3)
//! - `S' = LayerNorm(E + Dropout(S))`, `F = LayerNorm(S' + Dropout(leaky_relu(S'·W1 + b1)·W2 + b2))` (Eq. 4, 5), stacked
//!   `blocks` times (Eq. 6)
//! - the output is F of all places side by side
//!
//! # Shapes
//! E, S, F `[T + 1, D]` a row with T values in its history, output `[B, (max_length + 1)·D]`: the candidate first, then the
//! history from its end, then zeros.
//!
//! # Compared with the paper
//! A place's embedding is added to the value's, in place of standing beside it, and is one of the place counted from the
//! candidate, in place of the time that has passed. The slope of leaky relu, which the paper leaves open, is 0.01.

use polyrank_engine::{Function, GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Sequence, TARGET};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "bst",
    doc: "transformer blocks over the history and the candidate, all places side by side (Chen et al. 2019)",
    options: &[
        TARGET,
        OptionSpec {
            key: "heads",
            kind: OptionKind::Int { min: 1, max: 64 },
            default: OptionDefault::Always(Literal::Int(8)),
            doc: "attention heads, which share the embedding dimension evenly",
        },
        OptionSpec {
            key: "blocks",
            kind: OptionKind::Int { min: 1, max: 16 },
            default: OptionDefault::Always(Literal::Int(1)),
            doc: "transformer blocks",
        },
        OptionSpec {
            key: "widening",
            kind: OptionKind::Int { min: 1, max: 64 },
            default: OptionDefault::Always(Literal::Int(4)),
            doc: "hidden width of the feed-forward layers, times the embedding dimension",
        },
        OptionSpec {
            key: "dropout",
            kind: OptionKind::Float { min: 0.0, max: 0.99 },
            default: OptionDefault::Always(Literal::Float(0.2)),
            doc: "probability that a number is dropped in training, after attention and after the feed-forward layers",
        },
    ],
    check: no_further_check,
};

/// Below zero.
const SLOPE: f64 = 0.01;

pub(super) fn build(b: &mut Builder<'_>, block: &Block, sequence: &Sequence) -> Result<Value, GraphError> {
    let Sequence { name, list, target, .. } = sequence;
    let (dim, heads) = (b.graph.width(*list), block.size("heads"));
    if dim % heads != 0 {
        let problem = format!(
            "{heads} heads cannot share the {dim} dimensions of the table evenly; set `heads`, or `dim` of the feature \
             \"{}\" to a multiple of {heads}",
            block.text(TARGET.key)
        );
        return Err(GraphError { block: name.clone(), problem });
    }
    let whole = b.graph.append(&format!("{name}.whole"), *list, *target)?; // [T + 1, D]
    let mut x = b.graph.places(name, whole, b.embedding_init())?;
    for i in 0..block.size("blocks") {
        x = transformer(b, block, &format!("{name}.{i}"), x, dim, heads)?;
    }
    b.graph.flatten(name, x) // [B, (max_length + 1)·D]
}

/// One transformer block: `NAME.query`, `.key`, `.value`, `.heads`, `.attended`, `.hidden`, `.output`, `.transformed`.
fn transformer(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    x: Value,
    dim: usize,
    heads: usize,
) -> Result<Value, GraphError> {
    let query = b.project(&format!("{name}.query"), x, dim)?;
    let key = b.project(&format!("{name}.key"), x, dim)?;
    let value = b.project(&format!("{name}.value"), x, dim)?;
    let attended = b.graph.attention(&format!("{name}.attention"), query, key, value, heads, true)?;
    let attended = b.project(&format!("{name}.heads"), attended, dim)?;
    let x = beside(b, block, &format!("{name}.attended"), x, attended)?;
    let hidden = b.affine(&format!("{name}.hidden"), x, dim * block.size("widening"), false)?;
    let hidden = b.graph.activate(&format!("{name}.activation"), hidden, Function::LeakyRelu { slope: SLOPE })?;
    let output = b.affine(&format!("{name}.output"), hidden, dim, false)?;
    beside(b, block, &format!("{name}.transformed"), x, output)
}

/// `LayerNorm(x + Dropout(more))`.
fn beside(b: &mut Builder<'_>, block: &Block, name: &str, x: Value, more: Value) -> Result<Value, GraphError> {
    let dropout = block.float("dropout");
    let more = if dropout > 0.0 { b.graph.dropout(&format!("{name}.dropout"), more, dropout)? } else { more };
    let sum = b.graph.sum(&format!("{name}.sum"), &[(1.0, x), (1.0, more)])?;
    b.graph.layer_norm(name, sum)
}
