//! Moving rows between encoded batches, column by column.

use std::ops::Range;

use crate::batch::{Batch, Ids};
use crate::error::DataError;

/// What [`Batch`] offers for moving rows. Rows are appended, so that one allocation serves many calls.
pub trait Gather: Sized {
    /// Checks that every column has as many rows as the batch says, which the other functions rely on.
    fn check(&self) -> Result<(), DataError>;

    /// Appends a range of another batch's rows; an empty `self` takes the other's columns first.
    fn append_range(&mut self, from: &Self, range: Range<usize>) -> Result<(), DataError>;

    /// Appends the rows of another batch that `rows` names, in that order; an empty `self` takes the other's columns
    /// first.
    fn append_rows(&mut self, from: &Self, rows: &[u32]) -> Result<(), DataError>;

    /// The rows of all batches, one batch after the other.
    fn concat(batches: &[Self]) -> Result<Self, DataError>;

    /// A copy of a range of rows.
    fn slice(&self, range: Range<usize>) -> Result<Self, DataError>;
}

impl Gather for Batch {
    fn check(&self) -> Result<(), DataError> {
        for (slot, ids) in self.ids.iter().enumerate() {
            let sound = match ids {
                Ids::One(ids) => ids.len() == self.rows,
                Ids::Many { offsets, ids } => {
                    offsets.len() == self.rows + 1
                        && offsets.first() == Some(&0)
                        && offsets.last().is_some_and(|last| *last as usize == ids.len())
                        && offsets.is_sorted()
                }
            };
            if !sound {
                return Err(DataError::Batch(format!("slot {slot} does not hold the ids of {} rows", self.rows)));
            }
        }
        for (name, numbers) in [("numbers", &self.dense), ("labels", &self.labels), ("weights", &self.weights)] {
            let whole = if self.rows == 0 { numbers.is_empty() } else { numbers.len() % self.rows == 0 };
            if !whole {
                let problem = format!("{} {name} do not divide among {} rows", numbers.len(), self.rows);
                return Err(DataError::Batch(problem));
            }
        }
        if !self.groups.is_empty() && self.groups.len() != self.rows {
            return Err(DataError::Batch(format!("{} groups for {} rows", self.groups.len(), self.rows)));
        }
        Ok(())
    }

    fn append_range(&mut self, from: &Batch, range: Range<usize>) -> Result<(), DataError> {
        within(from, range.start, range.end)?;
        if range.is_empty() {
            return Ok(());
        }
        meet(self, from)?;
        for (into, from) in self.ids.iter_mut().zip(&from.ids) {
            match (into, from) {
                (Ids::One(into), Ids::One(from)) => into.extend_from_slice(&from[range.clone()]),
                (Ids::Many { offsets: ends, ids: into }, Ids::Many { offsets, ids }) => {
                    let (first, last) = (offsets[range.start], offsets[range.end]);
                    let before = room(into.len(), (last - first) as usize)?;
                    into.extend_from_slice(&ids[first as usize..last as usize]);
                    ends.extend(offsets[range.start + 1..=range.end].iter().map(|end| before + (end - first)));
                }
                _ => return Err(unlike()),
            }
        }
        for (into, from, width) in numbers(self, from) {
            into.extend_from_slice(&from[range.start * width..range.end * width]);
        }
        if !from.groups.is_empty() {
            self.groups.extend_from_slice(&from.groups[range.clone()]);
        }
        self.rows += range.len();
        Ok(())
    }

    fn append_rows(&mut self, from: &Batch, rows: &[u32]) -> Result<(), DataError> {
        let Some(&last) = rows.iter().max() else { return Ok(()) };
        within(from, last as usize, last as usize + 1)?;
        meet(self, from)?;
        for (into, from) in self.ids.iter_mut().zip(&from.ids) {
            match (into, from) {
                (Ids::One(into), Ids::One(from)) => into.extend(rows.iter().map(|&row| from[row as usize])),
                (Ids::Many { offsets: ends, ids: into }, Ids::Many { offsets, ids }) => {
                    let span = |row: u32| offsets[row as usize] as usize..offsets[row as usize + 1] as usize;
                    let more = rows.iter().map(|&row| span(row).len()).sum();
                    room(into.len(), more)?;
                    into.reserve(more);
                    ends.reserve(rows.len());
                    for &row in rows {
                        into.extend_from_slice(&ids[span(row)]);
                        ends.push(into.len() as u32);
                    }
                }
                _ => return Err(unlike()),
            }
        }
        for (into, from, width) in numbers(self, from) {
            append_numbers(into, from, width, rows);
        }
        if !from.groups.is_empty() {
            self.groups.extend(rows.iter().map(|&row| from.groups[row as usize]));
        }
        self.rows += rows.len();
        Ok(())
    }

    fn concat(batches: &[Batch]) -> Result<Batch, DataError> {
        let mut all = Batch::default();
        for batch in batches {
            batch.check()?;
            all.append_range(batch, 0..batch.rows)?;
        }
        Ok(all)
    }

    fn slice(&self, range: Range<usize>) -> Result<Batch, DataError> {
        self.check()?;
        let mut part = Batch::default();
        part.append_range(self, range)?;
        Ok(part)
    }
}

/// The matrices of both batches, and how many numbers each has a row.
fn numbers<'a>(into: &'a mut Batch, from: &'a Batch) -> [(&'a mut Vec<f32>, &'a [f32], usize); 3] {
    [(&mut into.dense, &from.dense), (&mut into.labels, &from.labels), (&mut into.weights, &from.weights)]
        .map(|(into, of)| (into, of.as_slice(), of.len() / from.rows))
}

fn append_numbers(into: &mut Vec<f32>, from: &[f32], width: usize, rows: &[u32]) {
    if width == 0 {
        return;
    }
    into.reserve(rows.len() * width);
    for &row in rows {
        let start = row as usize * width;
        into.extend_from_slice(&from[start..start + width]);
    }
}

fn within(batch: &Batch, start: usize, end: usize) -> Result<(), DataError> {
    if start <= end && end <= batch.rows {
        return Ok(());
    }
    Err(DataError::Batch(format!("rows {start} to {end} of a batch of {} rows", batch.rows)))
}

/// Makes sure that the batches have the same columns; an empty `into` gets those of `from`.
fn meet(into: &mut Batch, from: &Batch) -> Result<(), DataError> {
    if into.rows == 0 {
        let column = |ids: &Ids| match ids {
            Ids::One(_) => Ids::One(Vec::new()),
            Ids::Many { .. } => Ids::Many { offsets: vec![0], ids: Vec::new() },
        };
        // A batch that was emptied keeps its allocations.
        let alike = into.ids.len() == from.ids.len()
            && into.ids.iter().zip(&from.ids).all(|(a, b)| std::mem::discriminant(a) == std::mem::discriminant(b));
        if !alike {
            into.ids = from.ids.iter().map(column).collect();
        }
        return Ok(());
    }
    let width = |numbers: &[f32], rows: usize| numbers.len() / rows;
    let alike = into.ids.len() == from.ids.len()
        && width(&into.dense, into.rows) == width(&from.dense, from.rows)
        && width(&into.labels, into.rows) == width(&from.labels, from.rows)
        && width(&into.weights, into.rows) == width(&from.weights, from.rows)
        && into.groups.is_empty() == from.groups.is_empty();
    if alike { Ok(()) } else { Err(unlike()) }
}

fn unlike() -> DataError {
    DataError::Batch("their columns differ; encode all rows with the same encoders".into())
}

/// The ids of a slot so far, if as many more fit: places are 32-bit numbers.
fn room(now: usize, more: usize) -> Result<u32, DataError> {
    match (u32::try_from(now), u32::try_from(now.saturating_add(more))) {
        (Ok(now), Ok(_)) => Ok(now),
        _ => {
            let problem = format!("one slot would hold more than {} ids; lower data.shuffle_buffer", u32::MAX);
            Err(DataError::Batch(problem))
        }
    }
}
