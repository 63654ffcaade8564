//! What operators share that know rows by key.

use arrow_schema::DataType;
use polyrank_schema::Block;
use polyrank_schema::spec::{OptionDefault, OptionKind, OptionSpec};
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::saved::{Saved, Saver};
use crate::error::DataError;
use crate::keyed::{RowKeys, Table, Time, times};

/// New names for what is made, by an operator whose columns are new.
pub(super) const NEW_NAMES: OptionSpec = OptionSpec {
    key: "into",
    kind: OptionKind::Columns,
    default: OptionDefault::Absent,
    doc: "other names for what is made, in its order",
};

/// The names under [`NEW_NAMES`], or those that go without saying.
pub(super) fn new_names(block: &Block, usual: Vec<String>) -> Vec<String> {
    if block.has(NEW_NAMES.key) { block.names(NEW_NAMES.key).to_vec() } else { usual }
}

/// What must hold of [`NEW_NAMES`].
pub(super) fn check_new_names(block: &Block, usual: usize) -> Result<(), String> {
    let names = block.names(NEW_NAMES.key);
    if block.has(NEW_NAMES.key) && names.len() != usual {
        return Err(format!("`into` has {} names for {usual} columns; give each its own", names.len()));
    }
    check_distinct(block, NEW_NAMES.key)
}

/// That a list of names has none twice.
pub(super) fn check_distinct(block: &Block, key: &str) -> Result<(), String> {
    let names = block.names(key);
    match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        Some((_, name)) => Err(format!("`{key}` names `{name}` twice")),
        None => Ok(()),
    }
}

/// The keys in the first `parts` columns that a step reads.
pub(super) fn keys(rows: &Input<'_>, parts: usize) -> Result<RowKeys, DataError> {
    RowKeys::new((0..parts).map(|i| (rows.name(i), rows.read(i))))
}

/// The times in a column that a step reads.
pub(super) fn times_of(rows: &Input<'_>, i: usize) -> Result<Vec<Option<Time>>, DataError> {
    times(rows.read(i).as_ref()).map_err(|bad| bad.of(rows.name(i)))
}

/// An error of an operator by its type.
pub(super) fn failed(kind: &'static str) -> impl Fn(String) -> DataError {
    move |problem| DataError::Operator { operator: kind.to_owned(), problem }
}

/// What a step's JSON file says of its table.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Size {
    pub(super) keys: usize,
}

/// The name of a step's table.
pub(super) const TABLE: &str = "table";

/// Writes a table: keys of the columns `on`, and its columns under `names`.
pub(super) fn save_table(
    saver: &mut Saver<'_>,
    table: &Table,
    on: &[String],
    names: &[String],
) -> Result<(), DataError> {
    saver.json(&Size { keys: table.keys().len() })?;
    let batch = table.batch(on, names).map_err(DataError::Batch)?;
    saver.table(TABLE, &batch, [])
}

/// Reads a table that was saved; its columns must have the types, if any are given.
pub(super) fn load_table(
    saved: &Saved<'_>,
    on: &[String],
    names: &[String],
    types: Option<&[DataType]>,
) -> Result<Table, DataError> {
    let Size { keys } = saved.json()?;
    let batches = saved.table(TABLE, &Table::saved_names(on, names))?;
    let table = Table::restore(&batches, on, names).map_err(|e| saved.refuse(e.to_string()))?;
    if table.keys().len() != keys {
        return Err(saved.refuse(format!("says {keys} keys, but its table has {}", table.keys().len())));
    }
    match types {
        Some(types) => table.of_types(types).map_err(|problem| saved.refuse(problem)),
        None => Ok(table),
    }
}
