//! `fill`: a missing value becomes a constant.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array};
use polyrank_schema::operator::never;
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, renamed};
use super::output::numbers;
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "fill",
            doc: "missing numbers become a constant",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "value",
                    kind: OptionKind::Float { min: f64::MIN, max: f64::MAX },
                    default: OptionDefault::Always(Literal::Float(0.0)),
                    doc: "what a missing number becomes",
                },
                OptionSpec {
                    key: "indicator",
                    kind: OptionKind::Text,
                    default: OptionDefault::Absent,
                    doc: "also makes a column that says whether the number was missing: what its name ends in",
                },
                INTO,
                SUFFIX,
            ],
            check: check_columns,
        },
        steps,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

fn steps(block: &Block) -> Vec<Step> {
    let indicator = |column: &str| block.has("indicator").then(|| format!("{column}{}", block.text("indicator")));
    let step = |(column, made): (&String, String)| {
        Step::new(vec![column.clone()], std::iter::once(made).chain(indicator(column)).collect())
    };
    renamed(block).map(step).collect()
}

#[derive(Debug)]
struct Fill {
    value: f64,
    indicator: bool,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(Fill { value: block.float("value"), indicator: block.has("indicator") })
}

impl Transform for Fill {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let filled: Float64Array = numbers(rows, |x| Some(x.unwrap_or(self.value)))?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(filled)];
        if self.indicator {
            let mut missing = Vec::with_capacity(rows.rows());
            rows.numbers(0, |_, x| missing.push(x.is_none()))?;
            columns.push(Arc::new(BooleanArray::from(missing)));
        }
        Ok(Output::Columns(columns))
    }
}
