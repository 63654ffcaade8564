//! `filter`: rows for which an expression does not hold, or is unknown, are left out of training and evaluation.

use polyrank_schema::expression::Expression;
use polyrank_schema::operator::{Effect, never};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::expression::{EXPRESSION, read};
use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform, problem};
use crate::error::DataError;
use crate::expression::holds;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "filter",
            doc: "only rows for which an expression holds are kept, except by `predict`",
            options: &[EXPRESSION],
            check: |block, _| read(block).map(|_| ()),
        },
        steps: |block| {
            let reads = read(block).map(|expression| expression.columns().to_vec()).unwrap_or_default();
            vec![Step { reads, effect: Effect::Rows, ..Step::default() }]
        },
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

#[derive(Debug)]
struct Filter(Expression);

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(Filter(read(block).map_err(|fault| problem(block, fault))?))
}

impl Transform for Filter {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let holds = holds(&self.0, &rows.batch()?)?;
        Ok(Output::Rows(holds.into_iter().map(|holds| holds == Some(true)).collect()))
    }
}
