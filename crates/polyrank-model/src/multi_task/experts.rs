//! What the mixture-of-experts blocks share: their options, experts and gates.

use polyrank_engine::{Function, GraphError, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, OptionSpec, Preset};

use crate::build::Builder;

/// Options of every mixture-of-experts block.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        key: "experts",
        kind: OptionKind::Int { min: 2, max: 1024 },
        default: OptionDefault::Always(Literal::Int(3)),
        doc: "number of experts (E)",
    },
    OptionSpec {
        key: "expert_units",
        kind: OptionKind::Units,
        default: OptionDefault::Always(Literal::Units(&[256, 128])),
        doc: "hidden layers of each expert; empty for the input itself",
    },
    OptionSpec {
        key: "expert_last_activation",
        kind: OptionKind::Bool,
        default: OptionDefault::Always(Literal::Bool(true)),
        doc: "whether an expert's last layer has the activation",
    },
    OptionSpec {
        key: "gate_units",
        kind: OptionKind::Units,
        default: OptionDefault::ByPreset(|preset| match preset {
            Preset::Deepctr => Literal::Units(&[64]),
            _ => Literal::Units(&[]),
        }),
        doc: "hidden layers of each gate; empty for a linear gate",
    },
    OptionSpec {
        key: "gate_bias",
        kind: OptionKind::Bool,
        default: OptionDefault::Always(Literal::Bool(false)),
        doc: "whether a gate's last layer has a bias",
    },
    OptionSpec {
        key: "gate_temperature",
        kind: OptionKind::Float { min: 1e-3, max: 1e3 },
        default: OptionDefault::Always(Literal::Float(1.0)),
        doc: "what gate logits are divided by before the softmax",
    },
];

/// A gate chooses between tasks' needs: with one task there is nothing to choose.
pub(super) fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if context.tasks.len() < 2 {
        return Err(format!(
            "`{}` needs at least 2 tasks, there is {}; use `single` for one task",
            block.kind,
            context.tasks.len()
        ));
    }
    Ok(())
}

/// E experts `experts.0` … over x: `[B, expert_units.last]` each.
pub(super) fn experts(b: &mut Builder<'_>, block: &Block, x: Value) -> Result<Vec<Value>, GraphError> {
    let (units, last) = (block.units("expert_units"), block.flag("expert_last_activation"));
    (0..block.size("experts"))
        .map(|e| {
            let name = format!("experts.{e}");
            match units {
                // A value of its own an expert, so that every gate has E things to weigh.
                [] => b.graph.activate(&name, x, Function::Identity),
                _ => b.mlp_with(&name, x, units, last),
            }
        })
        .collect()
}

/// `softmax(gate(x) / τ)`, `[B, E]`, watched under `watch`.
pub(super) fn gate(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    watch: &str,
    x: Value,
    experts: usize,
) -> Result<Value, GraphError> {
    let hidden = b.mlp(name, x, block.units("gate_units"))?;
    let logits = b.output(name, hidden, experts, block.flag("gate_bias"))?; // [B, E]
    let weights = b.graph.softmax(&format!("{name}.softmax"), logits, block.float("gate_temperature"))?;
    b.graph.watch(watch, weights);
    Ok(weights)
}
