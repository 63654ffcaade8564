//! xDeepFM: the compressed interaction network, and a linear model beside it (Lian et al. 2018).
//!
//! # Equations
//! `X^k_h = Σ_i Σ_j W^{k,h}_ij·(X^{k−1}_i ∘ X^0_j)` (Eq. 6), `p^k_h = Σ_d X^k_{h,d}` (Eq. 7); the value is
//! `[p^1, …, p^K]` (Eq. 8). Each task's logit gets the linear term of Eq. 9 as in `wide`.
//!
//! # Shapes
//! X^0 `[F, D]` a row: here D rows of F columns, `[B·D, F]`; X^k `[B·D, units_k]`, value `[B, Σ units_k]`.
//!
//! # Compared with the paper
//! No activation between layers, which the paper finds best (Section 4.4). The linear term is each task's own. The
//! paper's network is `output = "logit"`.

use polyrank_engine::{Along, Collecting, GraphError};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, OUTPUT, several_features, wide};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "xdeepfm",
    doc: "compressed interaction network and a linear model (xDeepFM, Lian et al. 2018)",
    options: &[
        OptionSpec {
            key: "units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[100, 100, 100])),
            doc: "feature maps of each layer",
        },
        OUTPUT,
    ],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if block.units("units").is_empty() {
        return Err("`units` is empty: give each layer's feature maps, or use `wide` for the linear model alone".into());
    }
    several_features(block, context)
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let name = format!("{}xdeepfm", input.scope.prefix);
    let fields = b.equal_fields(input)?; // F × [B, D]
    let dim = b.graph.width(fields[0]);
    let all = b.graph.concat(&format!("{name}.fields"), &fields)?;
    let first = b.graph.fold(&format!("{name}.dimensions"), all, dim, Along::Dimensions)?; // [B·D, F]
    let (mut x, mut sums) = (first, Vec::new());
    for (layer, &units) in block.units("units").iter().enumerate() {
        let name = format!("{name}.{layer}");
        let products = b.graph.outer(&format!("{name}.products"), first, x)?; // [B·D, F·units]
        x = b.project(&name, products, units)?; // [B·D, units]
        sums.push(b.graph.collect(&format!("{name}.sum"), x, Collecting::Sum)?); // [B, units]
    }
    let value = b.graph.concat(&name, &sums)?;
    Ok(Interacted::Both(value, wide::first_order(b, input)?))
}
