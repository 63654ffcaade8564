//! Operators by themselves: fitted on batches, merged, saved, loaded and applied.

mod difference_lag;
mod group_statistics;
mod history;
mod join;
mod one_row;
mod target_encoding;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use polyrank_schema::config::{Reading, Task};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionValue};
use polyrank_schema::{Block, Step};

use super::frame::Frame;
use super::input::{Input, Phase};
use super::operator::{AnyFit, Operator, Setting, Stage, Transform};
use super::saved::{Saved, Saver};
use crate::error::DataError;

/// An operator as configured.
struct Trial {
    operator: &'static Operator,
    block: Block,
    steps: Vec<Step>,
    tasks: Vec<Task>,
}

/// The same, fitted: a transform for each step.
struct Fitted<'a> {
    trial: &'a Trial,
    transforms: Vec<Arc<dyn Transform>>,
}

impl Trial {
    /// Options that are not given have their defaults.
    ///
    /// # Errors
    /// What the operator's own check says.
    fn new(kind: &str, options: &[(&str, OptionValue)]) -> Result<Trial, String> {
        let operator = super::find(kind).unwrap();
        let spec = &operator.spec.block;
        let mut block = Block { kind: kind.to_owned(), options: BTreeMap::new() };
        for option in spec.options {
            let value = match option.default {
                OptionDefault::Always(Literal::Int(n)) => OptionValue::Int(n),
                OptionDefault::Always(Literal::Float(x)) => OptionValue::Float(x),
                OptionDefault::Always(Literal::Bool(flag)) => OptionValue::Bool(flag),
                OptionDefault::Always(Literal::Text(text)) => OptionValue::Text(text.to_owned()),
                _ => continue,
            };
            block.options.insert(option.key.to_owned(), value);
        }
        for (key, value) in options {
            assert!(spec.options.iter().any(|option| option.key == *key), "{kind} has no option {key}");
            block.options.insert((*key).to_owned(), value.clone());
        }
        (spec.check)(&block, BlockContext::NONE)?;
        Ok(Trial { operator, steps: (operator.spec.steps)(&block), block, tasks: Vec::new() })
    }

    fn begin(&self, base: &Path) -> Result<Vec<Stage>, DataError> {
        let setting = Setting { base, reading: &Reading::default(), tasks: &self.tasks };
        self.steps.iter().map(|step| (self.operator.new)(&self.block, step, &setting)).collect()
    }

    /// Fits on consecutive batches of training rows.
    fn fit(&self, batches: &[RecordBatch]) -> Result<Fitted<'_>, DataError> {
        let mut fits = fits(self.begin(Path::new("."))?);
        let mut first_row = 0;
        for batch in batches {
            self.observe(&mut fits, batch, first_row)?;
            first_row += batch.num_rows() as u64;
        }
        self.finish(fits)
    }

    /// Fits on each of consecutive batches apart, and merges.
    fn fit_apart(&self, batches: &[RecordBatch]) -> Result<Fitted<'_>, DataError> {
        let mut whole = fits(self.begin(Path::new("."))?);
        let mut first_row = 0;
        for batch in batches {
            let mut part = fits(self.begin(Path::new("."))?);
            self.observe(&mut part, batch, first_row)?;
            first_row += batch.num_rows() as u64;
            whole.iter_mut().zip(part).try_for_each(|(fit, part)| fit.merge(part))?;
        }
        self.finish(whole)
    }

    fn observe(&self, fits: &mut [Box<dyn AnyFit>], batch: &RecordBatch, first_row: u64) -> Result<(), DataError> {
        let frame = Frame::new(batch, Phase::Training { first_row });
        fits.iter_mut().zip(&self.steps).try_for_each(|(fit, step)| fit.observe(&Input::new(&frame, step, true)?))
    }

    fn finish(&self, fits: Vec<Box<dyn AnyFit>>) -> Result<Fitted<'_>, DataError> {
        let transforms = fits.into_iter().map(|fit| fit.finish()).collect::<Result<_, _>>()?;
        Ok(Fitted { trial: self, transforms })
    }

    /// An operator that needs no rows.
    fn ready(&self, base: &Path) -> Result<Fitted<'_>, DataError> {
        let transforms = self.begin(base)?.into_iter().map(|stage| match stage {
            Stage::Ready(transform) => transform,
            Stage::Fit(_) => panic!("must be fitted"),
        });
        Ok(Fitted { trial: self, transforms: transforms.collect() })
    }

    fn load(&self, dir: &Path) -> Result<Fitted<'_>, DataError> {
        let load = self.operator.load.unwrap();
        let load = |(i, step)| load(&self.block, step, &Saved::new(dir, i, &self.block.kind, step));
        let transforms = self.steps.iter().enumerate().map(load).collect::<Result<_, _>>()?;
        Ok(Fitted { trial: self, transforms })
    }
}

fn fits(stages: Vec<Stage>) -> Vec<Box<dyn AnyFit>> {
    let fits = stages.into_iter().map(|stage| match stage {
        Stage::Fit(fit) => fit,
        Stage::Ready(_) => panic!("needs no rows"),
    });
    fits.collect()
}

impl<'a> Fitted<'a> {
    fn apply(&self, batch: &RecordBatch, phase: Phase) -> Result<RecordBatch, DataError> {
        let mut frame = Frame::new(batch, phase);
        for (step, transform) in self.trial.steps.iter().zip(&self.transforms) {
            let output = transform.transform(&Input::new(&frame, step, false)?)?;
            frame.apply(step, output)?;
        }
        frame.finish().map(|(batch, _)| batch)
    }

    /// What is made of training rows that begin with row 0.
    fn train(&self, batch: &RecordBatch) -> RecordBatch {
        self.apply(batch, Phase::Training { first_row: 0 }).unwrap()
    }

    fn score(&self, batch: &RecordBatch) -> RecordBatch {
        self.apply(batch, Phase::Scoring).unwrap()
    }

    fn save(&self, dir: &Path) {
        for (i, (step, transform)) in self.trial.steps.iter().zip(&self.transforms).enumerate() {
            transform.save(&mut Saver::new(dir, i, &self.trial.block.kind, step)).unwrap();
        }
    }

    /// Saved and loaded.
    fn reloaded(&self) -> Fitted<'a> {
        let dir = tempfile::tempdir().unwrap();
        self.save(dir.path());
        self.trial.load(dir.path()).unwrap()
    }
}

fn names(names: &[&str]) -> OptionValue {
    OptionValue::Names(names.iter().map(|name| (*name).to_owned()).collect())
}

fn text(text: &str) -> OptionValue {
    OptionValue::Text(text.to_owned())
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn ints(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Int64Array>())
}

fn floats(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Float64Array>())
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A column's numbers, as they are.
fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let array = batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name} in {:?}", batch.schema()));
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().iter().map(|x| x.map(|x| x as f64)).collect(),
        _ => array.as_primitive::<Float64Type>().iter().collect(),
    }
}

/// A column's lists of integers.
fn lists(batch: &RecordBatch, name: &str) -> Vec<Vec<Option<i64>>> {
    let array = batch.column_by_name(name).unwrap().as_list::<i32>();
    // Where all lists are empty, nothing says what they are lists of.
    let items =
        |items: ArrayRef| if items.is_empty() { vec![] } else { items.as_primitive::<Int64Type>().iter().collect() };
    (0..array.len()).map(|row| items(array.value(row))).collect()
}

/// Cut in two.
fn halves(batch: &RecordBatch, at: f64) -> [RecordBatch; 2] {
    let rows = (at * batch.num_rows() as f64) as usize;
    [batch.slice(0, rows), batch.slice(rows, batch.num_rows() - rows)]
}

/// The rows in another order.
fn turned(batch: &RecordBatch, by: usize) -> RecordBatch {
    let by = by % batch.num_rows().max(1);
    let parts = [batch.slice(by, batch.num_rows() - by), batch.slice(0, by)];
    arrow_select::concat::concat_batches(&batch.schema(), &parts).unwrap()
}

/// Whether what is made of a row is the same alone and among others.
fn assert_rows_are_alone(fitted: &Fitted<'_>, batch: &RecordBatch, phase: impl Fn(u64) -> Phase) {
    let together = fitted.apply(batch, phase(0)).unwrap();
    for row in 0..batch.num_rows() {
        let alone = fitted.apply(&batch.slice(row, 1), phase(row as u64)).unwrap();
        assert_eq!(alone, together.slice(row, 1), "row {row}");
    }
}
