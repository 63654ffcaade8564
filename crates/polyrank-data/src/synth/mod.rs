//! Synthetic rows whose labels can be learned, and whose true probabilities are known.
//!
//! [`World`] makes rows of any [`Design`]; [`KINDS`] are those with a name. [`blocks`] makes many, on all threads.

mod arrays;
mod byterec;
mod cells;
mod classes;
mod design;
mod directions;
mod elementary;
mod funnel;
mod history;
mod kinds;
mod mixing;
mod normals;
mod outcome;
mod population;
mod random;
mod regression_pair;
mod schema;
mod signals;
mod stream;
mod tenrec;
mod world;

use std::ops::Range;

use arrow_array::RecordBatch;

pub use byterec::ByteRec;
pub use design::{Column, Content, Design, Form, Knobs, Owner, Task, TaskKind};
pub use kinds::{KINDS, Kind, Wishes};
pub use regression_pair::{Law, RegressionPair, RegressionPairs, Sines};
pub use stream::blocks;
pub use world::World;

/// Rows that are made by their number.
pub trait Rows: Send + Sync {
    /// The rows with these numbers; with `truth`, what labels were drawn from stands beside them.
    fn rows(&self, range: Range<u64>, truth: bool) -> RecordBatch;

    /// Numbers in a row, at most: how much memory rows take.
    fn width(&self) -> u64;
}
