//! `join`: columns of another table, found by key: features of users or items by their ids.
//!
//! The table is read once, when fitting begins, and saved with the model, so scoring needs no file. A row whose key the
//! table lacks gets missing values. Rows of the table without a key are left out.

use std::sync::Arc;

use arrow_array::UInt32Array;
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::by_key::{check_distinct, failed, keys, load_table, save_table};
use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::saved::{Saved, Saver};
use super::table_files::each_batch;
use crate::encode::column::bad_column;
use crate::encode::plan::column;
use crate::error::DataError;
use crate::keyed::{Columns, Keys, RowKeys, Table, show, take};

const NAME: &str = "join";

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: NAME,
            doc: "columns of another table with one row a key",
            options: &[
                OptionSpec {
                    key: "files",
                    kind: OptionKind::Paths,
                    default: OptionDefault::Required,
                    doc: "the table's files",
                },
                OptionSpec {
                    key: "on",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "the key: columns whose values together name a row of the table",
                },
                OptionSpec {
                    key: "files_on",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Absent,
                    doc: "what the files call those columns, if otherwise",
                },
                OptionSpec {
                    key: "columns",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "the columns to take",
                },
                OptionSpec {
                    key: "prefix",
                    kind: OptionKind::Text,
                    default: OptionDefault::Absent,
                    doc: "what their names begin with afterwards",
                },
            ],
            check,
        },
        steps,
        fits: never,
        hides_labels: never,
    },
    new,
    load: Some(load),
};

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    let (on, files_on) = (block.names("on").len(), block.names("files_on").len());
    if block.has("files_on") && on != files_on {
        return Err(format!("`files_on` has {files_on} names for {on} columns; give each its own"));
    }
    ["on", "files_on", "columns"].iter().try_for_each(|key| check_distinct(block, key))
}

fn steps(block: &Block) -> Vec<Step> {
    let prefix = block.text("prefix");
    let writes = block.names("columns").iter().map(|column| format!("{prefix}{column}")).collect();
    vec![Step::new(block.names("on").to_vec(), writes)]
}

fn new(block: &Block, step: &Step, setting: &Setting<'_>) -> Result<Stage, DataError> {
    let on = if block.has("files_on") { block.names("files_on") } else { block.names("on") };
    let mut keys = Keys::default();
    let mut columns: Vec<Columns> = block.names("columns").iter().map(|_| Columns::default()).collect();
    each_batch(block.names("files"), setting, &[on, block.names("columns")].concat(), |batch| {
        let rows = RowKeys::of_batch(batch, on)?;
        let mut kept = Vec::with_capacity(rows.len());
        for row in (0..rows.len()).filter(|row| !rows.is_missing(*row)) {
            let before = keys.len();
            keys.insert(rows.key(row)).map_err(failed(NAME))?;
            if keys.len() == before {
                let problem =
                    format!("key {} stands in an earlier row too; a table has one row a key", show(rows.key(row)));
                return Err(DataError::BadCell { column: on[0].clone(), row, problem });
            }
            kept.push(row as u32);
        }
        let kept = UInt32Array::from(kept);
        for (name, taken) in block.names("columns").iter().zip(&mut columns) {
            taken.push(take(&column(batch, name)?, &kept).map_err(|problem| bad_column(name, problem))?);
        }
        Ok(())
    })?;
    let named = block.names("columns").iter().zip(columns);
    let columns = named.map(|(name, taken)| taken.finish().map_err(|problem| bad_column(name, problem)));
    let table = Table::new(&keys, &columns.collect::<Result<Vec<_>, _>>()?).map_err(failed(NAME))?;
    Stage::ready(Join { on: step.reads.clone(), names: step.writes.clone(), table })
}

/// The other table.
#[derive(Debug)]
struct Join {
    on: Vec<String>,
    names: Vec<String>,
    table: Table,
}

impl Transform for Join {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let found = self.table.find(&keys(rows, self.on.len())?);
        let columns = self.table.columns().iter().map(|column| take(column, &found).map_err(failed(NAME)));
        columns.collect::<Result<_, _>>().map(Output::Columns)
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        save_table(saver, &self.table, &self.on, &self.names)
    }

    fn describe(&self) -> String {
        format!("a table of {} keys", self.table.keys().len())
    }
}

fn load(_: &Block, step: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let table = load_table(saved, &step.reads, &step.writes, None)?;
    Ok(Arc::new(Join { on: step.reads.clone(), names: step.writes.clone(), table }))
}
