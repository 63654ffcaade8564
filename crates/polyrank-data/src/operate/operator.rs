//! What an operator consists of: its options, how a step of it is fitted, applied, saved and loaded.

use std::any::Any;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use arrow_array::ArrayRef;
use polyrank_schema::config::{Reading, Task};
use polyrank_schema::{Block, OperatorSpec, Step};

use super::input::Input;
use super::saved::{Saved, Saver};
use crate::error::DataError;

/// An operator that a configuration can name.
#[derive(Clone, Copy)]
pub(crate) struct Operator {
    /// Options, and which columns become which.
    pub(crate) spec: OperatorSpec,
    /// Begins a step.
    pub(crate) new: fn(&Block, &Step, &Setting<'_>) -> Result<Stage, DataError>,
    /// Restores a step that was saved and checks all that it says; `None` if a step follows from its options alone, so
    /// that `new` makes it again.
    pub(crate) load: Option<fn(&Block, &Step, &Saved<'_>) -> Result<Arc<dyn Transform>, DataError>>,
}

/// What a step may look at besides its options when it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// What paths are relative to.
    pub(crate) base: &'a Path,
    /// How text files are read.
    pub(crate) reading: &'a Reading,
    /// The tasks, whose labels a step may be fitted on.
    pub(crate) tasks: &'a [Task],
}

/// A step that begins.
pub(crate) enum Stage {
    /// It must see the training rows.
    Fit(Box<dyn AnyFit>),
    /// It can be applied.
    Ready(Arc<dyn Transform>),
}

impl Stage {
    /// A step that must see the training rows.
    pub(crate) fn fit(fit: impl Fit) -> Result<Stage, DataError> {
        Ok(Stage::Fit(Box::new(fit)))
    }

    /// A step that can be applied.
    pub(crate) fn ready(transform: impl Transform + 'static) -> Result<Stage, DataError> {
        Ok(Stage::Ready(Arc::new(transform)))
    }
}

/// A step that is being fitted, in one pass over the training rows.
pub(crate) trait Fit: Debug + Send + Sized + 'static {
    /// Takes in some rows, which come after all that were taken in before.
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError>;

    /// Takes in what another fit of the same step has seen, as if its rows came after this one's.
    fn merge(&mut self, other: Self) -> Result<(), DataError>;

    /// The fitted step; any number of rows may have been seen, none too.
    fn finish(self) -> Result<Arc<dyn Transform>, DataError>;
}

/// A fitted step: a pure function of a row.
pub(crate) trait Transform: Debug + Send + Sync {
    /// What the step makes of some rows: as many columns as it writes, in their order, each with as many rows.
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError>;

    /// Writes what was fitted; nothing if the step follows from its options.
    fn save(&self, _: &mut Saver<'_>) -> Result<(), DataError> {
        Ok(())
    }

    /// What was fitted, in a few words for `explain`; empty if nothing was.
    fn describe(&self) -> String {
        String::new()
    }

    /// Whether the features that read the step's columns are left out; of steps with `Effect::Features`.
    fn omits(&self) -> bool {
        false
    }
}

/// What a step makes of some rows.
pub(crate) enum Output {
    /// Columns, as the step's `writes`.
    Columns(Vec<ArrayRef>),
    /// For each row whether it is kept; of steps with `Effect::Rows`.
    Rows(Vec<bool>),
}

/// A fit whose type is not known; only [`Fit`] is written by hand.
pub(crate) trait AnyFit: Any + Debug + Send {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError>;
    fn merge(&mut self, other: Box<dyn AnyFit>) -> Result<(), DataError>;
    fn finish(self: Box<Self>) -> Result<Arc<dyn Transform>, DataError>;
}

impl<F: Fit> AnyFit for F {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        Fit::observe(self, rows)
    }

    fn merge(&mut self, other: Box<dyn AnyFit>) -> Result<(), DataError> {
        let other: Box<dyn Any> = other;
        match other.downcast::<F>() {
            Ok(other) => Fit::merge(self, *other),
            Err(_) => Err(DataError::Empty("fits of different operators cannot be merged".to_owned())),
        }
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Transform>, DataError> {
        Fit::finish(*self)
    }
}

/// A problem with an operator itself, not with a cell.
pub(crate) fn problem(block: &Block, problem: impl Into<String>) -> DataError {
    DataError::Operator { operator: block.kind.clone(), problem: problem.into() }
}
