//! `normalise`: (x − mean) / population standard deviation over the training rows; a constant column gives 0, and a
//! missing number stays missing.

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
            name: "normalise",
            doc: "mean 0 and standard deviation 1 over the training rows",
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
struct Normalise(Moments);

fn new(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::fit(Normalise(Moments::default()))
}

fn load(_: &Block, _: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let moments: Moments = saved.json()?;
    moments.check().map_err(|problem| saved.refuse(problem))?;
    Ok(Arc::new(Normalise(moments)))
}

impl Fit for Normalise {
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

impl Transform for Normalise {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let (mean, std) = (self.0.mean, self.0.std());
        // Later readers take what a 32-bit float holds; a tiny deviation must not make more of a number.
        let limit = f64::from(f32::MAX);
        let scaled = |x: f64| if std > 0.0 { ((x - mean) / std).clamp(-limit, limit) } else { 0.0 };
        one(numbers(rows, |x| x.map(scaled))?)
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        saver.json(&self.0)
    }

    fn describe(&self) -> String {
        format!("mean {}, standard deviation {}", self.0.mean, self.0.std())
    }
}
