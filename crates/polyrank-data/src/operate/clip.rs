//! `clip`: numbers below a minimum become it, those above a maximum become that; a missing one stays missing.

use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::{numbers, one};
use crate::error::DataError;

const BOUND: OptionKind = OptionKind::Float { min: f64::MIN, max: f64::MAX };

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "clip",
            doc: "numbers outside a range become its nearer end",
            options: &[
                COLUMNS,
                OptionSpec { key: "min", kind: BOUND, default: OptionDefault::Absent, doc: "the smallest number" },
                OptionSpec { key: "max", kind: BOUND, default: OptionDefault::Absent, doc: "the largest number" },
                INTO,
                SUFFIX,
            ],
            check,
        },
        steps: each_column,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    match (block.has("min"), block.has("max")) {
        (false, false) => Err("give `min`, `max` or both".to_owned()),
        (true, true) if block.float("min") > block.float("max") => Err("`min` is above `max`".to_owned()),
        _ => check_columns(block, context),
    }
}

#[derive(Debug)]
struct Clip {
    min: f64,
    max: f64,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let bound = |key, none| if block.has(key) { block.float(key) } else { none };
    Stage::ready(Clip { min: bound("min", f64::MIN), max: bound("max", f64::MAX) })
}

impl Transform for Clip {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        one(numbers(rows, |x| x.map(|x| x.max(self.min).min(self.max)))?)
    }
}
