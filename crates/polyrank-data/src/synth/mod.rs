//! Synthetic rows whose labels can be learned, and whose true probabilities are known.

mod byterec;

pub use byterec::ByteRec;
