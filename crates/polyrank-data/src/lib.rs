//! From raw rows to encoded batches: readers, encoders, shuffling, splits and synthetic rows.

pub mod batch;
pub mod encode;
pub mod error;
pub mod expression;
mod json;
mod keyed;
pub mod operate;
pub mod read;
pub mod stream;
pub mod synth;

pub use batch::{Batch, Ids};
pub use error::DataError;
