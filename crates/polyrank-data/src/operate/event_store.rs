//! Events of operators on disk.

use serde::{Deserialize, Serialize};

use super::by_key::TABLE;
use super::saved::{Saved, Saver};
use crate::error::DataError;
use crate::keyed::Events;

/// What a step's JSON file says of its events.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    keys: usize,
    events: usize,
}

/// Writes events: keys of the columns `on`, and their columns under `names`.
pub(super) fn save_events(
    saver: &mut Saver<'_>,
    events: &Events,
    on: &[String],
    names: &[String],
) -> Result<(), DataError> {
    saver.json(&Size { keys: events.keys().len(), events: events.count() })?;
    let batches = events.batches(on, names).map_err(DataError::Batch)?;
    match batches.split_first() {
        Some((first, more)) => saver.table(TABLE, first, more),
        None => Ok(()),
    }
}

/// Reads events that were saved.
pub(super) fn load_events(
    saved: &Saved<'_>,
    on: &[String],
    names: &[String],
    timed: bool,
) -> Result<Events, DataError> {
    let Size { keys, events: count } = saved.json()?;
    let batches = saved.table(TABLE, &Events::saved_names(on, names, timed))?;
    let events = Events::restore(&batches, on, names, timed).map_err(|e| saved.refuse(e.to_string()))?;
    if (events.keys().len(), events.count()) != (keys, count) {
        return Err(saved.refuse("says other numbers of keys and events than its table has"));
    }
    Ok(events)
}
