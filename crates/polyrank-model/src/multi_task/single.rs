//! Single-task: T networks that share nothing, embedding tables included; what multi-task models are compared with.
//!
//! # Equations
//! `y_k = tower_k( bottom_k( input_k ) )`
//!
//! # Shapes
//! input_k `[B, W]`, bottom_k `[B, units.last]`.

use polyrank_engine::GraphError;
use polyrank_schema::spec::no_further_check;
use polyrank_schema::{Block, BlockSpec};

use super::{BOTTOM_UNITS, TaskOutput};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "single",
    doc: "one network a task that shares nothing",
    options: &[BOTTOM_UNITS],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let mut outputs = Vec::new();
    for task in 0..b.tasks().len() {
        let scope = b.alone(task);
        let (input, prefix) = (b.input(&scope)?, scope.prefix); // [B, W]
        let value = b.mlp(&format!("{prefix}bottom"), input, block.units("units"))?; // [B, units.last]
        outputs.push(TaskOutput::Hidden { value, prefix });
    }
    Ok(outputs)
}
