//! `min_max`: the range of the training rows becomes 0 to 1, and numbers outside are clipped to it; a constant column gives
//! 0, and a missing number stays missing.

use std::sync::Arc;

use polyrank_schema::operator::{always, never};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::{numbers, one};
use super::saved::{Saved, Saver};
use crate::encode::moments::Moments;
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "min_max",
            doc: "the range of the training rows becomes 0 to 1",
            options: &[COLUMNS, INTO, SUFFIX],
            check: check_columns,
        },
        steps: each_column,
        fits: always,
        hides_labels: never,
    },
    new,
    load: Some(load),
};

/// Also the fit: what is known of the numbers so far.
#[derive(Debug)]
struct MinMax(Moments);

fn new(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::fit(MinMax(Moments::default()))
}

fn load(_: &Block, _: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let moments: Moments = saved.json()?;
    moments.check().map_err(|problem| saved.refuse(problem))?;
    Ok(Arc::new(MinMax(moments)))
}

impl Fit for MinMax {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        rows.numbers(0, |_, x| x.into_iter().for_each(|x| self.0.observe(x)))
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.0.merge(&other.0);
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        Ok(Arc::new(self))
    }
}

impl Transform for MinMax {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let Moments { min, max, .. } = self.0;
        let scaled = |x: f64| if max > min { ((x - min) / (max - min)).clamp(0.0, 1.0) } else { 0.0 };
        one(numbers(rows, |x| x.map(scaled))?)
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        saver.json(&self.0)
    }

    fn describe(&self) -> String {
        format!("from {} to {}", self.0.min, self.0.max)
    }
}
