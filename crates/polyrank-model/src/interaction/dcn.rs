//! DCN: a cross network whose layer l makes products of degree l + 1 (Wang et al. 2017).
//!
//! # Equations
//! `x_{l+1} = x_0·(x_lᵀ·w_l) + b_l + x_l` (Eq. 3)
//!
//! # Shapes
//! x_l, w_l and b_l have the width W of the input; the value is the last x_l, `[B, W]`.
//!
//! # Compared with the paper
//! No deviation in the cross network. The paper's model puts its value beside the deep network's below the logit, which
//! is `output = "logit"`.

use polyrank_engine::GraphError;
use polyrank_schema::spec::no_further_check;
use polyrank_schema::{Block, BlockSpec};

use super::{Interacted, LAYERS, OUTPUT};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "dcn",
    doc: "cross network with one weight vector a layer (Wang et al. 2017)",
    options: &[LAYERS, OUTPUT],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let (first, mut x) = (input.value, input.value); // [B, W]
    for layer in 0..block.size(LAYERS.key) {
        let name = format!("{}dcn.{layer}", input.scope.prefix);
        let weighed = b.project(&name, x, 1)?; // [B, 1]
        let product = b.graph.multiply(&format!("{name}.product"), weighed, first)?; // [B, W]
        let product = b.graph.shift(&name, product)?;
        x = b.graph.sum(&format!("{name}.sum"), &[(1.0, product), (1.0, x)])?;
    }
    Ok(Interacted::Value(x))
}
