//! AutoInt: multi-head self-attention among the fields (Song et al. 2019).
//!
//! # Equations
//! `α_mk = softmax_k ⟨W_Q·e_m, W_K·e_k⟩` (Eq. 5), `ẽ_m = Σ_k α_mk·W_V·e_k` (Eq. 6) for each head, heads side by side
//! (Eq. 7), `e_m' = relu(ẽ_m + W_Res·e_m)` (Eq. 8); the value is the last layer's fields side by side.
//!
//! # Shapes
//! e_m `[B, D]`, F of them; heads `[B·F, heads·head_dim]`; value `[B, F·heads·head_dim]`.
//!
//! # Compared with the paper
//! No deviation: scores are not divided by √d. A number is a vector times the number (Eq. 4); embeddings of another
//! dimension than the largest are projected to it. The paper's network is `output = "logit"`.

use polyrank_engine::{Along, GraphError};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, LAYERS, OUTPUT, several_features};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "autoint",
    doc: "multi-head self-attention among fields (AutoInt, Song et al. 2019)",
    options: &[
        LAYERS,
        OptionSpec {
            key: "heads",
            kind: OptionKind::Int { min: 1, max: 64 },
            default: OptionDefault::Always(Literal::Int(2)),
            doc: "attention heads",
        },
        OptionSpec {
            key: "head_dim",
            kind: OptionKind::Int { min: 1, max: 1024 },
            default: OptionDefault::Always(Literal::Int(32)),
            doc: "columns of a head",
        },
        OUTPUT,
    ],
    check: several_features,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let name = format!("{}autoint", input.scope.prefix);
    let fields = b.equal_fields(input)?; // F × [B, D]
    let heads = block.size("heads");
    let width = heads * block.size("head_dim");
    let all = b.graph.concat(&format!("{name}.fields"), &fields)?;
    let mut x = b.graph.fold(&format!("{name}.rows"), all, fields.len(), Along::Fields)?; // [B·F, D]
    for layer in 0..block.size(LAYERS.key) {
        let name = format!("{name}.{layer}");
        let q = b.project(&format!("{name}.query"), x, width)?;
        let k = b.project(&format!("{name}.key"), x, width)?;
        let v = b.project(&format!("{name}.value"), x, width)?;
        let residual = b.project(&format!("{name}.residual"), x, width)?;
        x = b.graph.attention_relu(&name, q, k, v, residual, heads)?;
    }
    Ok(Interacted::Value(b.graph.unfold(&name, x, Along::Fields)?))
}
