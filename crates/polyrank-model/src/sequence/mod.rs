//! Sequence encoders: from a history and the candidate that it is compared with to a vector. One file each, one line each
//! below.

mod bst;
mod dien;
mod din;

use polyrank_engine::{GraphError, Pooling, Space, Table, Value};
use polyrank_schema::config::{FeatureKind, List};
use polyrank_schema::spec::{OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use crate::build::Builder;

/// A history as an encoder reads it.
pub(crate) struct Sequence {
    /// Starts the names of its values and layers.
    name: String,
    /// The embedding of every value of the history, the oldest first, `[list, D]`.
    list: Value,
    /// The candidate's embedding in the same table, `[B, D]`.
    target: Value,
    /// Their table.
    table: Table,
}

/// A sequence encoder: what can be configured, and how it composes ops.
struct SequenceEncoder {
    spec: BlockSpec,
    build: fn(&mut Builder<'_>, &Block, &Sequence) -> Result<Value, GraphError>,
}

macro_rules! sequences {
    ($($module:ident),* $(,)?) => {
        const ALL: &[SequenceEncoder] = &[$(SequenceEncoder { spec: $module::SPEC, build: $module::build }),*];
        /// What a configuration can name under a list's `combiner`, besides the poolings.
        pub const SPECS: &[BlockSpec] = &[$($module::SPEC),*];
    };
}

sequences! {
    din,
    dien,
    bst,
}

/// The feature that a history is compared with: the option of every encoder.
const TARGET: OptionSpec = OptionSpec {
    key: "target",
    kind: OptionKind::Text,
    default: OptionDefault::Required,
    doc: "the feature with the candidate's value, in the list's table",
};

/// What the encoder of a slot makes of it, `[B, width]`; its parameters' names start with `sequences.FEATURE`.
pub(crate) fn build(
    b: &mut Builder<'_>,
    block: &Block,
    prefix: &str,
    slot: usize,
    tables: &[Table],
) -> Result<Value, GraphError> {
    let layout = b.layout;
    let own = &layout.slots[slot];
    let name = format!("{prefix}sequences.{}", own.feature);
    let fail = |problem: String| Err(GraphError { block: name.clone(), problem });
    let Some(found) = ALL.iter().find(|s| s.spec.name == block.kind) else {
        return fail(format!("no sequence encoder has the name {}", block.kind));
    };
    let max_length = b.config.features.iter().find_map(|feature| match &feature.kind {
        FeatureKind::Categorical { list: Some(List { max_length, .. }), .. } if feature.name == own.feature => {
            *max_length
        }
        _ => None,
    });
    let Some(most) = max_length else {
        return fail("needs `max_length`".to_owned());
    };
    let target = block.text(TARGET.key);
    let Some(at) = layout.slots.iter().position(|s| s.feature == target && s.combiner.is_none()) else {
        return fail(format!("there is no feature \"{target}\" with one value a row"));
    };
    if layout.slots[at].table != own.table {
        return fail(format!("\"{target}\" has another table"));
    }
    let table = tables[own.table];
    let list = b.graph.lookup_each(&format!("{name}.list"), slot, table, Space::List { slot, most, extra: 0 })?;
    let target = b.graph.lookup(&format!("{name}.target"), at, table, Pooling::One)?;
    (found.build)(b, block, &Sequence { name, list, target, table })
}
