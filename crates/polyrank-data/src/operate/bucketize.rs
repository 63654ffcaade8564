//! `bucketize`: the number of boundaries that are ≤ x, from 0; a missing number stays missing.

use std::sync::Arc;

use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform, problem};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::one;
use super::saved::{Saved, Saver};
use crate::encode::bucketize::{self, BucketizeFit, Buckets};
use crate::error::DataError;
use arrow_array::Int64Array;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "bucketize",
            doc: "the number of the bucket that a number falls in, from 0",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "boundaries",
                    kind: OptionKind::Rising,
                    default: OptionDefault::Absent,
                    doc: "where buckets begin; numbers below the first boundary are in bucket 0",
                },
                OptionSpec {
                    key: "quantiles",
                    kind: OptionKind::Int { min: 2, max: 1 << 16 },
                    default: OptionDefault::Absent,
                    doc: "so many buckets with equal shares of the training rows, as far as equal numbers allow",
                },
                INTO,
                SUFFIX,
            ],
            check,
        },
        steps: each_column,
        fits: |block| block.has("quantiles"),
        hides_labels: never,
    },
    new,
    load: Some(load),
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    (bucketize::SPEC.check)(block, context)?;
    check_columns(block, context)
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    match BucketizeFit::new(block).map_err(|fault| problem(block, fault))? {
        BucketizeFit::Boundaries(buckets) => Stage::ready(Bucketize(buckets)),
        fit => Stage::fit(Quantiles { block: block.clone(), fit }),
    }
}

fn load(block: &Block, _: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let buckets = Buckets::restore(block, saved.json()?).map_err(|fault| saved.refuse(fault))?;
    Ok(Arc::new(Bucketize(buckets)))
}

#[derive(Debug)]
struct Quantiles {
    block: Block,
    fit: BucketizeFit,
}

impl Fit for Quantiles {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        rows.numbers(0, |_, x| x.into_iter().for_each(|x| self.fit.observe(x)))
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.fit.merge(other.fit);
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        let buckets = self.fit.finish().map_err(|fault| problem(&self.block, fault))?;
        Ok(Arc::new(Bucketize(buckets)))
    }
}

#[derive(Debug)]
struct Bucketize(Buckets);

impl Transform for Bucketize {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let mut out = Vec::with_capacity(rows.rows());
        rows.numbers(0, |_, x| out.push(x.map(|x| self.0.bucket(x) as i64)))?;
        one(Int64Array::from(out))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        saver.json(&self.0.boundaries())
    }

    fn describe(&self) -> String {
        format!("{} buckets", self.0.cardinality())
    }
}
