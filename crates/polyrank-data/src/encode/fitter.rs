//! Fitting: one pass over the training rows, in mergeable parts.

use std::path::Path;

use arrow_array::RecordBatch;
use polyrank_schema::config::{FeatureKind, Reading};
use rayon::prelude::*;

use super::bucketize::BucketizeFit;
use super::categorical::CategoricalFit;
use super::column::{bad_column, each_row};
use super::encoders::{Column, Encoder, Encoders};
use super::given;
use super::moments::Moments;
use super::number::visit_numbers;
use super::piecewise_linear::{self, Pieces};
use super::plan::{Plan, column};
use super::scale::Scale;
use super::vector::vectors;
use crate::error::DataError;
use crate::operate::fitting::Fitting;

/// Encoders that are being fitted.
///
/// The result does not depend on threads. It depends on how rows are cut into parts only in the last bits of means and
/// deviations, so merge parts in the order of their rows.
#[derive(Debug)]
pub struct Fitter {
    operators: Fitting,
    /// Raw rows of this pass, and how many of them were kept.
    seen: u64,
    kept: u64,
    plan: Plan,
    /// One a feature that has its own encoder, in declared order.
    units: Vec<Unit>,
}

/// What is fitted by itself, with all features that use it.
#[derive(Debug)]
struct Unit {
    owner: usize,
    members: Vec<(usize, Seen)>,
    fit: Fit,
}

#[derive(Debug)]
enum Fit {
    Categorical(CategoricalFit),
    Bucketize(BucketizeFit),
    Dense,
    PiecewiseLinear(BucketizeFit),
    Vector(usize),
}

/// What was seen of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Seen {
    pub(crate) rows: u64,
    /// Rows without a value; of list columns, rows without an item.
    pub(crate) missing: u64,
    /// Of the numbers of dense features.
    pub(crate) moments: Moments,
}

impl Fitter {
    /// Files that encoders name are relative to `base`, and read as `reading` says.
    pub(crate) fn new(operators: Fitting, plan: Plan, reading: &Reading, base: &Path) -> Result<Fitter, DataError> {
        let mut units = Vec::new();
        for (i, feature) in plan.features.iter().enumerate().filter(|(i, _)| plan.owner[*i] == *i) {
            let fit = match &feature.kind {
                FeatureKind::Categorical { encoder, .. } => {
                    let vocabulary = given::vocabulary(encoder, &feature.column, reading, base)?;
                    CategoricalFit::new(encoder, vocabulary).map(Fit::Categorical)
                }
                FeatureKind::Bucketized { encoder, .. } => BucketizeFit::new(encoder).map(Fit::Bucketize),
                FeatureKind::Dense { encoder, .. } if encoder.kind == piecewise_linear::SPEC.name => {
                    piecewise_linear::fit(encoder).map(Fit::PiecewiseLinear)
                }
                // The name of the encoder is checked before the first pass over the rows, not after it.
                FeatureKind::Dense { encoder, .. } => Scale::new(encoder, &Moments::default()).map(|_| Fit::Dense),
                FeatureKind::Vector { size } => Ok(Fit::Vector(*size)),
            };
            let fit = fit.map_err(|problem| bad_column(&feature.column, problem))?;
            let members = (0..plan.owner.len()).filter(|j| plan.owner[*j] == i).map(|j| (j, Seen::default())).collect();
            units.push(Unit { owner: i, members, fit });
        }
        Ok(Fitter { operators, seen: 0, kept: 0, plan, units })
    }

    /// Takes in the columns of the next training rows, found by name. Encoders do not look at labels; operators look at
    /// the columns that they are fitted on, and see the rows in several passes if some need others fitted first.
    ///
    /// After an error the fitter has taken in a part of the rows and is of no further use.
    pub fn observe(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.observe_from(batch, self.seen)
    }

    /// As [`Fitter::observe`], of rows whose first has the number `first_row` in the training part: for fitters of parts
    /// that will be merged.
    pub fn observe_from(&mut self, batch: &RecordBatch, first_row: u64) -> Result<(), DataError> {
        let prepared = self.operators.observe(batch, first_row)?;
        self.seen += batch.num_rows() as u64;
        self.kept += prepared.batch.num_rows() as u64;
        if !self.operators.is_last() {
            return Ok(());
        }
        let plan = &self.plan;
        let results: Vec<_> = self.units.par_iter_mut().map(|unit| unit.observe(plan, &prepared.batch)).collect();
        // The first in declared order, whichever thread was faster.
        results.into_iter().collect::<Result<(), _>>().map_err(|error| prepared.of_raw_row(error))
    }

    /// Ends a pass over the training rows. If true, they must be observed once more, from the first row on.
    pub fn next_pass(&mut self) -> Result<bool, DataError> {
        let more = self.operators.next_pass()?;
        if more {
            (self.seen, self.kept) = (0, 0);
        }
        Ok(more)
    }

    /// Rows of this pass that no operator removed.
    pub fn rows(&self) -> u64 {
        self.kept
    }

    /// Takes in what another fitter of the same configuration has seen, as if its rows came after this one's.
    pub fn merge(&mut self, other: Fitter) -> Result<(), DataError> {
        if self.plan != other.plan {
            let mut pairs = self.plan.features.iter().zip(&other.plan.features);
            let differs = pairs.find(|(a, b)| a != b).map_or("", |(a, _)| a.column.as_str());
            return Err(bad_column(differs, "fitters of different configurations cannot be merged"));
        }
        self.operators.merge(other.operators)?;
        self.seen += other.seen;
        self.kept += other.kept;
        for (unit, from) in self.units.iter_mut().zip(other.units) {
            for ((_, seen), (_, more)) in unit.members.iter_mut().zip(&from.members) {
                seen.rows += more.rows;
                seen.missing += more.missing;
                seen.moments.merge(&more.moments);
            }
            match (&mut unit.fit, from.fit) {
                (Fit::Categorical(fit), Fit::Categorical(more)) => fit.merge(more),
                (Fit::Bucketize(fit), Fit::Bucketize(more))
                | (Fit::PiecewiseLinear(fit), Fit::PiecewiseLinear(more)) => fit.merge(more),
                _ => {}
            }
        }
        Ok(())
    }

    /// The fitted encoders. Without any rows, every value is out of vocabulary and every number becomes 0.
    ///
    /// # Errors
    /// Operators that need another pass over the rows, see [`Fitter::next_pass`].
    pub fn finish(self) -> Result<Encoders, DataError> {
        let operators = self.operators.finish()?;
        let plan = self.plan;
        let mut columns: Vec<Option<Column>> = plan.features.iter().map(|_| None).collect();
        let finished: Vec<_> = self.units.into_par_iter().map(|unit| unit.finish(&plan)).collect();
        for unit in finished {
            let (members, encoder) = unit?;
            for (feature, seen) in members {
                columns[feature] = Some(Column { seen, list: plan.list(feature), encoder: encoder.clone() });
            }
        }
        Encoders::new(operators, plan, columns.into_iter().flatten().collect())
    }
}

impl Unit {
    /// What was seen of its features, and their fitted encoder.
    fn finish(self, plan: &Plan) -> Result<(Vec<(usize, Seen)>, Encoder), DataError> {
        let owner = &plan.features[self.owner];
        let moments = self.members.first().map(|(_, seen)| seen.moments).unwrap_or_default();
        let encoder = match (self.fit, &owner.kind) {
            (Fit::Categorical(fit), _) => fit.finish().map(Encoder::categorical),
            (Fit::Bucketize(fit), _) => fit.finish().map(Encoder::Bucketize),
            (Fit::Dense, FeatureKind::Dense { encoder, .. }) => Scale::new(encoder, &moments).map(Encoder::Dense),
            (Fit::PiecewiseLinear(fit), FeatureKind::Dense { encoder, .. }) => {
                Pieces::fitted(encoder, fit, &moments).map(Encoder::PiecewiseLinear)
            }
            (Fit::Vector(size), _) => Ok(Encoder::Vector(size)),
            (Fit::Dense | Fit::PiecewiseLinear(_), _) => Err("not a number to scale".to_owned()),
        };
        let encoder = encoder.map_err(|problem| bad_column(&owner.column, problem))?;
        Ok((self.members, encoder))
    }

    fn observe(&mut self, plan: &Plan, batch: &RecordBatch) -> Result<(), DataError> {
        for (feature, seen) in &mut self.members {
            let name = &plan.features[*feature].column;
            let array = column(batch, name)?;
            let array = array.as_ref();
            let rows = array.len();
            let cells = each_row(rows);
            let mut present = 0;
            let result = match &mut self.fit {
                Fit::Categorical(fit) => {
                    fit.observe(array, plan.list(*feature).as_ref()).map(|with_value| present = with_value)
                }
                Fit::Bucketize(fit) | Fit::PiecewiseLinear(fit) => visit_numbers(array, cells, |_, x| {
                    if let Some(x) = x {
                        present += 1;
                        seen.moments.observe(x);
                        fit.observe(x);
                    }
                }),
                Fit::Dense => visit_numbers(array, cells, |_, x| {
                    if let Some(x) = x {
                        present += 1;
                        seen.moments.observe(x);
                    }
                }),
                Fit::Vector(size) => {
                    present = (rows - array.logical_null_count()) as u64;
                    vectors(array, *size).map(|_| ())
                }
            };
            result.map_err(|bad| bad.of(name))?;
            seen.rows += rows as u64;
            seen.missing += rows as u64 - present;
        }
        Ok(())
    }
}
