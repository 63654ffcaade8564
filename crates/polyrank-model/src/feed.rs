//! An encoded batch as the engine sees it.

use std::borrow::Cow;

use polyrank_data::encode::transformed;
use polyrank_data::{Batch, Ids};
use polyrank_engine::{Feed, SlotIds, Targets};
use polyrank_schema::config::Task;

/// A batch's labels as the tasks learn them, `[B, T]`.
pub fn learned<'a>(tasks: &[Task], batch: &'a Batch) -> Cow<'a, [f32]> {
    if tasks.iter().all(|task| task.transform.is_none()) {
        return Cow::Borrowed(&batch.labels);
    }
    let of = |(label, task): (&f32, &Task)| transformed(task.transform, *label);
    Cow::Owned(batch.labels.iter().zip(tasks.iter().cycle()).map(of).collect())
}

/// Borrows such labels and the batch's weights.
pub fn targets<'a>(labels: &'a [f32], batch: &'a Batch) -> Targets<'a, f32> {
    Targets { labels, weights: &batch.weights }
}

/// Borrows a batch as a feed.
pub fn feed(batch: &Batch) -> Feed<'_, f32> {
    let slots = batch
        .ids
        .iter()
        .map(|ids| match ids {
            Ids::One(ids) => SlotIds::One(ids),
            Ids::Many { offsets, ids } => SlotIds::Many { offsets, ids },
        })
        .collect();
    Feed { rows: batch.rows, slots, dense: &batch.dense }
}
