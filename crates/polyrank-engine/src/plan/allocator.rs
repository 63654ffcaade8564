//! Which stretches of an arena values take.

use crate::graph::Node;
use crate::kernels::arena::{Area, Place};

/// Buffers of an arena's area, handed out and taken back in execution order.
pub(super) struct Allocator {
    area: Area,
    /// (start, length) of free stretches, by start.
    free: Vec<(usize, usize)>,
    pub(super) end: usize,
}

impl Allocator {
    pub(super) fn of(area: Area) -> Allocator {
        Allocator { area, free: Vec::new(), end: 0 }
    }

    /// A buffer for a node's value: rows start on cache lines, an odd number of them apart, so that a column
    /// of many rows spreads over all cache sets.
    pub(super) fn take(&mut self, node: &Node) -> Place {
        let (width, most) = (node.width, node.space.most());
        let lines = width.div_ceil(16) | 1;
        let ld = 16 * lines;
        let all = ld * most;
        // The smallest stretch that fits.
        let best = (0..self.free.len()).filter(|&i| self.free[i].1 >= all).min_by_key(|&i| self.free[i].1);
        let start = match best {
            Some(i) => {
                let (start, length) = self.free[i];
                if length == all {
                    self.free.remove(i);
                } else {
                    self.free[i] = (start + all, length - all);
                }
                start
            }
            None => {
                let start = self.end;
                self.end += all;
                start
            }
        };
        Place { area: self.area, start, ld, column: 0, width, most }
    }

    pub(super) fn give_back(&mut self, place: Place) {
        let at = self.free.partition_point(|f| f.0 < place.start);
        self.free.insert(at, (place.start, place.ld * place.most));
        let mut i = 0;
        while i + 1 < self.free.len() {
            if self.free[i].0 + self.free[i].1 == self.free[i + 1].0 {
                self.free[i].1 += self.free[i + 1].1;
                self.free.remove(i + 1);
            } else {
                i += 1;
            }
        }
    }
}
