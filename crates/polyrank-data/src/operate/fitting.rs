//! Fitting operators: as many passes over the training rows as there are levels of operators that need others first.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::RecordBatch;
use polyrank_schema::flow::{Demand, trace};
use polyrank_schema::operator::Effect;
use polyrank_schema::{Config, Step};
use rayon::prelude::*;

use super::applied::{Applied, Operators, Prepared, operator, unfitted};
use super::frame::{Frame, of_raw_row};
use super::input::{Input, Phase};
use super::operator::{AnyFit, Setting, Stage, problem};
use crate::error::DataError;

/// Operators that are being fitted.
#[derive(Debug)]
pub(crate) struct Fitting {
    config: Config,
    steps: Vec<Applied>,
    /// The fits of steps that are not fitted yet.
    fits: Vec<Option<Box<dyn AnyFit>>>,
    /// For each step whether it decides something that is fitted, and the pass in which it is, or can first be applied.
    levels: Vec<Option<usize>>,
    /// The pass that is going on, from 0, and the last one.
    pass: usize,
    last: usize,
    /// For each step whether it is applied or fitted in this pass.
    uses: Vec<bool>,
}

impl Fitting {
    pub(crate) fn new(config: &Config, base: &Path) -> Result<Fitting, DataError> {
        let mut steps = unfitted(config);
        let setting = Setting { base, reading: &config.data.reading, tasks: &config.tasks };
        let needed = config.trace_fitted().uses;
        let mut fits = Vec::with_capacity(steps.len());
        for (applied, needed) in steps.iter_mut().zip(&needed) {
            let mut fit = None;
            if *needed {
                let operator = operator(&applied.block)?;
                match (operator.new)(&applied.block, &applied.step, &setting)? {
                    Stage::Fit(unfitted) => fit = Some(unfitted),
                    Stage::Ready(transform) => applied.transform = Some(transform),
                }
                if fit.is_some() != (operator.spec.fits)(&applied.block) {
                    return Err(problem(&applied.block, "is not fitted as its specification says"));
                }
            }
            fits.push(fit);
        }
        let (levels, last) = levels(config, &needed, &fits);
        let mut fitting = Fitting { config: config.clone(), steps, fits, levels, pass: 0, last, uses: Vec::new() };
        fitting.uses = fitting.uses();
        Ok(fitting)
    }

    /// Whether the pass that is going on is the last: encoders see its rows.
    pub(crate) fn is_last(&self) -> bool {
        self.pass == self.last
    }

    /// What is applied and fitted in this pass.
    fn uses(&self) -> Vec<bool> {
        let steps: Vec<&Step> = self.steps.iter().map(|applied| &applied.step).collect();
        let wanted = if self.is_last() { self.config.final_columns(false) } else { Vec::new() };
        let demand = |i: usize| match (self.levels[i], &self.fits[i]) {
            (Some(level), Some(_)) if level == self.pass => Demand::Fit,
            (Some(level), None) if level <= self.pass => match steps[i].effect {
                Effect::Columns => Demand::Apply,
                Effect::Rows => Demand::Always,
                Effect::Features => Demand::Never,
            },
            _ => Demand::Never,
        };
        trace(&steps, wanted, demand).uses
    }

    /// Takes in training rows, of which the first has the number `first_row`; gives them as encoders see them.
    pub(crate) fn observe(&mut self, batch: &RecordBatch, first_row: u64) -> Result<Prepared, DataError> {
        let mut frame = Frame::new(batch, Phase::Training { first_row });
        // Steps that are fitted in one pass do not read each other's columns, but rows may be removed between them.
        let mut waiting: Vec<usize> = Vec::new();
        for i in 0..self.steps.len() {
            if !self.uses[i] {
                continue;
            }
            if self.fits[i].is_some() {
                waiting.push(i);
                continue;
            }
            if !waiting.is_empty() && self.disturbs(i, &waiting) {
                self.fit(&frame, &std::mem::take(&mut waiting))?;
            }
            self.steps[i].apply(&mut frame)?;
        }
        self.fit(&frame, &waiting)?;
        frame.finish().map(|(batch, origin)| Prepared { batch, origin })
    }

    /// Whether applying a step changes what others see that came before it.
    fn disturbs(&self, i: usize, waiting: &[usize]) -> bool {
        let step = &self.steps[i].step;
        let changes = |column: &String| step.writes.contains(column) || step.drops.contains(column);
        let sees = |other: &Step| other.reads.iter().chain(&other.fits_on).any(changes);
        step.effect == Effect::Rows || waiting.iter().any(|other| sees(&self.steps[*other].step))
    }

    /// Fits steps on rows, on all threads.
    fn fit(&mut self, frame: &Frame, which: &[usize]) -> Result<(), DataError> {
        let mut fits: Vec<(&Step, &mut Box<dyn AnyFit>)> = Vec::new();
        for (i, fit) in self.fits.iter_mut().enumerate().filter(|(i, _)| which.contains(i)) {
            fits.extend(fit.as_mut().map(|fit| (&self.steps[i].step, fit)));
        }
        let observe = |(step, fit): (&Step, &mut Box<dyn AnyFit>)| {
            let input = Input::new(frame, step, true)?;
            fit.observe(&input).map_err(|error| of_raw_row(error, frame.origin()))
        };
        let results: Vec<Result<(), DataError>> = fits.into_par_iter().map(observe).collect();
        // The first in declared order, whichever thread was faster.
        results.into_iter().collect()
    }

    /// Takes in what another fitting of the same configuration has seen in the same pass, as if its rows came after.
    pub(crate) fn merge(&mut self, other: Fitting) -> Result<(), DataError> {
        if self.config.operators != other.config.operators || self.pass != other.pass {
            let problem = "fits of different operators or passes cannot be merged";
            return Err(DataError::Empty(problem.to_owned()));
        }
        for (fit, other) in self.fits.iter_mut().zip(other.fits) {
            if let (Some(fit), Some(other)) = (fit, other) {
                fit.merge(other)?;
            }
        }
        Ok(())
    }

    /// Ends a pass; whether another one follows.
    pub(crate) fn next_pass(&mut self) -> Result<bool, DataError> {
        self.finish_pass()?;
        if self.is_last() {
            return Ok(false);
        }
        self.pass += 1;
        self.uses = self.uses();
        Ok(true)
    }

    fn finish_pass(&mut self) -> Result<(), DataError> {
        for ((applied, fit), level) in self.steps.iter_mut().zip(&mut self.fits).zip(&self.levels) {
            if *level == Some(self.pass)
                && let Some(fit) = fit.take()
            {
                applied.transform = Some(fit.finish()?);
            }
        }
        Ok(())
    }

    /// The fitted operators.
    pub(crate) fn finish(mut self) -> Result<Operators, DataError> {
        if !self.is_last() {
            let more = self.last - self.pass;
            return Err(DataError::Empty(format!("operators need {more} more passes over the training rows")));
        }
        self.finish_pass()?;
        Ok(Operators::new(&self.config, self.steps))
    }
}

/// The pass in which each needed step is fitted or can first be applied, and the last pass.
fn levels(config: &Config, needed: &[bool], fits: &[Option<Box<dyn AnyFit>>]) -> (Vec<Option<usize>>, usize) {
    // From which pass on a column is there, and from which pass on the rows are those that are kept.
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut rows, mut last) = (0, 0);
    let mut levels = Vec::with_capacity(needed.len());
    for (i, (_, step)) in config.steps().enumerate() {
        if !needed[i] {
            levels.push(None);
            continue;
        }
        let fitted = fits[i].is_some();
        let fits_on = step.fits_on.iter().filter(|_| fitted);
        let inputs = step.reads.iter().chain(fits_on).filter_map(|column| there.get(column.as_str()));
        let level = inputs.copied().max().unwrap_or(0).max(rows);
        let after = level + usize::from(fitted);
        if fitted {
            last = last.max(level);
        }
        if step.effect == Effect::Rows {
            rows = after;
        }
        there.extend(step.writes.iter().map(|column| (column.as_str(), after)));
        levels.push(Some(level));
    }
    let features = config.final_columns(false);
    let encoders = features.iter().filter_map(|column| there.get(column)).copied().max().unwrap_or(0).max(rows);
    (levels, last.max(encoders))
}
