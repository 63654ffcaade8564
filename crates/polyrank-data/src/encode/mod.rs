//! From raw columns to ids and numbers: encoders that are fitted on rows, merged, saved, and then pure functions of a
//! value.
//!
//! Every id is a row of an embedding table: 0 padding, 1 missing (null, empty, NaN), then what the feature's encoder
//! says. Encoders are listed in [`CATEGORICAL`] and [`DENSE`]; each has a file of its own.

pub(crate) mod bucketize;
pub(crate) mod categorical;
pub(crate) mod column;
mod counts;
mod encoders;
mod export;
mod fitter;
mod given;
mod group;
pub(crate) mod hash;
mod identity;
mod import;
pub(crate) mod label;
mod layout;
pub(crate) mod list;
pub(crate) mod log;
mod min_max;
pub(crate) mod moments;
mod narrow;
mod naturals;
mod none;
pub(crate) mod number;
mod persist;
mod piecewise_linear;
pub(crate) mod plan;
mod pretrained;
mod quantile_sketch;
pub(crate) mod ranks;
mod row_name;
mod scale;
mod standard;
mod summary;
mod target;
mod together;
mod transform;
pub(crate) mod value;
mod vector;
pub(crate) mod vocabulary;

use polyrank_schema::BlockSpec;

pub use encoders::{Encoders, Labels};
pub use fitter::Fitter;
pub use group::NO_GROUP;
pub use layout::{DenseLayout, InputLayout, SlotLayout, TableLayout};
pub use narrow::narrow;
pub use number::numbers;
pub use pretrained::Coverage;
pub use row_name::RowName;
pub use summary::{FeatureSummary, NumberSummary};
pub use transform::{restored, transformed};
pub(crate) use value::{plain, quote};

/// The encoders of categorical features; `vocabulary` is the default.
pub const CATEGORICAL: &[BlockSpec] = &[vocabulary::SPEC, hash::SPEC, identity::SPEC];

/// The encoders of dense features; `min_max` is the default.
pub const DENSE: &[BlockSpec] =
    &[none::SPEC, min_max::SPEC, standard::SPEC, log::SPEC, piecewise_linear::SPEC, bucketize::SPEC];

/// The id of padding, in every table.
pub const PADDING: u32 = 0;

/// The id of a missing value (null, empty, NaN), in every table.
pub const MISSING: u32 = 1;

/// The most rows that an embedding table can have.
pub const MAX_ROWS: usize = u32::MAX as usize - 7;
