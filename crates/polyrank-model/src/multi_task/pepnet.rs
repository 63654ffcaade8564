//! PEPNet: prior features scale the embeddings and the hidden layers of every task (Chang et al. 2023, KDD, Section 3).
//!
//! # Equations
//! Gate NU: `δ = 2·σ( relu(x·W + b)·W' + b' )`.
//! EPNet: `O_ep = δ_domain ⊗ E`, `δ_domain = GateNU( E(domain) ⊕ ⊘(E) )`.
//! PPNet: `H_t^(l+1) = f( (δ_t^(l) ⊗ H_t^(l))·W_t^(l) + b_t^(l) )`, `δ_t^(l) = GateNU_t^(l)( E(personal) ⊕ ⊘(O_ep) )`, with
//! H_t^(1) the first hidden layer over O_ep. ⊘ stops the gradient.
//!
//! # Shapes
//! E, O_ep, δ_domain `[B, W]`; H_t^(l), δ_t^(l) `[B, units.l]`.
//!
//! # Compared with the paper
//! The prior features' embeddings are those that E has too. A gate a task and layer, each a Gate NU of its own, whose hidden
//! layer is as wide as its output unless `gate_units` says otherwise. Layers are `units`, then the towers'; all are gated.
//! Without `domain` EPNet is left out (O_ep = E), without `personal` PPNet is (δ_t = 1).

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::gate_unit::gate;
use super::{BOTTOM_UNITS, TaskOutput};
use crate::build::Builder;
use crate::input::Input;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "pepnet",
    doc: "one network a task; prior features scale embeddings and hidden layers (Chang et al. 2023)",
    options: &[
        BOTTOM_UNITS,
        OptionSpec {
            key: "domain",
            kind: OptionKind::Names,
            default: OptionDefault::Absent,
            doc: "features that scale the embeddings (EPNet), as the page or channel; none leaves EPNet out",
        },
        OptionSpec {
            key: "personal",
            kind: OptionKind::Names,
            default: OptionDefault::Absent,
            doc: "features that scale the hidden layers (PPNet), as user, item and author; none leaves PPNet out",
        },
        OptionSpec {
            key: "gate_units",
            kind: OptionKind::Int { min: 1, max: 65_536 },
            default: OptionDefault::Absent,
            doc: "width of each gate's hidden layer; as wide as what it scales unless given",
        },
    ],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    let (domain, personal) = (block.names("domain"), block.names("personal"));
    if domain.is_empty() && personal.is_empty() {
        return Err(
            "`pepnet` has no prior features; name some under `personal` (user, item), `domain` (page) or both".into()
        );
    }
    let known: Vec<&str> = context.features.iter().map(|feature| feature.name.as_str()).collect();
    for (key, names) in [("domain", domain), ("personal", personal)] {
        for (i, name) in names.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(format!("`{key}` names `{name}`, which is no feature; there are {}", known.join(", ")));
            }
            if names[..i].contains(name) {
                return Err(format!("`{key}` names `{name}` twice; once is enough"));
            }
        }
    }
    Ok(())
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let input = b.features(&b.everyone())?;
    let x = crate::interaction::build(b, &input)?; // [B, W]
    let hidden = block.has("gate_units").then(|| block.size("gate_units"));
    let domain = prior(b, &input, "epnet", block.names("domain"), x)?;
    let x = match domain {
        None => x,
        Some(prior) => {
            let width = b.graph.width(x);
            let gates = gate(b, "epnet", prior, hidden, width)?; // [B, W]
            b.graph.multiply("epnet.scaled", gates, x)?
        }
    };
    let prior = prior(b, &input, "ppnet", block.names("personal"), x)?;
    let config = b.config;
    let layers: Vec<usize> = [block.units("units"), &config.model.tower_units].concat();
    let mut outputs = Vec::new();
    for (t, task) in b.tasks().iter().enumerate() {
        let mut value = x;
        for (l, &units) in layers.iter().enumerate() {
            value = b.layer(&format!("towers.{task}.{l}"), value, units)?; // [B, units]
            if let Some(prior) = prior {
                let name = format!("ppnet.{task}.{l}");
                let gates = gate(b, &name, prior, hidden, units)?;
                value = b.graph.multiply(&format!("{name}.scaled"), gates, value)?;
            }
        }
        outputs.push(TaskOutput::Output(b.logit(&format!("towers.{task}"), t, value)?));
    }
    Ok(outputs)
}

/// What gates read: the named features beside what they scale, from which no gradient comes back; `None` for no names.
fn prior(
    b: &mut Builder<'_>,
    input: &Input,
    name: &str,
    names: &[String],
    x: Value,
) -> Result<Option<Value>, GraphError> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut parts = Vec::new();
    for wanted in names {
        let Some(field) = input.fields.iter().find(|field| field.feature == *wanted) else {
            return Err(GraphError { block: name.to_owned(), problem: format!("there is no feature `{wanted}`") });
        };
        parts.push(field.value);
    }
    parts.push(b.graph.stop_gradient(&format!("{name}.stopped"), x)?);
    b.graph.concat(&format!("{name}.prior"), &parts).map(Some)
}
