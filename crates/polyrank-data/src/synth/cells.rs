//! The values of a column in some rows.

use super::design::{Column, Content, Owner};
use super::population::Cast;
use super::random::Stream;

/// Values of one column, one a row or one list a row.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) values: Values,
    /// Where each row's list begins, and where the last ends; `None` for a column without lists.
    pub(super) offsets: Option<Vec<u32>>,
}

/// What the values are.
#[derive(Debug)]
pub(super) enum Values {
    /// Codes from 0.
    Codes(Vec<u64>),
    /// Uniform in [0, 1), to be spread over the column's bounds.
    Units(Vec<f64>),
}

/// Draws a column's values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawing {
    values: Stream,
    lengths: Stream,
}

/// 2020-01-01, in seconds of the Unix epoch.
const FIRST_TIME: u64 = 1_577_836_800;
/// Places between the lists of two owners in a stream; no list is longer.
const LIST_PLACES: u64 = 65_536;

impl Drawing {
    /// Of a column; what rows alone decide is drawn by their seed, what users and items are by the world's.
    pub(super) fn new(column: &Column, index: usize, world: u64, rows: u64) -> Drawing {
        let seed = if column.owner == Owner::Context { rows } else { world };
        let stream = |purpose: u64| Stream::new(seed, (16 + purpose) << 32 | index as u64);
        Drawing { values: stream(0), lengths: stream(1) }
    }

    /// The values in the rows from `first` on. Histories and vectors depend on tastes and are made elsewhere.
    pub(super) fn cells(&self, column: &Column, first: u64, cast: &Cast) -> Cells {
        let rows: Vec<u64>;
        let owners = match (column.owner, column.content) {
            (Owner::User, _) => &cast.users,
            (Owner::Item, _) => &cast.items,
            (Owner::Context, Content::Id { .. }) => &cast.sessions,
            (Owner::Context, _) => {
                rows = (0..cast.users.len() as u64).map(|r| first.wrapping_add(r)).collect();
                &rows
            }
        };
        let offsets = column.list.map(|bounds| self.offsets(owners, bounds));
        let places: Vec<u64> = match &offsets {
            None => owners.clone(),
            Some(offsets) => places(owners, offsets),
        };
        let values = match column.content {
            Content::Id { .. } => Values::Codes(places),
            Content::Category { values, .. } => {
                Values::Codes(places.iter().map(|n| self.values.skewed(*n, values)).collect())
            }
            Content::Time => Values::Codes(places.iter().map(|n| self.time(*n)).collect()),
            Content::Number { .. } => Values::Units(places.iter().map(|n| self.values.uniform(*n)).collect()),
            Content::History { .. } | Content::Vector { .. } => Values::Codes(Vec::new()),
        };
        Cells { values, offsets }
    }

    /// Where the lists of these owners begin.
    pub(super) fn offsets(&self, owners: &[u64], (shortest, longest): (u32, u32)) -> Vec<u32> {
        let mut offsets = Vec::with_capacity(owners.len() + 1);
        let mut end = 0u32;
        offsets.push(end);
        for owner in owners {
            end += shortest + (self.lengths.uniform(*owner) * f64::from(longest - shortest + 1)) as u32;
            offsets.push(end);
        }
        offsets
    }

    /// Number `n` of the column's stream.
    pub(super) fn stream(&self) -> Stream {
        self.values
    }

    /// Three seconds a row, give or take one.
    fn time(&self, row: u64) -> u64 {
        FIRST_TIME.wrapping_add(row.wrapping_mul(3)).wrapping_add((2.0 * self.values.uniform(row)) as u64)
    }
}

/// A place in a stream for each value of each owner's list.
pub(super) fn places(owners: &[u64], offsets: &[u32]) -> Vec<u64> {
    let lists = owners.iter().zip(offsets.windows(2));
    lists.flat_map(|(owner, ends)| (0..u64::from(ends[1] - ends[0])).map(|e| place(*owner, e))).collect()
}

/// The place of value `e` of an owner's list.
pub(super) fn place(owner: u64, e: u64) -> u64 {
    owner.wrapping_mul(LIST_PLACES).wrapping_add(e)
}
