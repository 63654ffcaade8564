//! `history`: what a user did before a row: for each row the list of its key's events strictly before the row's time, the
//! last `max_length` of them, oldest first. Several columns of events stay aligned, as DIN and its like need them.
//!
//! Events are the training rows, or rows of files of their own, one an event, or one a key with lists of them. An event at
//! the row's own time or after it is never seen, so neither is the row itself, nor its label. Files that all precede the
//! rows may be given without times; then each row sees all events of its key. `where` says which events count.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::ArrayRef;
use polyrank_schema::Expression;
use polyrank_schema::operator::always;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::by_key::{NEW_NAMES, check_distinct, check_new_names, failed, keys, new_names, times_of};
use super::event_rows::EventRows;
use super::event_store::{load_events, save_events};
use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform};
use super::saved::{Saved, Saver};
use super::table_files::each_batch;
use crate::error::DataError;
use crate::keyed::{Before, Events, EventsFit, Time};

const NAME: &str = "history";

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: NAME,
            doc: "lists of what happened before a row to the same key",
            options: &[
                OptionSpec {
                    key: "key",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "columns whose values together say whose history it is",
                },
                OptionSpec {
                    key: "collect",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "columns of events, each of which becomes a column of lists",
                },
                OptionSpec {
                    key: "time",
                    kind: OptionKind::Column,
                    default: OptionDefault::Absent,
                    doc: "the row's time; without it all events of `events` are seen",
                },
                OptionSpec {
                    key: "max_length",
                    kind: OptionKind::Int { min: 1, max: MAX_LENGTH },
                    default: OptionDefault::Always(Literal::Int(50)),
                    doc: "only so many events, the last, are in a list",
                },
                OptionSpec {
                    key: "events",
                    kind: OptionKind::Paths,
                    default: OptionDefault::Absent,
                    doc: "files of events; the training rows if left out",
                },
                OptionSpec {
                    key: "event_key",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Absent,
                    doc: "what the files call the columns of `key`, if otherwise",
                },
                OptionSpec {
                    key: "event_time",
                    kind: OptionKind::Column,
                    default: OptionDefault::Absent,
                    doc: "what the files call `time`, if otherwise; without `time`, what their events are ordered by",
                },
                OptionSpec {
                    key: "where",
                    kind: OptionKind::Text,
                    default: OptionDefault::Absent,
                    doc: "a condition on the columns of events: only those for which it holds count",
                },
                NEW_NAMES,
            ],
            check,
        },
        steps,
        fits: from_rows,
        hides_labels: always,
    },
    new,
    load: Some(load),
};

const MAX_LENGTH: i64 = 1 << 16;

/// Whether the events are the training rows.
fn from_rows(block: &Block) -> bool {
    !block.has("events")
}

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    if from_rows(block) {
        if let Some(key) = ["event_key", "event_time"].into_iter().find(|key| block.has(key)) {
            return Err(format!("`{key}` is about `events`, which are not given"));
        }
        if !block.has("time") {
            return Err(
                "give `time`, or `events` that all precede the rows: a row must not be in its own history".to_owned()
            );
        }
    }
    let (key, event_key) = (block.names("key").len(), block.names("event_key").len());
    if block.has("event_key") && key != event_key {
        return Err(format!("`event_key` has {event_key} names for {key} columns; give each its own"));
    }
    condition(block)?;
    ["key", "event_key", "collect"].iter().try_for_each(|key| check_distinct(block, key))?;
    check_new_names(block, block.names("collect").len())
}

/// The condition on events, if there is one.
fn condition(block: &Block) -> Result<Option<Expression>, String> {
    let condition = block.has("where").then(|| Expression::parse(block.text("where")));
    condition.transpose().map_err(|e| format!("`where`: {}", e.problem()))
}

fn event_rows(block: &Block) -> Result<EventRows, String> {
    let key = if block.has("event_key") { block.names("event_key") } else { block.names("key") };
    let time = if block.has("event_time") { "event_time" } else { "time" };
    Ok(EventRows {
        key: key.to_vec(),
        time: block.has(time).then(|| block.text(time).to_owned()),
        collect: block.names("collect").to_vec(),
        condition: condition(block)?,
    })
}

fn steps(block: &Block) -> Vec<Step> {
    let usual = block.names("collect").iter().map(|column| format!("{column}_history")).collect();
    let mut reads = block.names("key").to_vec();
    reads.extend(block.has("time").then(|| block.text("time").to_owned()));
    let events = if from_rows(block) { event_rows(block).ok() } else { None };
    let fits_on = events.map_or(Vec::new(), |events| events.columns());
    let fits_on = fits_on.into_iter().filter(|column| !reads.contains(column)).collect();
    vec![Step { fits_on, ..Step::new(reads, new_names(block, usual)) }]
}

/// What is configured.
#[derive(Debug, Clone)]
struct Options {
    key: Vec<String>,
    names: Vec<String>,
    /// Whether a row sees only events before its time.
    timed: bool,
    max_length: usize,
}

impl Options {
    fn new(block: &Block, step: &Step) -> Options {
        Options {
            key: block.names("key").to_vec(),
            names: step.writes.clone(),
            timed: block.has("time"),
            max_length: block.size("max_length").clamp(1, MAX_LENGTH as usize),
        }
    }
}

fn new(block: &Block, step: &Step, setting: &Setting<'_>) -> Result<Stage, DataError> {
    let options = Options::new(block, step);
    let rows = event_rows(block).map_err(failed(NAME))?;
    if from_rows(block) {
        let events = EventsFit::new(options.names.len(), true, None);
        return Stage::fit(FromRows { options, rows, events });
    }
    // Where all are seen, only the last matter.
    let last = (!options.timed).then_some(options.max_length);
    let mut events = EventsFit::new(options.names.len(), rows.time.is_some(), last);
    each_batch(block.names("events"), setting, &rows.columns(), |batch| rows.gather(batch, &mut events, NAME))?;
    Stage::ready(History { options, events: events.finish().map_err(failed(NAME))? })
}

/// Events of the training rows, being gathered.
#[derive(Debug)]
struct FromRows {
    options: Options,
    rows: EventRows,
    events: EventsFit,
}

impl Fit for FromRows {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        self.rows.gather(&rows.batch()?, &mut self.events, NAME)
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.events.merge(other.events).map_err(failed(NAME))
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        Ok(Arc::new(History { options: self.options, events: self.events.finish().map_err(failed(NAME))? }))
    }
}

/// What happened when.
#[derive(Debug)]
struct History {
    options: Options,
    events: Events,
}

impl Transform for History {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let key = self.options.key.len();
        let keys = keys(rows, key)?;
        let times: Option<Vec<Option<Time>>> = if self.options.timed { Some(times_of(rows, key)?) } else { None };
        let seen = |row: usize| -> Range<usize> {
            let before = times.as_ref().map_or(Before::All, |times| Before::Time(times[row]));
            let all = self.events.seen(&keys, row, before);
            all.start.max(all.end.saturating_sub(self.options.max_length))..all.end
        };
        let seen: Vec<Range<usize>> = (0..rows.rows()).map(seen).collect();
        let lists = self.events.lists(&seen).map_err(failed(NAME))?;
        Ok(Output::Columns(lists.into_iter().map(|list| Arc::new(list) as ArrayRef).collect()))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        save_events(saver, &self.events, &self.options.key, &self.options.names)
    }

    fn describe(&self) -> String {
        format!("{} events of {} keys", self.events.count(), self.events.keys().len())
    }
}

fn load(block: &Block, step: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let options = Options::new(block, step);
    let events = load_events(saved, &options.key, &options.names, options.timed)?;
    Ok(Arc::new(History { options, events }))
}
