//! `none`: the number as it stands; a missing one is 0.

use polyrank_schema::BlockSpec;
use polyrank_schema::spec::no_further_check;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "none",
    doc: "the number as it stands; a missing one is 0",
    options: &[],
    check: no_further_check,
};

pub(crate) fn encode(x: f64) -> f32 {
    x as f32
}
