//! What operators share that scale a number by the moments of the training rows: how they are fitted, saved and applied.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use polyrank_schema::{Block, Step};

use super::input::Input;
use super::operator::{Fit, Output, Setting, Stage, Transform};
use super::output::{numbers, one};
use super::saved::{Saved, Saver};
use crate::encode::moments::Moments;
use crate::error::DataError;

/// How numbers are scaled.
pub(super) trait Scaling: Debug + Send + Sync + 'static {
    /// The function of a number, by the moments of the training rows.
    fn function(moments: &Moments) -> impl Fn(f64) -> f64;

    /// The moments that it goes by, in words.
    fn describe(moments: &Moments) -> String;
}

/// Also the fit: what is known of the numbers so far.
#[derive(Debug)]
struct ByMoments<S>(Moments, PhantomData<S>);

pub(super) fn new<S: Scaling>(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::fit(ByMoments::<S>(Moments::default(), PhantomData))
}

pub(super) fn load<S: Scaling>(_: &Block, _: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let moments: Moments = saved.json()?;
    moments.check().map_err(|problem| saved.refuse(problem))?;
    Ok(Arc::new(ByMoments::<S>(moments, PhantomData)))
}

impl<S: Scaling> Fit for ByMoments<S> {
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

impl<S: Scaling> Transform for ByMoments<S> {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let scaled = S::function(&self.0);
        one(numbers(rows, |x| x.map(&scaled))?)
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        saver.json(&self.0)
    }

    fn describe(&self) -> String {
        S::describe(&self.0)
    }
}
