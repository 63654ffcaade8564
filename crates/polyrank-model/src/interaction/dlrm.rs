//! DLRM: numbers through a bottom MLP, then inner products of all pairs of vectors (Naumov et al. 2019, Section 2).
//!
//! # Equations
//! `z_0 = bottom(numbers)`, z_i the embedding of feature i; the value is `[z_0, ⟨z_i, z_j⟩ for i < j]`.
//!
//! # Shapes
//! z_i `[B, D]`, F + 1 of them; value `[B, D + F·(F + 1)/2]`.
//!
//! # Compared with the paper
//! The paper's top MLP reads the value alone, which is `output = "replace"`. `self_products = true` adds ⟨z_i, z_i⟩,
//! which the authors' code has as an option. Without numbers there is no z_0. Embeddings of another dimension than the
//! largest are projected to it.

use polyrank_engine::{GraphError, Value};
use polyrank_schema::config::FeatureKind;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{Interacted, OUTPUT, several_features};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "dlrm",
    doc: "a bottom MLP over the numbers, then inner products of all pairs (Naumov et al. 2019)",
    options: &[
        OptionSpec {
            key: "units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[512, 256])),
            doc: "hidden layers of the bottom MLP, before its last one of the embeddings' dimension",
        },
        OptionSpec {
            key: "self_products",
            kind: OptionKind::Bool,
            default: OptionDefault::Always(Literal::Bool(false)),
            doc: "whether a vector's inner product with itself is among them",
        },
        OUTPUT,
    ],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    several_features(block, context)?;
    let embedded = |kind: &FeatureKind| match kind {
        FeatureKind::Categorical { .. } | FeatureKind::Bucketized { .. } => true,
        FeatureKind::Dense { embedding, .. } => embedding.is_some(),
        FeatureKind::Vector { .. } => false,
    };
    if context.features.iter().any(|feature| embedded(&feature.kind)) {
        return Ok(());
    }
    Err("`dlrm` pairs embeddings and there is no categorical feature; use `pnn` for numbers alone".to_owned())
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block, input: &Input) -> Result<Interacted, GraphError> {
    let name = format!("{}dlrm", input.scope.prefix);
    let numbers: Vec<Value> = input.fields.iter().filter(|field| !field.embedding).map(|field| field.value).collect();
    let mut embeddings = input.clone();
    embeddings.fields.retain(|field| field.embedding);
    let mut vectors = b.equal_fields(&embeddings)?; // F × [B, D]
    let mut parts = Vec::new();
    if let (false, Some(first)) = (numbers.is_empty(), vectors.first()) {
        let units = [block.units("units"), &[b.graph.width(*first)]].concat();
        let numbers = b.graph.concat(&format!("{name}.numbers"), &numbers)?;
        let bottom = b.mlp(&name, numbers, &units)?; // [B, D]
        vectors.insert(0, bottom);
        parts.push(bottom);
    }
    parts.push(b.graph.pairs(&format!("{name}.pairs"), &vectors, block.flag("self_products"))?);
    Ok(Interacted::Value(b.graph.concat(&format!("{name}.value"), &parts)?))
}
