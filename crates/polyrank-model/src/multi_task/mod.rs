//! Multi-task blocks: from the input to one value a task. One file each, one line each below.

mod adatt;
mod cgc;
mod experts;
mod extraction;
mod gate;
mod home;
mod mmoe;
mod omoe;
mod ple;
mod shared_bottom;
mod single;
mod stem;

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use crate::build::Builder;

/// What a block gives for a task.
pub enum TaskOutput {
    /// What the task's tower reads.
    Hidden {
        /// `[B, width]`.
        value: Value,
        /// Starts the names of the task's tower; not empty if the task shares nothing with others.
        prefix: String,
    },
    /// The finished logit or prediction, `[B, 1]`, of a block that has towers of its own or relates tasks' outputs.
    Output(Value),
}

impl From<Value> for TaskOutput {
    fn from(value: Value) -> TaskOutput {
        TaskOutput::Hidden { value, prefix: String::new() }
    }
}

/// A multi-task block: what can be configured, and how it composes ops.
pub(crate) struct Architecture {
    spec: BlockSpec,
    pub(crate) build: fn(&mut Builder<'_>, &Block) -> Result<Vec<TaskOutput>, GraphError>,
}

macro_rules! architectures {
    ($($module:ident),* $(,)?) => {
        const ALL: &[Architecture] = &[$(Architecture { spec: $module::SPEC, build: $module::build }),*];
        /// What a configuration can name under `model.multi_task`.
        pub const SPECS: &[BlockSpec] = &[$($module::SPEC),*];
    };
}

architectures! {
    single,
    shared_bottom,
    omoe,
    mmoe,
    cgc,
    ple,
    adatt,
    stem,
    home,
}

/// The architecture of a name.
pub(crate) fn find(name: &str) -> Result<&'static Architecture, GraphError> {
    ALL.iter()
        .find(|a| a.spec.name == name)
        .ok_or_else(|| GraphError { block: name.to_owned(), problem: "no multi-task block has this name".to_owned() })
}

/// Hidden layers that all tasks, or one task, read the input through.
const BOTTOM_UNITS: OptionSpec = OptionSpec {
    key: "units",
    kind: OptionKind::Units,
    default: OptionDefault::Always(Literal::Units(&[256, 128])),
    doc: "hidden layers below the towers; empty for none",
};
