//! No interaction: the multi-task block reads the input as it stands.

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::no_further_check;
use polyrank_schema::{Block, BlockSpec};

use crate::build::Builder;

pub(super) const SPEC: BlockSpec =
    BlockSpec { name: "none", doc: "the input as it stands", options: &[], check: no_further_check };

pub(super) fn build(_: &mut Builder<'_>, _: &Block, _: &str, x: Value) -> Result<Value, GraphError> {
    Ok(x)
}
