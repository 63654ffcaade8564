//! Options that operators share: which columns, and how what is made of them is called.

use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, Step};

/// The columns of an operator that treats each by itself.
pub(super) const COLUMNS: OptionSpec = OptionSpec {
    key: "columns",
    kind: OptionKind::Columns,
    default: OptionDefault::Required,
    doc: "the columns, each treated by itself",
};

/// New names for what is made.
pub(super) const INTO: OptionSpec = OptionSpec {
    key: "into",
    kind: OptionKind::Columns,
    default: OptionDefault::Absent,
    doc: "names of what is made, one for each of `columns`; without it and `suffix` they take the columns' place",
};

/// What new names end in.
pub(super) const SUFFIX: OptionSpec = OptionSpec {
    key: "suffix",
    kind: OptionKind::Text,
    default: OptionDefault::Absent,
    doc: "instead of `into`: what is added to each column's name for the name of what is made of it",
};

/// What must hold of [`COLUMNS`], [`INTO`] and [`SUFFIX`].
pub(super) fn check_columns(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    let columns = block.names(COLUMNS.key);
    let twice = |names: &[String]| names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)).is_some();
    if twice(columns) {
        return Err("`columns` names a column twice".to_owned());
    }
    if !block.has(INTO.key) {
        return Ok(());
    }
    if block.has(SUFFIX.key) {
        return Err("give `into` or `suffix`, not both".to_owned());
    }
    let into = block.names(INTO.key);
    if into.len() != columns.len() {
        return Err(format!("`into` has {} names for {} columns; give each its own", into.len(), columns.len()));
    }
    if twice(into) {
        return Err("`into` names a column twice".to_owned());
    }
    Ok(())
}

/// (column, name of what is made of it), for each of [`COLUMNS`].
pub(super) fn renamed(block: &Block) -> impl Iterator<Item = (&String, String)> {
    let (into, suffix) = (block.names(INTO.key), block.text(SUFFIX.key));
    let columns = block.names(COLUMNS.key).iter().enumerate();
    columns.map(move |(i, column)| (column, into.get(i).cloned().unwrap_or_else(|| format!("{column}{suffix}"))))
}

/// One step a column.
pub(super) fn each_column(block: &Block) -> Vec<Step> {
    renamed(block).map(|(column, made)| Step::new(vec![column.clone()], vec![made])).collect()
}
