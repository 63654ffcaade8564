//! Embeddings of numbers: how a dense feature becomes a vector. One file each, one line each below.

mod autodis;
mod linear;
mod periodic;

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use crate::build::Builder;

/// An embedding of numbers: what can be configured, and how it composes ops.
struct NumberEmbedding {
    spec: BlockSpec,
    /// From the start of its parameters' names and the number, `[B, 1]`, or what a number was cut into.
    build: fn(&mut Builder<'_>, &Block, &str, Value) -> Result<Value, GraphError>,
}

macro_rules! numbers {
    ($($module:ident),* $(,)?) => {
        const ALL: &[NumberEmbedding] = &[$(NumberEmbedding { spec: $module::SPEC, build: $module::build }),*];
        /// What a configuration can name under a dense feature's `embedding`.
        pub const SPECS: &[BlockSpec] = &[$($module::SPEC),*];
    };
}

numbers! {
    linear,
    periodic,
    autodis,
}

/// Width of the embedding.
const DIM: OptionSpec = OptionSpec {
    key: "dim",
    kind: OptionKind::Int { min: 1, max: 4096 },
    default: OptionDefault::Always(Literal::Int(8)),
    doc: "embedding dimension",
};

/// Whether features have parameters in common.
const SHARED: OptionSpec = OptionSpec {
    key: "shared",
    kind: OptionKind::Bool,
    default: OptionDefault::Always(Literal::Bool(false)),
    doc: "whether all dense features that say so have one set of parameters, instead of one each",
};

/// The embedding of a feature's number, `[B, D]`; its parameters' names start with `numbers.FEATURE`, shared ones' with
/// `shared_numbers.TYPE`.
pub(crate) fn build(
    b: &mut Builder<'_>,
    block: &Block,
    prefix: &str,
    feature: &str,
    x: Value,
) -> Result<Value, GraphError> {
    let Some(found) = ALL.iter().find(|n| n.spec.name == block.kind) else {
        let problem = "no embedding of numbers has this name".to_owned();
        return Err(GraphError { block: block.kind.clone(), problem });
    };
    if !block.flag(SHARED.key) {
        return (found.build)(b, block, &format!("{prefix}numbers.{feature}"), x);
    }
    let before = b.graph.share(true);
    let value = (found.build)(b, block, &format!("{prefix}shared_numbers.{}", block.kind), x);
    b.graph.share(before);
    value
}
