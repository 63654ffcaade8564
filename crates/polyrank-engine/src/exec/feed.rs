//! A batch as the engine sees it: ids by slot and numbers, borrowed.

use crate::graph::{Graph, Pooling, Space};
use crate::ops::Op;
use crate::ops::lookup::Ids;

/// B rows of input.
#[derive(Debug, Clone)]
pub struct Feed<'a, T> {
    /// Rows (B).
    pub rows: usize,
    /// Ids by slot.
    pub slots: Vec<SlotIds<'a>>,
    /// Numbers, `[B, W]` row by row.
    pub dense: &'a [T],
}

/// The ids of one slot.
#[derive(Debug, Clone, Copy)]
pub enum SlotIds<'a> {
    /// One a row, `[B]`.
    One(&'a [u32]),
    /// Any number a row.
    Many {
        /// Where each row's ids begin and end, `[B + 1]`.
        offsets: &'a [u32],
        /// All ids.
        ids: &'a [u32],
    },
}

/// A feed or a label matrix that does not fit the graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("batch does not fit the network: {0}")]
pub struct FeedError(pub String);

impl<T> Feed<'_, T> {
    /// Checks shapes and that every id lies in its table, so that no kernel has to.
    pub(crate) fn check(&self, graph: &Graph) -> Result<(), FeedError> {
        let fail = |text: String| Err(FeedError(text));
        if self.slots.len() < graph.slots {
            return fail(format!("{} slots of ids, the network reads {}", self.slots.len(), graph.slots));
        }
        if graph.dense_width > 0 && self.rows.checked_mul(graph.dense_width) != Some(self.dense.len()) {
            return fail(format!("{} numbers for {} rows of {}", self.dense.len(), self.rows, graph.dense_width));
        }
        // Many values share a list's rows; its offsets are looked through once.
        let mut lists = Vec::new();
        for node in &graph.nodes {
            if let Space::List { slot, most, .. } = node.space
                && !lists.contains(&(slot, most))
            {
                self.check_list(&node.name, slot, most)?;
                lists.push((slot, most));
            }
            let Op::Lookup(lookup) = &node.op else { continue };
            let Ids::Slot(slot) = lookup.ids else { continue };
            let table = &graph.tables[lookup.table.0];
            let ids = match (self.slots[slot], lookup.pooling) {
                (SlotIds::One(ids), Pooling::One) if ids.len() == self.rows => ids,
                (SlotIds::Many { offsets, ids }, pooling) if pooling != Pooling::One => {
                    if !self.cuts(offsets, ids, usize::MAX) {
                        return fail(format!("{}: offsets do not cut its ids into {} rows", node.name, self.rows));
                    }
                    let same = |other: SlotIds<'_>| matches!(other, SlotIds::Many { offsets: o, .. } if o == offsets);
                    if let Space::List { slot: like, .. } = lookup.space
                        && !same(self.slots[like])
                    {
                        let text = "has another number of ids in some rows than the list that it belongs to";
                        return fail(format!("{}: {text}", node.name));
                    }
                    ids
                }
                _ => return fail(format!("{}: slot {slot} has another shape", node.name)),
            };
            let largest = ids.iter().copied().max().unwrap_or(0) as usize;
            if largest >= table.rows {
                return fail(format!("{}: id {largest} in a table of {} rows", node.name, table.rows));
            }
        }
        Ok(())
    }

    /// Whether offsets cut ids into the batch's rows of at most `most`.
    fn cuts(&self, offsets: &[u32], ids: &[u32], most: usize) -> bool {
        offsets.len().checked_sub(1) == Some(self.rows)
            && offsets.first() == Some(&0)
            && offsets.last().map(|&n| n as usize) == Some(ids.len())
            && offsets.windows(2).all(|w| w[0] <= w[1] && (w[1] - w[0]) as usize <= most)
    }

    /// A list's ids are cut into the batch's rows, none of them longer than its values' places.
    fn check_list(&self, name: &str, slot: usize, most: usize) -> Result<(), FeedError> {
        let Some(SlotIds::Many { offsets, ids }) = self.slots.get(slot) else {
            return Err(FeedError(format!("{name}: slot {slot} has another shape")));
        };
        if self.cuts(offsets, ids, most) {
            return Ok(());
        }
        Err(FeedError(format!("{name}: offsets do not cut its ids into {} rows of at most {most}", self.rows)))
    }
}
