//! `drop_low_cardinality`: features whose column has too few different values in the training rows are left out of the
//! network.

use std::collections::BTreeSet;
use std::sync::Arc;

use polyrank_schema::operator::{Effect, always, never};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, check_columns};
use super::saved::{Saved, Saver};
use crate::encode::vocabulary::Key;
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "drop_low_cardinality",
            doc: "features whose column has too few different values are left out",
            options: &[
                OptionSpec { doc: "the columns of the features, as they are after all operators", ..COLUMNS },
                OptionSpec {
                    key: "min_cardinality",
                    kind: OptionKind::Int { min: 2, max: 1 << 20 },
                    default: OptionDefault::Always(Literal::Int(2)),
                    doc: "different values that a column must have; a missing value is none",
                },
            ],
            check: check_columns,
        },
        steps: |block| {
            let step =
                |column: &String| Step { fits_on: vec![column.clone()], effect: Effect::Features, ..Step::default() };
            block.names(COLUMNS.key).iter().map(step).collect()
        },
        fits: always,
        hides_labels: never,
    },
    new,
    load: Some(load),
};

/// Different values seen, up to as many as are asked for.
#[derive(Debug)]
struct Seen {
    values: BTreeSet<Key>,
    enough: usize,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::fit(Seen { values: BTreeSet::new(), enough: block.size("min_cardinality") })
}

fn load(block: &Block, _: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let found: Found = saved.json()?;
    if found.enough != block.size("min_cardinality") || found.values > found.enough {
        return Err(saved.refuse("counts that the configuration does not have"));
    }
    Ok(Arc::new(found))
}

impl Fit for Seen {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        if self.values.len() >= self.enough {
            return Ok(());
        }
        rows.fits_on_values(0, |_, value| {
            if self.values.len() < self.enough {
                self.values.extend(Key::of(value));
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.values.extend(other.values);
        while self.values.len() > self.enough {
            self.values.pop_last();
        }
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        Ok(Arc::new(Found { values: self.values.len(), enough: self.enough }))
    }
}

/// How many different values there were, up to `enough`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    values: usize,
    enough: usize,
}

impl Transform for Found {
    fn transform(&self, _: &Input<'_>) -> Result<Output, DataError> {
        Ok(Output::Columns(Vec::new()))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        saver.json(self)
    }

    fn describe(&self) -> String {
        match self.omits() {
            true => format!("{} different values: left out", self.values),
            false => format!("at least {} different values", self.enough),
        }
    }

    fn omits(&self) -> bool {
        self.values < self.enough
    }
}
