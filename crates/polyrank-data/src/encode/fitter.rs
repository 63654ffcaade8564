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
use super::list::visit_items;
use super::moments::Moments;
use super::number::visit_numbers;
use super::piecewise_linear::{self, Pieces};
use super::plan::{Plan, column};
use super::scale::Scale;
use super::value::{Value, visit};
use super::vector::vectors;
use crate::error::DataError;

/// Encoders that are being fitted.
///
/// The result does not depend on threads. It depends on how rows are cut into parts only in the last bits of means and
/// deviations, so merge parts in the order of their rows.
#[derive(Debug)]
pub struct Fitter {
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
    pub(crate) fn new(plan: Plan, reading: &Reading, base: &Path) -> Result<Fitter, DataError> {
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
        Ok(Fitter { plan, units })
    }

    /// Takes in the feature columns of some rows, found by name; labels are not looked at.
    ///
    /// After an error the fitter has taken in a part of the rows and is of no further use.
    pub fn observe(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        let plan = &self.plan;
        let results: Vec<_> = self.units.par_iter_mut().map(|unit| unit.observe(plan, batch)).collect();
        // The first in declared order, whichever thread was faster.
        results.into_iter().collect()
    }

    /// Takes in what another fitter of the same configuration has seen, as if its rows came after this one's.
    pub fn merge(&mut self, other: Fitter) -> Result<(), DataError> {
        if self.plan != other.plan {
            let mut pairs = self.plan.features.iter().zip(&other.plan.features);
            let differs = pairs.find(|(a, b)| a != b).map_or("", |(a, _)| a.column.as_str());
            return Err(bad_column(differs, "fitters of different configurations cannot be merged"));
        }
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
    pub fn finish(self) -> Result<Encoders, DataError> {
        let plan = self.plan;
        let mut columns: Vec<Option<Column>> = plan.features.iter().map(|_| None).collect();
        for unit in self.units {
            let owner = &plan.features[unit.owner];
            let moments = unit.members.first().map(|(_, seen)| seen.moments).unwrap_or_default();
            let encoder = match (unit.fit, &owner.kind) {
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
            for (feature, seen) in unit.members {
                columns[feature] = Some(Column { seen, list: plan.list(feature), encoder: encoder.clone() });
            }
        }
        Ok(Encoders::new(plan, columns.into_iter().flatten().collect()))
    }
}

impl Unit {
    fn observe(&mut self, plan: &Plan, batch: &RecordBatch) -> Result<(), DataError> {
        for (feature, seen) in &mut self.members {
            let name = &plan.features[*feature].column;
            let array = column(batch, name)?;
            let array = array.as_ref();
            let rows = array.len();
            let cells = each_row(rows);
            let mut present = 0;
            let result = match &mut self.fit {
                Fit::Categorical(fit) => match plan.list(*feature) {
                    None => visit(array, cells, |_, value| {
                        present += u64::from(value != Value::Missing);
                        fit.observe(value)
                    }),
                    Some(list) => {
                        let mut next = 0;
                        visit_items(array, &list, |row, value| {
                            if row >= next {
                                present += 1;
                                next = row + 1;
                            }
                            fit.observe(value)
                        })
                    }
                },
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
