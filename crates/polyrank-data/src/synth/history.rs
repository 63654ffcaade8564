//! Histories: which items a user took to before. Of a few items that came up, it was the one nearest to the user's taste.

use super::cells::{Cells, Drawing, Values};
use super::design::{Column, Content, Design, Owner};
use super::population::{Cast, Population};
use super::random::Stream;
use super::signals::{FACTORS, Raw, Signals};

/// Items of which a user takes to one.
const CHOICE: u64 = 3;
/// Rows in which every history moves on by one item.
const STEP: u64 = 4096;

/// What tells an item's topic.
#[derive(Debug)]
pub(super) struct Topics {
    /// Its own number.
    id: Option<usize>,
    /// Its categories: column, how many values, and how they are drawn.
    categories: Vec<(usize, u64, Stream)>,
}

impl Topics {
    pub(super) fn new(design: &Design, drawings: &[Drawing]) -> Topics {
        let of_items = || design.columns.iter().enumerate().filter(|(_, c)| c.owner == Owner::Item && c.list.is_none());
        let categories = of_items().filter_map(|(index, column)| match column.content {
            Content::Category { values, .. } => Some((index, values, drawings[index].stream())),
            _ => None,
        });
        let mut ids = of_items().filter(|(_, column)| matches!(column.content, Content::Id { .. }));
        Topics { id: ids.next().map(|(index, _)| index), categories: categories.collect() }
    }

    fn of(&self, item: u64, signals: &Signals, scratch: &mut Vec<f64>) -> [f64; FACTORS] {
        let mut topic = [0.0; FACTORS];
        if let Some(id) = self.id {
            signals.add_topic(id, item, scratch, &mut topic);
        }
        for (column, values, stream) in &self.categories {
            signals.add_topic(*column, stream.skewed(item, *values), scratch, &mut topic);
        }
        topic
    }

    /// The histories in the rows from `first` on.
    pub(super) fn histories(
        &self,
        column: &Column,
        drawing: Drawing,
        population: &Population,
        signals: &Signals,
        raw: &Raw,
        first: u64,
        cast: &Cast,
    ) -> Cells {
        let offsets = drawing.offsets(&cast.users, column.list.unwrap_or((1, 1)));
        let mut items = Vec::with_capacity(offsets.last().map_or(0, |end| *end as usize));
        let mut scratch = Vec::new();
        let width = signals.count * FACTORS;
        for (row, user) in cast.users.iter().enumerate() {
            let taste = &raw.tastes[row * width..][..FACTORS];
            let from = first.wrapping_add(row as u64) / STEP;
            for e in 0..u64::from(offsets[row + 1] - offsets[row]) {
                let mut best = (f64::NEG_INFINITY, 0);
                for k in 0..CHOICE {
                    let place = user.rotate_left(32) ^ from.wrapping_add(e).wrapping_mul(CHOICE).wrapping_add(k);
                    let item = population.established_item(drawing.stream(), place);
                    let topic = self.of(item, signals, &mut scratch);
                    let liking: f64 = taste.iter().zip(topic).map(|(a, b)| a * b).sum();
                    if liking > best.0 {
                        best = (liking, item);
                    }
                }
                items.push(best.1);
            }
        }
        // Without `list` the latest item stands alone.
        Cells { values: Values::Codes(items), offsets: column.list.map(|_| offsets) }
    }
}
