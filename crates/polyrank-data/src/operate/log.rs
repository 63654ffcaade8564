//! `log`: ln(1 + x); of −1 and below there is none, which is an error.

use polyrank_schema::operator::never;
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::{numbers, one};
use crate::encode::column::BadCell;
use crate::error::DataError;
use crate::expression::ln_1p;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "log",
            doc: "ln(1 + x) of numbers above −1",
            options: &[COLUMNS, INTO, SUFFIX],
            check: check_columns,
        },
        steps: each_column,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

#[derive(Debug)]
struct Log;

fn new(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(Log)
}

impl Transform for Log {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let mut low = None;
        rows.numbers(0, |row, x| {
            if let Some(x) = x.filter(|x| *x <= -1.0) {
                low.get_or_insert((row, x));
            }
        })?;
        if let Some((row, x)) = low {
            let problem = format!("{x} has no ln(1 + x); clip the column at 0 first");
            return Err(BadCell { row, problem }.of(rows.name(0)));
        }
        one(numbers(rows, |x| x.map(ln_1p))?)
    }
}
