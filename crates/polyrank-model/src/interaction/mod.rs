//! Interactions: what happens between the features and the multi-task block. One file each, one line each below.

mod autoint;
mod dcn;
mod dcn_v2;
mod dlrm;
mod fibinet;
mod fm;
mod masknet;
mod none;
mod pnn;
mod wide;
mod xdeepfm;

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec, Preset};

use crate::build::Builder;
use crate::input::Input;

/// What an interaction makes of the features.
pub(crate) enum Interacted {
    /// Nothing: the block reads the features as they stand.
    Nothing,
    /// A logit for each task of the input's scope, in their order: `[B, 1]` each, `[B, C]` for C classes.
    Logits(Vec<Value>),
    /// A value `[B, W]`, which goes where the option [`OUTPUT`] says.
    Value(Value),
    /// Both.
    Both(Value, Vec<Value>),
}

/// An interaction: what can be configured, and how it composes ops.
struct Interaction {
    spec: BlockSpec,
    build: fn(&mut Builder<'_>, &Block, &Input) -> Result<Interacted, GraphError>,
}

macro_rules! interactions {
    ($($module:ident),* $(,)?) => {
        const ALL: &[Interaction] = &[$(Interaction { spec: $module::SPEC, build: $module::build }),*];
        /// What a configuration can name under `model.interaction`.
        pub const SPECS: &[BlockSpec] = &[$($module::SPEC),*];
    };
}

interactions! {
    none,
    wide,
    fm,
    dcn,
    dcn_v2,
    pnn,
    dlrm,
    masknet,
    fibinet,
    autoint,
    xdeepfm,
}

/// Where an interaction's value goes: the option of every interaction that makes one.
const OUTPUT: OptionSpec = OptionSpec {
    key: "output",
    kind: OptionKind::Name(&["widen", "replace", "logit"]),
    default: OptionDefault::ByPreset(|preset| match preset {
        // Beside the deep part (Wang et al. 2017, Figure 1), below it (Wang et al. 2021, Figure 1a).
        Preset::Dcn => Literal::Text("logit"),
        Preset::DcnV2 => Literal::Text("replace"),
        _ => Literal::Text("widen"),
    }),
    doc: "what reads it: the multi-task block beside the features (widen) or in their place (replace), or a linear \
          layer that adds a logit to each task (logit)",
};

/// How many layers an interaction has.
const LAYERS: OptionSpec = OptionSpec {
    key: "layers",
    kind: OptionKind::Int { min: 1, max: 64 },
    default: OptionDefault::Always(Literal::Int(3)),
    doc: "number of layers",
};

/// Pairs need two features.
fn several_features(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if context.features.len() < 2 {
        let features = context.features.len();
        return Err(format!("`{}` pairs features and there is {features}; add one or use `none`", block.kind));
    }
    Ok(())
}

/// Applies the configured interaction; gives what the multi-task block reads.
pub(crate) fn build(b: &mut Builder<'_>, input: &Input) -> Result<Value, GraphError> {
    let block = b.config.model.interaction.clone();
    let Some(found) = ALL.iter().find(|i| i.spec.name == block.kind) else {
        return Err(GraphError { block: block.kind, problem: "no interaction has this name".to_owned() });
    };
    let (value, logits) = match (found.build)(b, &block, input)? {
        Interacted::Nothing => return Ok(input.value),
        Interacted::Logits(logits) => (None, logits),
        Interacted::Value(value) => (Some(value), Vec::new()),
        Interacted::Both(value, logits) => (Some(value), logits),
    };
    let prefix = &input.scope.prefix;
    let add = |b: &mut Builder<'_>, logits: Vec<Value>| {
        input.scope.tasks.iter().zip(logits).for_each(|(&task, logit)| b.logits[task].push(logit));
    };
    add(b, logits);
    match (value, block.text(OUTPUT.key)) {
        (None, _) => Ok(input.value),
        (Some(value), "replace") => Ok(value),
        (Some(value), "logit") => {
            let logits = task_logits(b, input, value)?;
            add(b, logits);
            Ok(input.value)
        }
        (Some(value), _) => b.graph.concat(&format!("{prefix}interacted"), &[input.value, value]),
    }
}

/// A linear layer without bias from a value to the logit or logits of each task of the scope: `interaction.TASK`.
fn task_logits(b: &mut Builder<'_>, input: &Input, value: Value) -> Result<Vec<Value>, GraphError> {
    let tasks = b.tasks();
    let name = |task: &usize| format!("{}interaction.{}", input.scope.prefix, tasks[*task]);
    let outputs = |task: &usize| b.config.tasks[*task].outputs();
    let widths: Vec<usize> = input.scope.tasks.iter().map(outputs).collect();
    input.scope.tasks.iter().zip(widths).map(|(task, width)| b.project(&name(task), value, width)).collect()
}
