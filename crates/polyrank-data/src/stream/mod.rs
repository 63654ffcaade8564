//! Streams of rows and batches in bounded memory: splitting, shuffling, re-batching and reading ahead.

mod batches;
mod gather;
mod prefetch;
pub(crate) mod random;
mod split;

pub use batches::{Batches, Shuffle};
pub use gather::Gather;
pub use prefetch::Prefetch;
pub use split::Splitter;
