//! `difference_lag`: how much a number has changed since an earlier training row with the same key: x − y, where y is the
//! number of the latest row strictly before the row's time, or of the `shift`-th latest (NVTabular's `DifferenceLag`).
//! Missing if there is no such row, or one of the two numbers is missing.

use std::sync::Arc;

use arrow_array::builder::Float64Builder;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array};
use arrow_schema::DataType;
use polyrank_schema::operator::{always, never};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::by_key::{NEW_NAMES, check_distinct, check_new_names, failed, keys, new_names, times_of};
use super::event_store::{load_events, save_events};
use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform};
use super::saved::{Saved, Saver};
use crate::error::DataError;
use crate::keyed::{Before, Events, EventsFit};

const NAME: &str = "difference_lag";
const MAX_SHIFT: i64 = 1 << 16;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: NAME,
            doc: "the difference to an earlier training row with the same key",
            options: &[
                OptionSpec {
                    key: "key",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "columns whose values together say which rows belong together",
                },
                OptionSpec {
                    key: "time",
                    kind: OptionKind::Column,
                    default: OptionDefault::Required,
                    doc: "the row's time",
                },
                OptionSpec {
                    key: "columns",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "columns of numbers; the time itself for how long ago it was",
                },
                OptionSpec {
                    key: "shift",
                    kind: OptionKind::Int { min: -MAX_SHIFT, max: MAX_SHIFT },
                    default: OptionDefault::Always(Literal::Int(1)),
                    doc: "how many rows back",
                },
                NEW_NAMES,
            ],
            check,
        },
        steps,
        fits: always,
        hides_labels: never,
    },
    new,
    load: Some(load),
};

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    if block.int("shift") < 1 {
        return Err("`shift` must be at least 1: later rows are not known when a row is scored".to_owned());
    }
    ["key", "columns"].iter().try_for_each(|key| check_distinct(block, key))?;
    check_new_names(block, block.names("columns").len())
}

fn steps(block: &Block) -> Vec<Step> {
    let (columns, shift) = (block.names("columns"), block.int("shift"));
    let usual = columns.iter().map(|column| format!("{column}_difference_lag_{shift}")).collect();
    let mut reads = block.names("key").to_vec();
    reads.push(block.text("time").to_owned());
    reads.extend_from_slice(columns);
    vec![Step::new(reads, new_names(block, usual))]
}

/// What is configured.
#[derive(Debug, Clone)]
struct Options {
    key: Vec<String>,
    names: Vec<String>,
    shift: usize,
}

impl Options {
    fn new(block: &Block, step: &Step) -> Options {
        let shift = block.size("shift").max(1);
        Options { key: block.names("key").to_vec(), names: step.writes.clone(), shift }
    }

    /// The numbers of some rows, a column each.
    fn numbers(&self, rows: &Input<'_>) -> Result<Vec<Float64Array>, DataError> {
        let numbers = (0..self.names.len()).map(|i| {
            let mut numbers = Float64Builder::with_capacity(rows.rows());
            rows.numbers(self.key.len() + 1 + i, |_, x| numbers.append_option(x))?;
            Ok(numbers.finish())
        });
        numbers.collect()
    }
}

fn new(block: &Block, step: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let options = Options::new(block, step);
    let events = EventsFit::new(options.names.len(), true, None);
    Stage::fit(Rows { options, events })
}

/// Training rows that are being gathered.
#[derive(Debug)]
struct Rows {
    options: Options,
    events: EventsFit,
}

impl Fit for Rows {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        let key = self.options.key.len();
        let numbers = self.options.numbers(rows)?.into_iter().map(|numbers| Arc::new(numbers) as ArrayRef);
        let (keys, times) = (keys(rows, key)?, times_of(rows, key)?);
        self.events.observe(&keys, Some(&times), &numbers.collect::<Vec<_>>()).map_err(failed(NAME))
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.events.merge(other.events).map_err(failed(NAME))
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        let events = self.events.finish().map_err(failed(NAME))?;
        Ok(Arc::new(Lag { options: self.options, events }))
    }
}

/// Numbers of the training rows by key and time.
#[derive(Debug)]
struct Lag {
    options: Options,
    events: Events,
}

impl Transform for Lag {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let Options { key, shift, .. } = &self.options;
        let (keys, times) = (keys(rows, key.len())?, times_of(rows, key.len())?);
        let earlier = |row: usize| {
            let seen = self.events.seen(&keys, row, Before::Time(times[row]));
            if seen.len() < *shift { None } else { Some(seen.end - shift) }
        };
        let earlier: Vec<Option<usize>> = (0..rows.rows()).map(earlier).collect();
        let mut made: Vec<ArrayRef> = Vec::with_capacity(self.options.names.len());
        for (now, then) in self.options.numbers(rows)?.iter().zip(self.events.columns()) {
            // Without any event, the column has no type.
            let then = then.as_primitive_opt::<Float64Type>();
            let number = |event: usize| then.filter(|then| then.is_valid(event)).map(|then| then.value(event));
            let differences = now.iter().zip(&earlier).map(|(now, event)| Some(now? - number((*event)?)?));
            made.push(Arc::new(differences.collect::<Float64Array>()));
        }
        Ok(Output::Columns(made))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        save_events(saver, &self.events, &self.options.key, &self.options.names)
    }

    fn describe(&self) -> String {
        format!("{} rows of {} keys", self.events.count(), self.events.keys().len())
    }
}

fn load(block: &Block, step: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let options = Options::new(block, step);
    let events = load_events(saved, &options.key, &options.names, true)?;
    if events.columns().iter().any(|column| !column.is_empty() && *column.data_type() != DataType::Float64) {
        return Err(saved.refuse("has a column of other values than numbers"));
    }
    Ok(Arc::new(Lag { options, events }))
}
