//! What ops read of a batch: the feed, the labels, and ids drawn at random.

use std::ops::Range;

use crate::exec::context::Training;
use crate::exec::feed::{Feed, SlotIds};
use crate::exec::targets::Targets;
use crate::graph::{Graph, Space};
use crate::ops::lookup::Ids;
use crate::real::Real;
use crate::rng::Purpose;

/// A batch with all that comes with it in training.
pub(crate) struct Input<'a, T> {
    pub(crate) feed: &'a Feed<'a, T>,
    /// No labels when scoring.
    targets: Targets<'a, T>,
    /// By sampled slot: an id for each of the slot that it is like.
    sampled: Vec<Vec<u32>>,
}

impl<'a, T: Real> Input<'a, T> {
    /// A batch to score.
    pub(crate) fn scoring(feed: &'a Feed<'a, T>) -> Input<'a, T> {
        Input { feed, targets: Targets { labels: &[], weights: &[] }, sampled: Vec::new() }
    }

    /// A batch to train on. The feed has been checked.
    pub(crate) fn training(
        graph: &Graph,
        feed: &'a Feed<'a, T>,
        targets: Targets<'a, T>,
        training: Training,
    ) -> Input<'a, T> {
        let draw = |(i, sampled): (usize, &crate::graph::Sampled)| {
            let SlotIds::Many { ids, .. } = feed.slots[sampled.like] else { return Vec::new() };
            let stream = training.stream(Purpose::Negatives, i as u64);
            // Evenly from all rows but the given one: that one's place is skipped.
            let draw = |(at, &id): (usize, &u32)| {
                let skip = id >= sampled.first;
                let rows = u64::from(sampled.rows - sampled.first) - u64::from(skip);
                let drawn = sampled.first + (stream.uniform(at as u64) * rows as f64) as u32;
                drawn + u32::from(skip && drawn >= id)
            };
            ids.iter().enumerate().map(draw).collect()
        };
        Input { feed, targets, sampled: graph.sampled.iter().enumerate().map(draw).collect() }
    }

    /// A lookup's ids.
    pub(crate) fn ids(&self, ids: Ids) -> SlotIds<'_> {
        match ids {
            Ids::Slot(slot) => self.feed.slots[slot],
            // Which ids belong to which row is the list's business.
            Ids::Sampled(i) => SlotIds::One(&self.sampled[i]),
        }
    }

    /// The label of a row of the batch.
    pub(crate) fn label(&self, row: usize, task: usize) -> T {
        self.targets.labels[self.target(row, task)]
    }

    /// The weight of a row of the batch for a task.
    pub(crate) fn weight(&self, row: usize, task: usize) -> T {
        self.targets.weight(self.target(row, task))
    }

    fn target(&self, row: usize, task: usize) -> usize {
        row * (self.targets.labels.len() / self.feed.rows) + task
    }

    /// The rows of a space that belong to a row of the batch.
    pub(crate) fn segment(&self, space: Space, row: usize) -> Range<usize> {
        self.range(space, row..row + 1)
    }

    /// The rows of a space that belong to rows of the batch.
    pub(crate) fn range(&self, space: Space, rows: Range<usize>) -> Range<usize> {
        match space {
            Space::Rows => rows,
            Space::Once => 0..1,
            Space::Fields(fields) => rows.start * fields..rows.end * fields,
            Space::List { slot, extra, .. } => match self.feed.slots[slot] {
                SlotIds::One(_) => rows,
                SlotIds::Many { offsets, .. } => {
                    let at = |row: usize| offsets[row] as usize + row * extra;
                    at(rows.start)..at(rows.end)
                }
            },
        }
    }
}
