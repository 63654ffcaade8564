//! Groups of rows, as those of a user, for measures within groups.

use arrow_array::{Array, ArrayRef};
use xxhash_rust::xxh3::xxh3_128;

use super::column::{BadCell, each_row};
use super::value::{Value, visit};

/// The key of a row that belongs to no group.
pub const NO_GROUP: u128 = 0;

/// What each row's group is known by, `[B]`: different for different integers, and for different texts but for a
/// collision of 127-bit hashes. [`NO_GROUP`] where the value is missing.
pub(crate) fn groups(array: &ArrayRef) -> Result<Vec<u128>, BadCell> {
    let mut keys = Vec::with_capacity(array.len());
    visit(array.as_ref(), each_row(array.len()), |_, value| {
        keys.push(key(value));
        Ok(())
    })?;
    Ok(keys)
}

fn key(value: Value<'_>) -> u128 {
    match value {
        Value::Missing => NO_GROUP,
        Value::Natural(n) => 1 << 64 | u128::from(n),
        Value::Negative(n) => 2 << 64 | u128::from(n.unsigned_abs()),
        Value::Text(text) => 1 << 127 | xxh3_128(text.as_bytes()),
    }
}
