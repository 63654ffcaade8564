//! Shared-bottom: all tasks read one network (Caruana 1993, 1998; Ma et al. 2018, Eq. 1).
//!
//! # Equations
//! `y_k = tower_k( f(x) )`
//!
//! # Shapes
//! x `[B, W]`, f(x) `[B, units.last]`.
//!
//! # Compared with the paper
//! No deviation.

use polyrank_engine::GraphError;
use polyrank_schema::spec::no_further_check;
use polyrank_schema::{Block, BlockSpec};

use super::{BOTTOM_UNITS, TaskOutput};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "shared_bottom",
    doc: "one network below all towers (Caruana 1993)",
    options: &[BOTTOM_UNITS],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let bottom = b.mlp("bottom", x, block.units("units"))?; // [B, units.last]
    Ok(b.tasks().iter().map(|_| bottom.into()).collect())
}
