//! Fitted operators, applied in order.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use polyrank_schema::config::Reading;
use polyrank_schema::flow::{Demand, trace};
use polyrank_schema::operator::Effect;
use polyrank_schema::{Block, Config, Step};

use super::find;
use super::frame::{Frame, of_raw_row};
use super::input::{Input, Phase};
use super::operator::{Operator, Setting, Stage, Transform, problem};
use super::saved::{Saved, Saver};
use crate::encode::Labels;
use crate::error::DataError;

/// The fitted operators of a configuration.
#[derive(Debug, Default)]
pub struct Operators {
    steps: Vec<Applied>,
    /// For each step whether features are made of what it makes.
    scored: Vec<bool>,
    /// For each step whether it is applied to rows with labels.
    labelled: Vec<bool>,
}

/// A step of an operator, fitted if anything needs it.
#[derive(Debug)]
pub(super) struct Applied {
    /// What the configuration calls the operator.
    pub(super) operator: String,
    pub(super) block: Block,
    pub(super) step: Step,
    pub(super) transform: Option<Arc<dyn Transform>>,
}

/// What fitting found out about a step of an operator, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSummary {
    /// What the configuration calls the operator.
    pub operator: String,
    /// The columns that it reads or is fitted on.
    pub reads: Vec<String>,
    /// The columns that it makes.
    pub writes: Vec<String>,
    /// What was fitted, in words; empty if nothing was.
    pub fitted: String,
    /// Whether features, tasks or the choice of rows depend on it.
    pub used: bool,
}

/// Rows after the operators.
pub(crate) struct Prepared {
    /// The columns, those that no operator touched too.
    pub(crate) batch: RecordBatch,
    /// The raw row of each row; `None` if no row was removed.
    pub(super) origin: Option<Vec<usize>>,
}

impl Prepared {
    /// An error of these rows as one of the raw rows.
    pub(crate) fn of_raw_row(&self, error: DataError) -> DataError {
        of_raw_row(error, self.origin.as_deref())
    }
}

impl Operators {
    pub(super) fn new(config: &Config, steps: Vec<Applied>) -> Operators {
        let (scored, labelled) = (config.trace_applied(false).uses, config.trace_applied(true).uses);
        Operators { steps, scored, labelled }
    }

    /// Applies the operators to raw rows. Without labels no row is removed, and only what features need is done.
    pub(crate) fn apply(&self, batch: &RecordBatch, labels: Labels, phase: Phase) -> Result<Prepared, DataError> {
        let used = if labels == Labels::Read { &self.labelled } else { &self.scored };
        if !used.contains(&true) {
            return Ok(Prepared { batch: batch.clone(), origin: None });
        }
        let mut frame = Frame::new(batch, phase);
        for (applied, _) in self.steps.iter().zip(used).filter(|(_, used)| **used) {
            applied.apply(&mut frame)?;
        }
        let (batch, origin) = frame.finish()?;
        Ok(Prepared { batch, origin })
    }

    /// The columns whose features were found to be of no use.
    pub(crate) fn omitted(&self) -> BTreeSet<&str> {
        let omits = |applied: &&Applied| applied.transform.as_ref().is_some_and(|transform| transform.omits());
        let columns = self.steps.iter().filter(omits).flat_map(|applied| &applied.step.fits_on);
        columns.map(String::as_str).collect()
    }

    /// One summary a step, in order.
    pub fn describe(&self) -> Vec<OperatorSummary> {
        let summary = |(i, applied): (usize, &Applied)| OperatorSummary {
            operator: applied.operator.clone(),
            reads: applied.step.reads.iter().chain(&applied.step.fits_on).cloned().collect(),
            writes: applied.step.writes.clone(),
            fitted: applied.transform.as_ref().map_or(String::new(), |transform| transform.describe()),
            used: self.kept(i),
        };
        self.steps.iter().enumerate().map(summary).collect()
    }

    /// Whether a step is needed once fitting is done.
    fn kept(&self, i: usize) -> bool {
        self.labelled[i] || self.steps[i].step.effect == Effect::Features
    }

    /// Writes what was fitted into a folder that exists; gives the files' names.
    pub(crate) fn save(&self, dir: &Path) -> Result<Vec<String>, DataError> {
        let mut files = Vec::new();
        for (i, applied) in self.steps.iter().enumerate().filter(|(i, _)| self.kept(*i)) {
            if let Some(transform) = &applied.transform {
                let mut saver = Saver::new(dir, i, &applied.block.kind, &applied.step);
                transform.save(&mut saver)?;
                files.extend(saver.files());
            }
        }
        Ok(files)
    }

    /// Reads what a configuration's operators had fitted when they were saved.
    pub(crate) fn load(dir: &Path, config: &Config) -> Result<Operators, DataError> {
        let setting = Setting { base: dir, reading: &Reading::default(), tasks: &config.tasks };
        let mut steps = Operators::new(config, unfitted(config));
        for i in 0..steps.steps.len() {
            if !steps.kept(i) {
                continue;
            }
            let Applied { block, step, .. } = &steps.steps[i];
            let operator = operator(block)?;
            let transform = match operator.load {
                Some(load) => load(block, step, &Saved::new(dir, i, &block.kind, step))?,
                None => match (operator.new)(block, step, &setting)? {
                    Stage::Ready(transform) => transform,
                    Stage::Fit(_) => return Err(problem(block, "was fitted, and its fit is not saved")),
                },
            };
            steps.steps[i].transform = Some(transform);
        }
        Ok(steps)
    }
}

impl Applied {
    /// Applies the step; one that is not fitted is left out, for nothing needs it.
    pub(super) fn apply(&self, frame: &mut Frame) -> Result<(), DataError> {
        let Some(transform) = &self.transform else { return Ok(()) };
        let input = Input::new(frame, &self.step, false)?;
        let output = transform.transform(&input).map_err(|error| of_raw_row(error, frame.origin()))?;
        frame.apply(&self.step, output)
    }
}

/// The operator of a block.
pub(super) fn operator(block: &Block) -> Result<&'static Operator, DataError> {
    find(&block.kind).ok_or_else(|| problem(block, "no operator has this name"))
}

/// The steps of a configuration, none of them fitted.
pub(super) fn unfitted(config: &Config) -> Vec<Applied> {
    let steps = config.steps().map(|(i, step)| {
        let operator = &config.operators[i];
        Applied { operator: operator.name.clone(), block: operator.block.clone(), step: step.clone(), transform: None }
    });
    steps.collect()
}

/// A column that needs no fitting, made of raw rows: what decides which rows train is known before any are seen.
#[derive(Debug)]
pub struct Derived {
    steps: Vec<Applied>,
    column: String,
}

impl Derived {
    /// The column as it is after all operators; paths are relative to `base`.
    ///
    /// # Errors
    /// An operator that must be fitted.
    pub fn new(config: &Config, base: &Path, column: &str) -> Result<Derived, DataError> {
        let mut steps = unfitted(config);
        let refs: Vec<&Step> = steps.iter().map(|applied| &applied.step).collect();
        let used = trace(&refs, [column], |_| Demand::Apply).uses;
        let setting = Setting { base, reading: &config.data.reading, tasks: &config.tasks };
        for (applied, _) in steps.iter_mut().zip(&used).filter(|(_, used)| **used) {
            match (operator(&applied.block)?.new)(&applied.block, &applied.step, &setting)? {
                Stage::Ready(transform) => applied.transform = Some(transform),
                Stage::Fit(_) => {
                    return Err(problem(&applied.block, "must be fitted, and rows are divided before that"));
                }
            }
        }
        Ok(Derived { steps, column: column.to_owned() })
    }

    /// The column of some rows.
    pub fn of(&self, batch: &RecordBatch) -> Result<ArrayRef, DataError> {
        let mut frame = Frame::new(batch, Phase::Scoring);
        self.steps.iter().try_for_each(|applied| applied.apply(&mut frame))?;
        frame.column(&self.column)
    }
}
