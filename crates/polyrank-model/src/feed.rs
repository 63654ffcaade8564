//! An encoded batch as the engine sees it.

use polyrank_data::{Batch, Ids};
use polyrank_engine::{Feed, SlotIds, Targets};

/// Borrows a batch's labels and weights.
pub fn targets(batch: &Batch) -> Targets<'_, f32> {
    Targets { labels: &batch.labels, weights: &batch.weights }
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
