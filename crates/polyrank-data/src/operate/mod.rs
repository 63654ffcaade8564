//! Operators: raw columns in, columns out, between reading and encoding.
//!
//! An operator has a file of its own and a line in [`operators!`]. It consists of steps
//! ([`Step`](polyrank_schema::Step)), each of which is fitted (if it must see training rows), saved and applied by
//! itself. A fitted step is a function of one row: what it makes of a row depends on no other row that stands beside
//! it, except through what was fitted.
//!
//! - [`fitting`] sees the training rows: as many passes as there are levels of operators that need others fitted first.
//! - [`applied`] are all fitted operators together; [`Encoders`](crate::encode::Encoders) hold them and apply them first.
//! - [`saved`] is their folder in the bundle.

pub(crate) mod applied;
mod by_key;
mod by_moments;
mod event_rows;
mod event_store;
pub(crate) mod fitting;
mod frame;
pub(crate) mod input;
mod operator;
mod options;
mod output;
mod saved;
mod table_files;

mod bucketize;
mod categorify;
mod clip;
mod combine;
mod date_parts;
mod difference_lag;
mod drop_low_cardinality;
mod drop_missing;
mod expression;
mod fill;
mod filter;
mod group_statistics;
mod hash_bucket;
mod hashed_cross;
mod history;
mod join;
mod list_slice;
mod log;
mod min_max;
mod normalise;
mod one_hot;
mod rename;
mod split;
mod target_encoding;
mod value_count;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use polyrank_schema::OperatorSpec;

pub use applied::{Derived, OperatorSummary, Operators};
use operator::Operator;

macro_rules! operators {
    ($($module:ident),* $(,)?) => {
        const ALL: &[Operator] = &[$($module::OPERATOR),*];
        /// What a configuration can name under `operators`.
        pub const SPECS: &[OperatorSpec] = &[$($module::OPERATOR.spec),*];
    };
}

operators! {
    clip,
    fill,
    normalise,
    min_max,
    log,
    bucketize,
    categorify,
    hash_bucket,
    combine,
    hashed_cross,
    one_hot,
    split,
    list_slice,
    value_count,
    date_parts,
    expression,
    rename,
    filter,
    drop_missing,
    drop_low_cardinality,
    join,
    group_statistics,
    target_encoding,
    history,
    difference_lag,
}

/// The operator of a type.
fn find(kind: &str) -> Option<&'static Operator> {
    ALL.iter().find(|operator| operator.spec.block.name == kind)
}
