//! FiBiNET: fields weighed by a squeeze-and-excitation network, and bilinear products of all pairs (Huang et al. 2019).
//!
//! # Equations
//! `z_i = mean(e_i)`, `a = relu(W_2·relu(W_1·z))`, `v_i = a_i·e_i` (SENET layer, Section 3.2)
//!
//! For i < j `p_ij = (e_i·W) ⊙ e_j` (`all`), `(e_i·W_i) ⊙ e_j` (`each`) or `(e_i·W_ij) ⊙ e_j` (`interaction`), and q_ij
//! the same of v (Section 3.3). The value is `[p, q]` (Section 3.4).
//!
//! # Shapes
//! e_i `[B, D]`, F of them; W_1 `[F, F/reduction]`, W_2 `[F/reduction, F]`; p and q `[B, F·(F − 1)/2·D]`.
//!
//! # Compared with the paper
//! p and q have matrices of their own; the paper does not say whether they share. Features of another dimension than
//! the largest are projected to it. The paper's deep network reads the value alone, which is `output = "replace"`.

use polyrank_engine::{Along, Collecting, Function, GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, OUTPUT, several_features};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "fibinet",
    doc: "squeeze-and-excitation of fields and bilinear products of pairs (FiBiNET, Huang et al. 2019)",
    options: &[
        OptionSpec {
            key: "bilinear",
            kind: OptionKind::Name(&["all", "each", "interaction"]),
            default: OptionDefault::Always(Literal::Text("interaction")),
            doc: "one matrix for all pairs, one for each field or one for each pair",
        },
        OptionSpec {
            key: "reduction",
            kind: OptionKind::Int { min: 1, max: 1024 },
            default: OptionDefault::Always(Literal::Int(3)),
            doc: "how many times narrower than the number of fields the hidden layer of their weights is",
        },
        OUTPUT,
    ],
    check: several_features,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let name = format!("{}fibinet", input.scope.prefix);
    let fields = b.equal_fields(input)?; // F × [B, D]
    let weights = excitation(b, block, &name, input, &fields)?; // F × [B, 1]
    let mut weighed = Vec::new();
    for ((field, value), weight) in input.fields.iter().zip(&fields).zip(weights) {
        weighed.push(b.graph.multiply(&format!("{name}.weighed.{}", field.feature), weight, *value)?);
    }
    let mut products = Vec::new();
    for (part, fields) in [("p", &fields), ("q", &weighed)] {
        products.push(bilinear(b, block, &format!("{name}.{part}"), input, fields)?);
    }
    Ok(Interacted::Value(b.graph.concat(&name, &products)?))
}

/// The weight of each field, F × `[B, 1]`: W_2 is a column a field, `NAME.weights.FEATURE`.
fn excitation(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    input: &Input,
    fields: &[Value],
) -> Result<Vec<Value>, GraphError> {
    let dim = b.graph.width(fields[0]);
    let all = b.graph.concat(&format!("{name}.fields"), fields)?; // [B, F·D]
    let all = b.graph.fold(&format!("{name}.dimensions"), all, dim, Along::Dimensions)?; // [B·D, F]
    let means = b.graph.collect(&format!("{name}.means"), all, Collecting::Mean)?; // [B, F]
    let hidden = b.project(&format!("{name}.squeeze"), means, (fields.len() / block.size("reduction")).max(1))?;
    let hidden = b.graph.activate(&format!("{name}.squeeze.activation"), hidden, Function::Relu)?;
    let mut weights = Vec::new();
    for field in &input.fields {
        let name = format!("{name}.weights.{}", field.feature);
        let weight = b.project(&name, hidden, 1)?;
        weights.push(b.graph.activate(&format!("{name}.activation"), weight, Function::Relu)?);
    }
    Ok(weights)
}

/// The bilinear products of all pairs of fields, `[B, F·(F − 1)/2·D]`.
fn bilinear(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    input: &Input,
    fields: &[Value],
) -> Result<Value, GraphError> {
    // A pair is one of the first F − 1 fields with one of the last F − 1, which are as many.
    let (pairs, dim) = (fields.len() - 1, b.graph.width(fields[0]));
    let (left, right) = (&fields[..pairs], &fields[1..]);
    let mapped = if block.text("bilinear") == "all" {
        let left = b.graph.concat(&format!("{name}.left"), left)?;
        let left = b.graph.fold(&format!("{name}.left.fields"), left, pairs, Along::Fields)?; // [B·(F − 1), D]
        let mapped = b.project(name, left, dim)?;
        b.graph.unfold(&format!("{name}.mapped"), mapped, Along::Fields)?
    } else {
        let each = block.text("bilinear") == "each";
        let mut maps = Vec::new();
        for (i, (field, value)) in input.fields.iter().zip(left).enumerate() {
            // All W_ij of a field i side by side are one matrix.
            let units = if each { dim } else { (pairs - i) * dim };
            maps.push(b.project(&format!("{name}.{}", field.feature), *value, units)?);
        }
        b.graph.concat(&format!("{name}.mapped"), &maps)?
    };
    let right = b.graph.concat(&format!("{name}.right"), right)?; // [B, (F − 1)·D]
    b.graph.pair_products(&format!("{name}.products"), mapped, right, pairs)
}
