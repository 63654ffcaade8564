//! PNN: the product layer of product-based networks (Qu et al. 2016).
//!
//! # Equations
//! Inner: `p_ij = ⟨f_i, f_j⟩` (Section III-B). Outer: `p = f_Σ·f_Σᵀ`, `f_Σ = Σ_i f_i` (Section III-C, by
//! superposition).
//!
//! # Shapes
//! f_i `[B, D]`, F of them; inner `[B, F·(F + 1)/2]`, outer `[B, D²]`.
//!
//! # Compared with the paper
//! p_ij = p_ji is given once, and ⟨f_i, f_i⟩ as in the paper unless `self_products = false`, as in its authors' code.
//! The linear signal l_z and l_p = W_p·p are what the next layer makes of `output = "widen"`: its weights on the
//! features and on p, here without the paper's factorisation of W_p.

use polyrank_engine::GraphError;
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, OUTPUT, several_features};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "pnn",
    doc: "inner or outer products of the fields (Qu et al. 2016)",
    options: &[
        OptionSpec {
            key: "product",
            kind: OptionKind::Name(&["inner", "outer", "both"]),
            default: OptionDefault::Always(Literal::Text("inner")),
            doc: "inner products of all pairs of fields, the outer product of the fields' sum, or both",
        },
        OptionSpec {
            key: "self_products",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(true)),
            doc: "whether inner products include each field's with itself",
        },
        OUTPUT,
    ],
    check: several_features,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let name = format!("{}pnn", input.scope.prefix);
    let fields = b.equal_fields(input)?; // F × [B, D]
    let product = block.text("product");
    let mut products = Vec::new();
    if product != "outer" {
        products.push(b.graph.pairs(&format!("{name}.inner"), &fields, block.flag("self_products"))?);
    }
    if product != "inner" {
        let terms: Vec<_> = fields.iter().map(|field| (1.0, *field)).collect();
        let sum = b.graph.sum(&format!("{name}.sum"), &terms)?; // [B, D]
        products.push(b.graph.outer(&format!("{name}.outer"), sum, sum)?); // [B, D²]
    }
    Ok(Interacted::Value(b.graph.concat(&name, &products)?))
}
