//! No interaction: the multi-task block reads the input as it stands.

use polyrank_engine::GraphError;
use polyrank_schema::spec::no_further_check;
use polyrank_schema::{Block, BlockSpec};

use super::Interacted;
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec =
    BlockSpec { name: "none", doc: "the input as it stands", options: &[], check: no_further_check };

pub(super) fn build(_: &mut Builder<'_>, _: &Block, _: &Input) -> Result<Interacted, GraphError> {
    Ok(Interacted::Nothing)
}
