//! `hashed_cross`: the values of several columns together are spread over a fixed number of buckets, from 0, by XXH3-64
//! of their combined text; where all are missing, so is the bucket.

use arrow_array::Int64Array;
use polyrank_schema::operator::never;
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::combine::{NAME, TOGETHER, check_together, combined, together};
use super::hash_bucket::{BUCKETS, HashBucket, SEED};
use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::output::one;
use crate::encode::value::Value;
use crate::error::DataError;

/// Between the values of a combination. Part of the bundle format.
const SEPARATOR: char = '_';

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "hashed_cross",
            doc: "combinations of several columns' values are spread over a fixed number of buckets by a hash",
            options: &[TOGETHER, NAME, BUCKETS, SEED],
            check: check_together,
        },
        steps: together,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

#[derive(Debug)]
struct HashedCross(HashBucket);

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(HashedCross(HashBucket::new(block)))
}

impl Transform for HashedCross {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let texts = combined(rows, SEPARATOR)?;
        one(texts.iter().map(|text| self.0.of(Value::Text(text.as_deref()?))).collect::<Int64Array>())
    }
}
