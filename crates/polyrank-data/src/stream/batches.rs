//! Batches of one size, shuffled or not, from batches of any sizes.

use crate::batch::Batch;
use crate::error::DataError;

use super::gather::Gather;
use super::random::{Purpose, Random};

/// How rows are shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shuffle {
    /// Rows that the buffer holds, at least 2 to have an effect. If all rows fit, every order is equally likely; else
    /// rows leave the full buffer in random order, half of it at a time.
    pub buffer_rows: usize,
    /// The seed.
    pub seed: u64,
    /// The pass over the rows, from 0: another order each.
    pub epoch: u64,
}

/// Gives batches of exactly `batch_size` rows, the last one with what is left. Which rows are in which batch does not
/// depend on how the incoming rows are cut. Ends after the first error.
///
/// Memory: the buffer, half of it again while rows move up, one incoming batch and one outgoing batch.
#[derive(Debug)]
pub struct Batches<I> {
    source: I,
    batch_size: usize,
    /// The incoming batch and how many of its rows are used.
    incoming: (Batch, usize),
    /// Whether the source may have more.
    more: bool,
    buffer: Option<Buffer>,
    failed: bool,
}

/// Rows to choose from.
#[derive(Debug)]
struct Buffer {
    capacity: usize,
    random: Random,
    pool: Batch,
    /// Rows of the pool in the order to give them out, and how many of them were.
    order: Vec<u32>,
    given: usize,
    /// How many of them are given out before the pool is filled up again.
    quota: usize,
}

impl<I: Iterator<Item = Result<Batch, DataError>>> Batches<I> {
    /// Cuts `source` into batches of `batch_size` rows (at least 1), shuffled if `shuffle` says how.
    pub fn new(source: I, batch_size: usize, shuffle: Option<Shuffle>) -> Batches<I> {
        let buffer = shuffle.map(|shuffle| Buffer {
            // Rows are numbered with 32 bits.
            capacity: shuffle.buffer_rows.clamp(2, u32::MAX as usize),
            random: Random::new(shuffle.seed, Purpose::Shuffle(shuffle.epoch)),
            pool: Batch::default(),
            order: Vec::new(),
            given: 0,
            quota: 0,
        });
        let incoming = (Batch::default(), 0);
        Batches { source, batch_size: batch_size.max(1), incoming, more: true, buffer, failed: false }
    }

    fn read(&mut self) -> Result<Option<Batch>, DataError> {
        let mut batch = Batch::default();
        let mut buffer = self.buffer.take();
        match &mut buffer {
            None => self.pull(&mut batch, self.batch_size)?,
            Some(buffer) => {
                while batch.rows < self.batch_size {
                    if buffer.given == buffer.quota && !self.refill(buffer)? {
                        break;
                    }
                    let end = buffer.quota.min(buffer.given + self.batch_size - batch.rows);
                    batch.append_rows(&buffer.pool, &buffer.order[buffer.given..end])?;
                    buffer.given = end;
                }
            }
        }
        self.buffer = buffer;
        Ok((batch.rows > 0).then_some(batch))
    }

    /// Moves incoming rows to `into` until it has `rows` of them or none are left.
    fn pull(&mut self, into: &mut Batch, rows: usize) -> Result<(), DataError> {
        while into.rows < rows {
            let (batch, used) = &mut self.incoming;
            if *used < batch.rows {
                let end = batch.rows.min(*used + rows - into.rows);
                into.append_range(batch, *used..end)?;
                *used = end;
                continue;
            }
            if !self.more {
                break;
            }
            match self.source.next().transpose()? {
                Some(next) => {
                    next.check()?;
                    self.incoming = (next, 0);
                }
                None => self.more = false,
            }
        }
        Ok(())
    }

    /// Drops the rows given out, fills the pool up and draws the rows to give out next; `false` if none are left.
    fn refill(&mut self, buffer: &mut Buffer) -> Result<bool, DataError> {
        if buffer.given > 0 {
            let kept = &mut buffer.order[buffer.given..];
            // In their old order, for the memory's sake: the next draw mixes them anyway.
            kept.sort_unstable();
            let mut pool = Batch::default();
            pool.append_rows(&buffer.pool, kept)?;
            buffer.pool = pool;
        }
        self.pull(&mut buffer.pool, buffer.capacity)?;
        let rows = buffer.pool.rows;
        buffer.order.clear();
        buffer.order.extend(0..rows as u32);
        buffer.given = 0;
        buffer.quota = if rows < buffer.capacity { rows } else { rows.div_ceil(2) };
        buffer.random.draw(&mut buffer.order, buffer.quota);
        Ok(rows > 0)
    }
}

impl<I: Iterator<Item = Result<Batch, DataError>>> Iterator for Batches<I> {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let result = self.read();
        self.failed = result.is_err();
        result.transpose()
    }
}
