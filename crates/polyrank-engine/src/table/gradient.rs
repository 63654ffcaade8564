//! The row-sparse gradient of a batch.
//!
//! A batch names a few rows. Duplicates are found with a small hash table, summed in batch order, and only the rows found
//! are updated: cost follows the batch, not the vocabulary.

use super::EmbeddingTable;
use crate::exec::feed::SlotIds;
use crate::graph::Pooling;
use crate::kernels::buffer::Buffer;
use crate::kernels::simd;
use crate::optim::{Rule, penalise};
use crate::real::Real;
use crate::rng::Stream;

/// One slot's contribution to a table's gradient.
pub(crate) struct SlotGradient<'a, T> {
    pub(crate) ids: SlotIds<'a>,
    pub(crate) pooling: Pooling,
    /// `[B, dim]`.
    pub(crate) grads: &'a [T],
}

/// The gradient of one batch: distinct rows in order of first use, and the sum for each.
#[derive(Debug, Default)]
pub(crate) struct SparseGradient<T> {
    rows: Vec<u32>,
    sums: Buffer<T>,
    /// Per occurrence, the index of its row in `rows`.
    index: Vec<u32>,
    map: RowMap,
}

simd! {
    fn scatter<T: Real>(index: &[u32], grads: &[T], dim: usize, sums: &mut [T]) {
        // A compile-time width unrolls the inner loop: most tables have one of these.
        macro_rules! run {
            ($dim:expr) => {
                for (&i, g) in index.iter().zip(grads.chunks_exact($dim)) {
                    let to = &mut sums[i as usize * $dim..][..$dim];
                    for c in 0..$dim {
                        to[c] += g[c];
                    }
                }
            };
        }
        match dim {
            4 => run!(4),
            8 => run!(8),
            16 => run!(16),
            32 => run!(32),
            64 => run!(64),
            _ => run!(dim),
        }
    }
}

impl<T: Real> SparseGradient<T> {
    /// Sums the slots' gradients by row, in slot order, then batch order.
    pub(crate) fn gather(&mut self, table: &EmbeddingTable<T>, slots: &[SlotGradient<'_, T>]) {
        let dim = table.dim;
        let occurrences = slots
            .iter()
            .map(|s| match s.ids {
                SlotIds::One(ids) | SlotIds::Many { ids, .. } => ids.len(),
            })
            .sum();
        self.rows.clear();
        self.index.clear();
        self.map.reset(occurrences);
        for slot in slots {
            let (SlotIds::One(ids) | SlotIds::Many { ids, .. }) = slot.ids;
            for &id in ids {
                let next = self.rows.len() as u32;
                let i = self.map.find_or_insert(id, next);
                if i == next {
                    self.rows.push(id);
                }
                self.index.push(i);
            }
        }
        self.sums.clear();
        self.sums.resize(self.rows.len() * dim);
        let mut from = 0;
        for slot in slots {
            let (SlotIds::One(ids) | SlotIds::Many { ids, .. }) = slot.ids;
            match slot.ids {
                SlotIds::Many { offsets, ids } if slot.pooling != Pooling::Each => {
                    self.scatter_bags(table, slot, offsets, ids, from);
                }
                _ => scatter(&self.index[from..from + ids.len()], slot.grads, dim, &mut self.sums),
            }
            from += ids.len();
        }
    }

    fn scatter_bags(
        &mut self,
        table: &EmbeddingTable<T>,
        slot: &SlotGradient<'_, T>,
        offsets: &[u32],
        ids: &[u32],
        from: usize,
    ) {
        let dim = table.dim;
        for (window, g) in offsets.windows(2).zip(slot.grads.chunks_exact(dim)) {
            let (start, end) = (window[0] as usize, window[1] as usize);
            let share = match slot.pooling {
                Pooling::Mean if end > start => T::ONE / T::of((end - start) as f64),
                _ => T::ONE,
            };
            if slot.pooling == Pooling::Max {
                for (c, &g) in g.iter().enumerate() {
                    // The first of the largest, as in the forward pass.
                    let mut best = None;
                    for p in start..end {
                        let w = table.row(ids[p]).at(c);
                        if best.is_none_or(|(_, most)| w > most) {
                            best = Some((p, w));
                        }
                    }
                    if let Some((p, _)) = best {
                        self.sums[self.index[from + p] as usize * dim + c] += g;
                    }
                }
                continue;
            }
            for p in start..end {
                let to = &mut self.sums[self.index[from + p] as usize * dim..][..dim];
                for (to, &g) in to.iter_mut().zip(g) {
                    *to += g * share;
                }
            }
        }
    }

    /// Makes the gradient cover every row, in row order: whole-table penalties move them all.
    pub(crate) fn cover_all(&mut self, table: &EmbeddingTable<T>) {
        let dim = table.dim;
        let mut all = Buffer::zeros(table.rows * dim);
        for (&row, sum) in self.rows.iter().zip(self.sums.chunks_exact(dim)) {
            all[row as usize * dim..][..dim].copy_from_slice(sum);
        }
        self.sums = all;
        self.rows.clear();
        self.rows.extend(0..table.rows as u32);
    }

    /// Adds the penalties' gradients on the rows that the gradient names; gives the penalty.
    pub(crate) fn penalise(&mut self, table: &EmbeddingTable<T>, l1: f64, l2: f64) -> f64 {
        let (mut total, mut weights) = (0.0, vec![T::ZERO; table.dim]);
        for (&row, sum) in self.rows.iter().zip(self.sums.chunks_exact_mut(table.dim)) {
            table.row(row).copy_to(&mut weights);
            total += penalise(l1, l2, &weights, sum);
        }
        total
    }

    /// Σ g² over all rows.
    pub(crate) fn square_norm(&self) -> f64 {
        self.sums.iter().map(|g| g.f64() * g.f64()).sum()
    }

    /// Multiplies by a factor.
    pub(crate) fn scale(&mut self, factor: T) {
        for g in &mut *self.sums {
            *g *= factor;
        }
    }

    /// One optimizer step on the rows named; `random` is for the step and the table alone.
    pub(crate) fn update(&self, table: &mut EmbeddingTable<T>, rule: Rule<T>, random: Stream) {
        table.step(rule, &self.rows, &self.sums, random);
    }

    /// The gradient as a whole matrix `[rows, dim]`, for tests.
    pub(crate) fn to_dense(&self, table: &EmbeddingTable<T>) -> Vec<T> {
        let mut all = vec![T::ZERO; table.rows * table.dim];
        for (&row, sum) in self.rows.iter().zip(self.sums.chunks_exact(table.dim)) {
            all[row as usize * table.dim..][..table.dim].copy_from_slice(sum);
        }
        all
    }
}

/// An open-addressing map from row to index, emptied in constant time by changing its generation.
#[derive(Debug, Default)]
struct RowMap {
    /// (generation, row, index).
    slots: Vec<(u32, u32, u32)>,
    generation: u32,
    mask: usize,
}

impl RowMap {
    fn reset(&mut self, most: usize) {
        let size = (2 * most.max(8)).next_power_of_two();
        if self.slots.len() < size || self.generation == u32::MAX {
            self.slots = vec![(0, 0, 0); size.max(self.slots.len())];
            self.generation = 0;
        }
        self.generation += 1;
        self.mask = size - 1;
    }

    #[inline(always)]
    fn find_or_insert(&mut self, row: u32, next: u32) -> u32 {
        // Fibonacci hashing: the high bits of the product are well mixed.
        let hash = u64::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut at = hash as usize & self.mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.0 != self.generation {
                *slot = (self.generation, row, next);
                return next;
            }
            if slot.1 == row {
                return slot.2;
            }
            at = (at + 1) & self.mask;
        }
    }
}
