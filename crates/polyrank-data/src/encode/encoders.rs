//! Fitted encoders: raw rows in, batches out.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use polyrank_schema::Config;
use polyrank_schema::config::{FeatureKind, Side};
use rayon::prelude::*;

use super::bucketize::Buckets;
use super::categorical::Categorical;
use super::fitter::{Fitter, Seen};
use super::group::groups;
use super::layout::{DenseLayout, InputLayout, SlotLayout, TableLayout};
use super::list::ListOptions;
use super::piecewise_linear::Pieces;
use super::plan::{Plan, column};
use super::scale::Scale;
use super::target::{Target, target};
use super::vector::vectors;
use crate::batch::{Batch, Ids};
use crate::error::DataError;
use crate::operate::Operators;
use crate::operate::fitting::Fitting;
use crate::operate::input::Phase;

/// Whether label columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// They must be there: training and evaluation.
    Read,
    /// They need not be there: scoring.
    Ignore,
}

/// The fitted encoders of all features, and the labels of all tasks.
#[derive(Debug)]
pub struct Encoders {
    operators: Operators,
    pub(crate) plan: Plan,
    /// As the plan's features.
    pub(crate) columns: Vec<Column>,
    /// For each feature whether an operator found it of no use, so that the network does not see it.
    pub(crate) omitted: Vec<bool>,
    layout: InputLayout,
    /// The feature of each slot.
    slots: Vec<usize>,
    /// The feature of each dense input, and its first column.
    dense: Vec<(usize, usize)>,
    /// Columns of all dense inputs (W).
    width: usize,
}

/// A fitted feature.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) seen: Seen,
    pub(crate) list: Option<ListOptions>,
    pub(crate) encoder: Encoder,
}

/// What turns a feature's values into ids or numbers.
#[derive(Debug, Clone)]
pub(crate) enum Encoder {
    /// One for all features that share the table.
    Categorical(Arc<Categorical>),
    Bucketize(Buckets),
    Dense(Scale),
    PiecewiseLinear(Pieces),
    Vector(usize),
}

impl Encoder {
    pub(crate) fn categorical(encoder: Categorical) -> Encoder {
        Encoder::Categorical(Arc::new(encoder))
    }

    /// (Values or buckets, rows of the embedding table); `None` for numbers.
    pub(crate) fn table(&self) -> Option<(usize, usize)> {
        match self {
            Encoder::Categorical(encoder) => Some((encoder.cardinality(), encoder.rows())),
            Encoder::Bucketize(buckets) => Some((buckets.cardinality(), buckets.rows())),
            Encoder::Dense(_) | Encoder::PiecewiseLinear(_) | Encoder::Vector(_) => None,
        }
    }
}

/// One column of a batch, encoded.
enum Encoded {
    Ids(Ids),
    Numbers { width: usize, numbers: Vec<f32> },
    Target(Target),
}

/// Cells of a batch from which columns are encoded in parallel: below, handing out the work costs more than it saves.
const PARALLEL_CELLS: usize = 8192;

impl Encoders {
    /// Starts fitting the operators and encoders that a configuration asks for; files that it names are relative to
    /// `base`.
    pub fn fitter(config: &Config, base: &Path) -> Result<Fitter, DataError> {
        let plan = Plan::new(config)?;
        Fitter::new(Fitting::new(config, base)?, plan, &config.data.reading, base)
    }

    pub(crate) fn new(operators: Operators, plan: Plan, columns: Vec<Column>) -> Result<Encoders, DataError> {
        let mut layout = InputLayout { tables: Vec::new(), slots: Vec::new(), dense: Vec::new() };
        let (mut slots, mut dense, mut width) = (Vec::new(), Vec::new(), 0);
        let mut tables: Vec<usize> = Vec::new();
        let omitted = operators.omitted();
        let omitted: Vec<bool> = plan.features.iter().map(|f| omitted.contains(f.column.as_str())).collect();
        if !omitted.contains(&false) && !omitted.is_empty() {
            let problem = "`drop_low_cardinality` leaves no feature: no column has as many values as it asks for";
            return Err(DataError::Empty(problem.to_owned()));
        }
        let mut order: Vec<usize> = (0..columns.len()).filter(|i| !omitted[*i]).collect();
        order.sort_by_key(|i| plan.features[*i].side == Side::Item);
        for i in order {
            let feature = &plan.features[i];
            let Some((_, rows)) = columns[i].encoder.table() else {
                let columns = match &columns[i].encoder {
                    Encoder::Vector(size) => *size,
                    Encoder::PiecewiseLinear(pieces) => pieces.columns(),
                    _ => 1,
                };
                layout.dense.push(DenseLayout { feature: feature.name.clone(), width: columns, side: feature.side });
                dense.push((i, width));
                width += columns;
                continue;
            };
            let owner = plan.owner[i];
            let table = tables.iter().position(|t| *t == owner).unwrap_or_else(|| {
                let dim = match &plan.features[owner].kind {
                    FeatureKind::Categorical { dim, .. } | FeatureKind::Bucketized { dim, .. } => *dim,
                    _ => None,
                };
                tables.push(owner);
                layout.tables.push(TableLayout { name: plan.features[owner].name.clone(), rows, dim });
                tables.len() - 1
            });
            let combiner = match &feature.kind {
                FeatureKind::Categorical { list: Some(list), .. } => Some(list.combiner.clone()),
                _ => None,
            };
            layout.slots.push(SlotLayout { feature: feature.name.clone(), table, combiner, side: feature.side });
            slots.push(i);
        }
        Ok(Encoders { operators, plan, omitted, columns, layout, slots, dense, width })
    }

    /// What the network is told about the batches.
    ///
    /// Tables in order of first use; slots and dense inputs with the context side first, each side as declared.
    pub fn layout(&self) -> &InputLayout {
        &self.layout
    }

    /// The feature of each slot.
    pub(super) fn slot_features(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().copied()
    }

    /// The operators that are applied first.
    pub fn operators(&self) -> &Operators {
        &self.operators
    }

    /// Encodes B raw rows, columns found by name. What a row becomes depends on that row alone. With labels, operators
    /// may remove rows.
    pub fn transform(&self, batch: &RecordBatch, read: Labels) -> Result<Batch, DataError> {
        self.transform_in(batch, read, Phase::Scoring)
    }

    /// As [`Encoders::transform`] with labels, of rows that the operators were fitted on: consecutive rows of the training
    /// part from number `first_row` on. An operator that is fitted on labels makes of them what it knows without their
    /// own.
    pub fn transform_training(&self, batch: &RecordBatch, first_row: u64) -> Result<Batch, DataError> {
        self.transform_in(batch, Labels::Read, Phase::Training { first_row })
    }

    fn transform_in(&self, batch: &RecordBatch, read: Labels, phase: Phase) -> Result<Batch, DataError> {
        let prepared = self.operators.apply(batch, read, phase)?;
        self.encode_rows(&prepared.batch, read).map_err(|error| prepared.of_raw_row(error))
    }

    /// Encodes rows as they are after the operators.
    fn encode_rows(&self, batch: &RecordBatch, read: Labels) -> Result<Batch, DataError> {
        let rows = batch.num_rows();
        let features = self.columns.len();
        let tasks = if read == Labels::Read { self.plan.tasks.len() } else { 0 };
        let encode = |i: usize| match i.checked_sub(features) {
            None if self.omitted[i] => Ok(Encoded::Numbers { width: 1, numbers: Vec::new() }),
            None => self.encode(i, batch),
            Some(task) => {
                let common = self.plan.weight_column.as_deref();
                target(&self.plan.tasks[task], common, batch).map(Encoded::Target)
            }
        };
        let results: Vec<_> = if rows * (features + tasks) < PARALLEL_CELLS {
            (0..features + tasks).map(encode).collect()
        } else {
            (0..features + tasks).into_par_iter().map(encode).collect()
        };
        // The first error in declared order, whichever thread was faster.
        let mut encoded = results.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().map(Some).collect::<Vec<_>>();

        let ids = self.slots.iter().filter_map(|i| match encoded[*i].take() {
            Some(Encoded::Ids(ids)) => Some(ids),
            _ => None,
        });
        let ids = ids.collect();
        let mut dense = vec![0.0; rows * self.width];
        for (i, start) in &self.dense {
            scatter(encoded[*i].as_ref(), *start, self.width, &mut dense);
        }
        let targets = encoded[features..].iter().filter_map(|target| match target {
            Some(Encoded::Target(target)) => Some(target),
            _ => None,
        });
        let (labels, weights) = matrices(&targets.collect::<Vec<_>>(), rows);
        let groups = match self.plan.group_column.as_deref().filter(|_| read == Labels::Read) {
            Some(name) => groups(&column(batch, name)?).map_err(|bad| bad.of(name))?,
            None => Vec::new(),
        };
        Ok(Batch { rows, ids, dense, labels, weights, groups })
    }

    fn encode(&self, feature: usize, batch: &RecordBatch) -> Result<Encoded, DataError> {
        let name = &self.plan.features[feature].column;
        let array: ArrayRef = column(batch, name)?;
        let Column { list, encoder, .. } = &self.columns[feature];
        let encoded = match encoder {
            Encoder::Categorical(encoder) => encoder.ids(array.as_ref(), list.as_ref()).map(Encoded::Ids),
            Encoder::Bucketize(buckets) => buckets.ids(array.as_ref()).map(Encoded::Ids),
            Encoder::Dense(scale) => {
                scale.numbers(array.as_ref()).map(|numbers| Encoded::Numbers { width: 1, numbers })
            }
            Encoder::PiecewiseLinear(pieces) => {
                let width = pieces.columns();
                pieces.numbers(array.as_ref()).map(|numbers| Encoded::Numbers { width, numbers })
            }
            Encoder::Vector(size) => {
                vectors(array.as_ref(), *size).map(|numbers| Encoded::Numbers { width: *size, numbers })
            }
        };
        encoded.map_err(|bad| bad.of(name))
    }
}

/// Labels and weights of all tasks, `[B, T]` row by row; no weights if all are 1.
fn matrices(targets: &[&Target], rows: usize) -> (Vec<f32>, Vec<f32>) {
    let tasks = targets.len();
    let mut labels = vec![0.0; rows * tasks];
    let weighted = targets.iter().any(|target| !target.weights.is_empty());
    let mut weights = vec![1.0; if weighted { rows * tasks } else { 0 }];
    for (task, target) in targets.iter().enumerate() {
        for (matrix, column) in [(&mut labels, &target.labels), (&mut weights, &target.weights)] {
            for (cell, value) in matrix.iter_mut().skip(task).step_by(tasks).zip(column) {
                *cell = *value;
            }
        }
    }
    (labels, weights)
}

/// Writes a column's numbers into a matrix of `width` columns, from column `start`.
fn scatter(column: Option<&Encoded>, start: usize, width: usize, matrix: &mut [f32]) {
    if let Some(Encoded::Numbers { width: own, numbers }) = column {
        for (row, numbers) in matrix.chunks_exact_mut(width).zip(numbers.chunks_exact(*own)) {
            row[start..start + own].copy_from_slice(numbers);
        }
    }
}
