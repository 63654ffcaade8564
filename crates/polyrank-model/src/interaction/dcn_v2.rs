//! DCN-v2: cross layers with a weight matrix, or a mixture of low-rank ones (Wang et al. 2021).
//!
//! # Equations
//! - `x_{l+1} = x_0 ⊙ (W_l·x_l + b_l) + x_l` (Eq. 1), or with `rank` (Section 3.5)
//! - `x_{l+1} = Σ_i G_i(x_l)·E_i(x_l) + x_l` with `E_i(x) = x_0 ⊙ (U_i·g(C_i·g(V_iᵀ·x)) + b_l)`, or with
//!   `nonlinearity = "none"` `E_i(x) = x_0 ⊙ (U_i·V_iᵀ·x + b_l)`; G is a softmax over linear gates
//!
//! # Shapes
//! x_l `[B, W]`, W_l `[W, W]`, V_i `[W, r]`, C_i `[r, r]`, U_i `[r, W]`; the value is the last x_l.
//!
//! # Compared with the paper
//! Gates add up to 1, so x_0 and b_l, which no expert has for itself, are applied once to the mixture: the same
//! function. One expert has no gate. The paper's stacked model is `output = "replace"`, its parallel one
//! `output = "logit"`.

use polyrank_engine::{Function, GraphError, Value};
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, LAYERS, OUTPUT};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "dcn_v2",
    doc: "cross network with weight matrices, full or low-rank (Wang et al. 2021)",
    options: &[
        LAYERS,
        OptionSpec {
            key: "rank",
            kind: OptionKind::Int { min: 1, max: 65_536 },
            default: OptionDefault::Absent,
            doc: "rank of the weight matrices (r); full matrices if it is not given",
        },
        OptionSpec {
            key: "experts",
            kind: OptionKind::Int { min: 1, max: 1024 },
            default: OptionDefault::Absent,
            doc: "low-rank matrices that a gate mixes in each layer; 1 if it is not given",
        },
        OptionSpec {
            key: "nonlinearity",
            kind: OptionKind::Name(&["tanh", "relu", "none"]),
            default: OptionDefault::Absent,
            doc: "what an expert applies in its low-rank space (g); tanh if it is not given",
        },
        OUTPUT,
    ],
    check,
};

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    match ["experts", "nonlinearity"].into_iter().find(|key| block.has(key)) {
        Some(key) if !block.has("rank") => {
            Err(format!("`{key}` is of low-rank matrices: set `rank` too, or leave `{key}` out for full matrices"))
        }
        _ => Ok(()),
    }
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let (first, mut x, width) = (input.value, input.value, b.graph.width(input.value)); // [B, W]
    for layer in 0..block.size(LAYERS.key) {
        let name = format!("{}dcn_v2.{layer}", input.scope.prefix);
        let mapped = if block.has("rank") {
            let mixture = low_rank(b, block, &name, x)?;
            b.graph.shift(&name, mixture)?
        } else {
            b.affine(&name, x, width, false)?
        }; // [B, W]
        let product = b.graph.multiply(&format!("{name}.product"), first, mapped)?;
        x = b.graph.sum(&format!("{name}.sum"), &[(1.0, product), (1.0, x)])?;
    }
    Ok(Interacted::Value(x))
}

/// `Σ_i G_i(x)·U_i·g(C_i·g(V_iᵀ·x))`, `[B, W]`.
fn low_rank(b: &mut Builder<'_>, block: &Block, name: &str, x: Value) -> Result<Value, GraphError> {
    let (rank, width) = (block.size("rank"), b.graph.width(x));
    let nonlinearity = match block.text("nonlinearity") {
        "none" => None,
        "relu" => Some(Function::Relu),
        _ => Some(Function::Tanh),
    };
    let mut experts = Vec::new();
    for e in 0..block.size("experts").max(1) {
        let name = format!("{name}.experts.{e}");
        let mut low = b.project(&format!("{name}.v"), x, rank)?; // [B, r]
        if let Some(g) = nonlinearity {
            low = b.graph.activate(&format!("{name}.v.activation"), low, g)?;
            low = b.project(&format!("{name}.c"), low, rank)?;
            low = b.graph.activate(&format!("{name}.c.activation"), low, g)?;
        }
        experts.push(b.project(&format!("{name}.u"), low, width)?); // [B, W]
    }
    if let [one] = experts[..] {
        return Ok(one);
    }
    let gate = b.project(&format!("{name}.gate"), x, experts.len())?; // [B, E]
    let gate = b.graph.softmax(&format!("{name}.gate.softmax"), gate, 1.0)?;
    b.graph.mixture(&format!("{name}.mixture"), gate, &experts)
}
