//! MaskNet: blocks that multiply what they read with a mask made of the whole instance (Wang et al. 2021).
//!
//! # Equations
//! - Mask of block n: `M_n = W_n2·relu(W_n1·V + b_n1) + b_n2`, V = [e_1, …, e_F] (Section 3.2)
//! - A block on the embeddings: `h_n = relu(LN_n(W_n·(M_n ⊙ LN_emb(V))))`, with LN_emb over each e_i by itself
//! - A block on a block: `h_n = relu(LN_n(W_n·(M_n ⊙ h_{n−1})))` (Section 3.3)
//!
//! Serial: only the first block reads the embeddings, and the value is the last h_n. Parallel: all read the embeddings,
//! and the value is `[h_1, …, h_N]` (Section 3.4).
//!
//! # Shapes
//! e_i `[B, D]`; M_n as wide as what it masks, the layer below it `reduction` times as wide; h_n `[B, units]`.
//!
//! # Compared with the paper
//! Each field's layer norm has parameters of its own, and parallel blocks share these norms. Features of another
//! dimension than the largest are projected to it. W_n has no bias, as in the paper's equations: the norm after it has
//! one. The paper's networks read the value alone: `output = "logit"` for the serial one, `output = "replace"` for the
//! parallel one.

use polyrank_engine::{Function, GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, OUTPUT};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "masknet",
    doc: "blocks behind masks made of the whole instance (MaskNet, Wang et al. 2021)",
    options: &[
        OptionSpec {
            key: "arrangement",
            kind: OptionKind::Name(&["serial", "parallel"]),
            default: OptionDefault::Always(Literal::Text("parallel")),
            doc: "whether blocks follow each other or all read the embeddings",
        },
        OptionSpec {
            key: "blocks",
            kind: OptionKind::Int { min: 1, max: 64 },
            default: OptionDefault::Always(Literal::Int(3)),
            doc: "number of blocks (N)",
        },
        OptionSpec {
            key: "units",
            kind: OptionKind::Int { min: 1, max: 65_536 },
            default: OptionDefault::Always(Literal::Int(128)),
            doc: "width of each block",
        },
        OptionSpec {
            key: "reduction",
            kind: OptionKind::Float { min: 0.01, max: 16.0 },
            default: OptionDefault::Always(Literal::Float(2.0)),
            doc: "how many times as wide as the mask the layer below it is",
        },
        OUTPUT,
    ],
    check: no_further_check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let name = format!("{}masknet", input.scope.prefix);
    let fields = b.equal_fields(input)?; // F × [B, D]
    let instance = b.graph.concat(&format!("{name}.fields"), &fields)?; // [B, F·D]
    let mut normed = Vec::new();
    for (field, value) in input.fields.iter().zip(&fields) {
        normed.push(b.graph.layer_norm(&format!("{name}.norm.{}", field.feature), *value)?);
    }
    let normed = b.graph.concat(&format!("{name}.norm"), &normed)?; // [B, F·D]
    let serial = block.text("arrangement") == "serial";
    let mut hidden: Vec<Value> = Vec::new();
    for n in 0..block.size("blocks") {
        let x = hidden.last().copied().filter(|_| serial).unwrap_or(normed);
        hidden.push(mask_block(b, block, &format!("{name}.{n}"), instance, x)?);
    }
    let value = match hidden.last() {
        Some(last) if serial => *last,
        _ => b.graph.concat(&name, &hidden)?,
    };
    Ok(Interacted::Value(value))
}

/// `relu(LN(W·(mask(instance) ⊙ x)))`, `[B, units]`.
fn mask_block(b: &mut Builder<'_>, block: &Block, name: &str, instance: Value, x: Value) -> Result<Value, GraphError> {
    let width = b.graph.width(x);
    let below = ((width as f64 * block.float("reduction")).round() as usize).max(1);
    let mask = b.affine(&format!("{name}.mask.0"), instance, below, true)?; // [B, reduction·width]
    let mask = b.affine(&format!("{name}.mask.1"), mask, width, false)?; // [B, width]
    let masked = b.graph.multiply(&format!("{name}.masked"), mask, x)?;
    let hidden = b.project(name, masked, block.size("units"))?; // [B, units]
    let hidden = b.graph.layer_norm(&format!("{name}.norm"), hidden)?;
    b.graph.activate(&format!("{name}.activation"), hidden, Function::Relu)
}
