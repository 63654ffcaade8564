//! What is known about rows by key: one or several columns whose values together name a user, an item, a pair of them.
//!
//! Keys compare by canonical value, so 7, "7" and 7.0 are one key in whatever file they stand. A table has one row a key
//! ([`Table`]), or a list of events in time ([`Events`]).

mod columns;
mod events;
mod keys;
mod saved;
mod sums;
mod table;
mod time;

pub(crate) use columns::{Columns, items_of, take};
pub(crate) use events::{Before, Events, EventsFit};
pub(crate) use keys::{Keys, RowKeys, show};
pub(crate) use sums::{Stats, Sum};
pub(crate) use table::Table;
pub(crate) use time::{Time, times};
