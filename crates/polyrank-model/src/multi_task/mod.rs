//! Multi-task blocks: from the input to one value a task. One file each, one line each below.

mod adatt;
mod aitm;
mod cgc;
mod chain;
mod cross_stitch;
mod escm2;
mod esmm;
mod experts;
mod extraction;
mod gate;
mod gate_unit;
mod home;
mod mmoe;
mod omoe;
mod pepnet;
mod ple;
mod relations;
mod shared_bottom;
mod single;
mod snr_trans;
mod stem;

use polyrank_engine::{GraphError, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec, Preset};

pub use relations::{Relation, relations};

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
    /// The finished logit or prediction, `[B, 1]`, or `[B, C]` for C classes, of a block that has towers of its own or relates tasks' outputs.
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
    /// How tasks depend on each other, for so many of them.
    relations: fn(&Block, usize) -> Vec<Relation>,
}

macro_rules! architectures {
    ($($module:ident $(with $relations:ident)?),* $(,)?) => {
        const ALL: &[Architecture] = &[$(Architecture {
            spec: $module::SPEC,
            build: $module::build,
            relations: architectures!(@relations $module $($relations)?),
        }),*];
        /// What a configuration can name under `model.multi_task`.
        pub const SPECS: &[BlockSpec] = &[$($module::SPEC),*];
    };
    (@relations $module:ident) => { relations::none };
    (@relations $module:ident $relations:ident) => { $module::$relations };
}

// `with relations` for a block whose tasks depend on each other.
architectures! {
    single,
    shared_bottom,
    cross_stitch,
    omoe,
    mmoe,
    snr_trans,
    esmm with relations,
    aitm with relations,
    escm2 with relations,
    pepnet,
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
    default: OptionDefault::ByPreset(|preset| match preset {
        // Cheng et al. 2016, Figure 4; Wang et al. 2017, Section 4.2; Qu et al. 2016 leave widths open, as do the
        // DCN-v2 defaults here; Zhou et al. 2018 and 2019, Figure 2.
        Preset::WideDeep => Literal::Units(&[1024, 512, 256]),
        Preset::Dcn => Literal::Units(&[1024, 1024]),
        Preset::DcnV2 | Preset::Pnn => Literal::Units(&[512, 256]),
        Preset::Din | Preset::Dien => Literal::Units(&[200, 80]),
        _ => Literal::Units(&[256, 128]),
    }),
    doc: "hidden layers below the towers; empty for none",
};
