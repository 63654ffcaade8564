//! `one_hot`: for each of some values a column that is 1 where the row has it (of lists: among its items), else 0.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, check_columns};
use crate::encode::value::Value;
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "one_hot",
            doc: "for each of some values a column COLUMN_VALUE that is 1 where a row has it, else 0",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "values",
                    kind: OptionKind::Values,
                    default: OptionDefault::Required,
                    doc: "the values, up to 1000; of all others a row has none",
                },
            ],
            check,
        },
        steps,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

/// Values that one column is spread over.
const MOST: usize = 1000;

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if block.names("values").len() > MOST {
        return Err(format!("more than {MOST} `values`; use `categorify`, or a categorical feature"));
    }
    check_columns(block, context)
}

fn steps(block: &Block) -> Vec<Step> {
    let made = |column: &String| block.names("values").iter().map(|value| format!("{column}_{value}")).collect();
    block.names("columns").iter().map(|column| Step::new(vec![column.clone()], made(column))).collect()
}

#[derive(Debug)]
struct OneHot {
    values: Vec<String>,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(OneHot { values: block.names("values").to_vec() })
}

impl Transform for OneHot {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let values: Vec<Value<'_>> = self.values.iter().map(|value| Value::from_text(value)).collect();
        let mut columns = vec![vec![0i64; rows.rows()]; values.len()];
        rows.values(0, |row, value| {
            if let Some(at) = values.iter().position(|known| *known == value) {
                columns[at][row] = 1;
            }
            Ok(())
        })?;
        Ok(Output::Columns(columns.into_iter().map(|column| Arc::new(Int64Array::from(column)) as ArrayRef).collect()))
    }
}
