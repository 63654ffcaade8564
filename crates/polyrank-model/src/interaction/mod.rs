//! Interactions: what happens between the input and the multi-task block. One file each, one line each below.

mod none;

use polyrank_engine::{GraphError, Value};
use polyrank_schema::{Block, BlockSpec};

use crate::build::Builder;

/// An interaction: widens or replaces the input.
struct Interaction {
    spec: BlockSpec,
    build: fn(&mut Builder<'_>, &Block, &str, Value) -> Result<Value, GraphError>,
}

macro_rules! interactions {
    ($($module:ident),* $(,)?) => {
        const ALL: &[Interaction] = &[$(Interaction { spec: $module::SPEC, build: $module::build }),*];
        /// What a configuration can name under `model.interaction`.
        pub const SPECS: &[BlockSpec] = &[$($module::SPEC),*];
    };
}

interactions! {
    none,
}

/// Applies the configured interaction to an input.
pub(crate) fn build(b: &mut Builder<'_>, prefix: &str, x: Value) -> Result<Value, GraphError> {
    let block = b.config.model.interaction.clone();
    let Some(found) = ALL.iter().find(|i| i.spec.name == block.kind) else {
        return Err(GraphError { block: block.kind, problem: "no interaction has this name".to_owned() });
    };
    (found.build)(b, &block, prefix, x)
}
