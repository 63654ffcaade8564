//! Passes over encoded rows.

use std::sync::Arc;

use polyrank_data::Batch;
use polyrank_data::stream::{Batches, Prefetch, Shuffle};

use crate::dataset::{AHEAD, BatchStream, Part};
use crate::error::TrainError;
use crate::origin::Origin;

/// Encoded rows that can be passed over again and again: kept in memory if they are few, else read anew each time.
pub(crate) struct Rows {
    origin: Origin,
    part: Part,
    kept: Option<Arc<Vec<Batch>>>,
    most: u64,
}

impl Rows {
    /// The rows of a part, kept from the first pass on if there are at most `most`.
    pub(crate) fn new(origin: &Origin, part: Part, most: u64) -> Rows {
        Rows { origin: origin.clone(), part, kept: None, most }
    }

    /// One pass, in batches of `batch_size`, shuffled if `shuffle` says how.
    pub(crate) fn pass(&mut self, batch_size: usize, shuffle: Option<Shuffle>) -> Result<BatchStream, TrainError> {
        let source = self.source()?;
        let batches = Batches::new(source, batch_size, shuffle);
        let ahead = Prefetch::new(batches, AHEAD).map_err(|e| TrainError::io("thread", e))?;
        Ok(Box::new(ahead))
    }

    fn source(&mut self) -> Result<BatchStream, TrainError> {
        if self.kept.is_none() {
            let mut kept = Vec::new();
            let mut rows = 0;
            for batch in self.origin.encoded(self.part)? {
                let batch = batch?;
                rows += batch.rows as u64;
                if rows > self.most {
                    // Too many to keep: stream from now on, and do not try again.
                    self.most = 0;
                    return self.origin.encoded(self.part);
                }
                kept.push(batch);
            }
            self.kept = Some(Arc::new(kept));
        }
        let kept = self.kept.clone().unwrap_or_default();
        let mut next = 0;
        Ok(Box::new(std::iter::from_fn(move || {
            next += 1;
            kept.get(next - 1).cloned().map(Ok)
        })))
    }
}
