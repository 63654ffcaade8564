//! `hash_bucket`: values are spread over a fixed number of buckets, from 0, by XXH3-64 of their canonical text; a missing
//! one stays missing. Items of lists become lists of buckets.

use polyrank_schema::operator::never;
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::whole_numbers;
use crate::encode::value::Value;
use crate::error::DataError;

/// How many buckets.
pub(super) const BUCKETS: OptionSpec = OptionSpec {
    key: "buckets",
    kind: OptionKind::Int { min: 1, max: 1 << 31 },
    default: OptionDefault::Required,
    doc: "buckets that values are spread over",
};

/// Which hash.
pub(super) const SEED: OptionSpec = OptionSpec {
    key: "seed",
    kind: OptionKind::Int { min: 0, max: i64::MAX },
    default: OptionDefault::Always(Literal::Int(0)),
    doc: "seed of the hash",
};

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "hash_bucket",
            doc: "values are spread over a fixed number of buckets by a hash",
            options: &[COLUMNS, BUCKETS, SEED, INTO, SUFFIX],
            check: check_columns,
        },
        steps: each_column,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

/// Spreads values over buckets.
#[derive(Debug, Clone, Copy)]
pub(super) struct HashBucket {
    buckets: u64,
    seed: u64,
}

impl HashBucket {
    pub(super) fn new(block: &Block) -> HashBucket {
        HashBucket { buckets: block.int(BUCKETS.key).max(1) as u64, seed: block.int(SEED.key) as u64 }
    }

    pub(super) fn of(self, value: Value<'_>) -> Option<i64> {
        (value != Value::Missing).then(|| (value.hash(self.seed) % self.buckets) as i64)
    }
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(HashBucket::new(block))
}

impl Transform for HashBucket {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        Ok(Output::Columns(vec![whole_numbers(rows, 0, |value| self.of(value))?]))
    }
}
