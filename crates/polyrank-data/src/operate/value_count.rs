//! `value_count`: how many items a list has; of a column without lists 1, or 0 where the value is missing.

use arrow_array::{Array, Int64Array};
use polyrank_schema::operator::never;
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::{Input, is_list};
use super::list_slice::spans;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::one;
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "value_count",
            doc: "how many items a list has",
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
struct ValueCount;

fn new(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(ValueCount)
}

impl Transform for ValueCount {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        if is_list(rows.read(0)) {
            let (spans, _) = spans(rows.read(0));
            return one(Int64Array::from_iter_values(spans.into_iter().map(|span| span.len() as i64)));
        }
        let mut counts = vec![0i64; rows.read(0).len()];
        rows.values(0, |row, _| {
            counts[row] = 1;
            Ok(())
        })?;
        one(Int64Array::from(counts))
    }
}
