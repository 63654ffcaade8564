//! Embeddings: y = table[id] for the row's id or for each of its ids, or the sum, mean or maximum over them; no ids give
//! zeros.

use crate::exec::context::{Backward, Forward};
use crate::exec::feed::SlotIds;
use crate::graph::{Pooling, Space, Table};
use crate::kernels::rows::copy_row;
use crate::ops::Kernel;
use crate::real::Real;
use crate::table::EmbeddingTable;

/// Where a lookup's ids come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// A slot of the feed.
    Slot(usize),
    /// Ids drawn at each step.
    Sampled(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    pub(crate) ids: Ids,
    pub(crate) table: Table,
    pub(crate) dim: usize,
    pub(crate) pooling: Pooling,
    pub(crate) space: Space,
}

impl Kernel for Lookup {
    const NAME: &'static str = "lookup";

    fn width(&self, _: &[usize]) -> Result<usize, String> {
        Ok(self.dim)
    }

    fn space(&self, _: &[Space]) -> Result<Space, String> {
        match (self.pooling, self.space) {
            (Pooling::Each, Space::List { extra: 0, .. }) => Ok(self.space),
            (pooling, Space::Rows) if pooling != Pooling::Each => Ok(self.space),
            (_, space) => Err(format!("cannot look ids up for {}", space.name())),
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let table = cx.state.table(self.table);
        match cx.input.ids(self.ids) {
            SlotIds::Many { ids, .. } if self.pooling == Pooling::Each => {
                table.each(&ids[cx.rows.clone()], |r, row| row.copy_to(cx.y.row_mut(r)));
            }
            SlotIds::One(ids) => table.each(&ids[cx.rows.clone()], |r, row| row.copy_to(cx.y.row_mut(r))),
            SlotIds::Many { offsets, ids } => {
                for (r, row) in cx.rows.clone().enumerate() {
                    let ids = &ids[offsets[row] as usize..offsets[row + 1] as usize];
                    self.pool(table, ids, cx.y.row_mut(r));
                }
            }
        }
    }

    // Tables are updated row by row once the whole batch is known (`table/`): here the gradient only moves there.
    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        if let Some(out) = &mut cx.slot_grad {
            for (r, out) in out.chunks_exact_mut(self.dim).enumerate() {
                copy_row(out, cx.dy.row(r));
            }
        }
    }
}

impl Lookup {
    #[inline(always)]
    fn pool<T: Real>(&self, table: &EmbeddingTable<T>, ids: &[u32], y: &mut [T]) {
        y.fill(T::ZERO);
        for (i, &id) in ids.iter().enumerate() {
            table.row(id).each(|c, w| {
                y[c] = if self.pooling == Pooling::Max && (i == 0 || w > y[c]) {
                    w
                } else if self.pooling == Pooling::Max {
                    y[c]
                } else {
                    y[c] + w
                };
            });
        }
        if self.pooling == Pooling::Mean && ids.len() > 1 {
            let share = T::ONE / T::of(ids.len() as f64);
            for y in y {
                *y *= share;
            }
        }
    }
}
