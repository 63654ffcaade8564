//! `group_statistics`: what the training rows with the same key have in common: how many they are, and the sum, mean,
//! spread and range of other columns (NVTabular's `JoinGroupby`).
//!
//! A missing value of a key is a value like any other; missing numbers are passed over. A key that was not seen has count 0
//! and the rest missing. Spread is the sample's, over n − 1, and missing for fewer than two numbers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType;
use polyrank_schema::operator::{always, never};
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::by_key::{NEW_NAMES, check_distinct, check_new_names, failed, keys, load_table, new_names, save_table};
use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform};
use super::saved::{Saved, Saver};
use crate::encode::column::each_row;
use crate::encode::number::visit_numbers;
use crate::error::DataError;
use crate::keyed::{Keys, Stats, Table, take};

const NAME: &str = "group_statistics";
const COUNT: &str = "count";

/// What is known of the numbers of a group.
type Statistic = fn(&Stats) -> Option<f64>;

/// The statistics of other columns.
const STATISTICS: &[(&str, Statistic)] = &[
    ("sum", |stats| Some(stats.sum())),
    ("mean", Stats::mean),
    ("var", Stats::variance),
    ("std", |stats| stats.variance().map(f64::sqrt)),
    ("min", Stats::min),
    ("max", Stats::max),
];

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: NAME,
            doc: "how many training rows have the same key, and statistics of other columns over them",
            options: &[
                OptionSpec {
                    key: "by",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "the key: columns whose values together make a group",
                },
                OptionSpec {
                    key: "columns",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Absent,
                    doc: "columns of numbers; none for the count alone",
                },
                OptionSpec {
                    key: "statistics",
                    kind: OptionKind::Names,
                    default: OptionDefault::Absent,
                    doc: "count, sum, mean, var, std, min, max; count alone if left out",
                },
                NEW_NAMES,
            ],
            check,
        },
        steps,
        fits: always,
        hides_labels: never,
    },
    new,
    load: Some(load),
};

/// What is made: the count, or a statistic of a column by its number.
#[derive(Debug, Clone, Copy)]
enum Made {
    Count,
    Of { column: usize, statistic: Statistic },
}

/// What is made and what it is called, in order.
fn made(block: &Block) -> Vec<(Made, String)> {
    let by = block.names("by").join("_");
    let statistics = block.names("statistics");
    let mut made = Vec::new();
    if statistics.is_empty() || statistics.iter().any(|name| name == COUNT) {
        made.push((Made::Count, format!("{by}_{COUNT}")));
    }
    for (column, of) in block.names("columns").iter().enumerate() {
        for name in statistics {
            if let Some((name, statistic)) = STATISTICS.iter().find(|(known, _)| known == name) {
                made.push((Made::Of { column, statistic: *statistic }, format!("{by}_{of}_{name}")));
            }
        }
    }
    made
}

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    let statistics = block.names("statistics");
    let known: Vec<&str> = std::iter::once(COUNT).chain(STATISTICS.iter().map(|(name, _)| *name)).collect();
    if let Some(unknown) = statistics.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("`statistics` has no `{unknown}`; it can hold {}", known.join(", ")));
    }
    let of_columns = statistics.iter().any(|name| name != COUNT);
    match (block.has("columns"), of_columns) {
        (true, false) => return Err("`columns` are given, but no statistic of them; add `mean` or another".to_owned()),
        (false, true) => return Err("statistics other than `count` need `columns` of numbers".to_owned()),
        _ => {}
    }
    ["by", "columns", "statistics"].iter().try_for_each(|key| check_distinct(block, key))?;
    check_new_names(block, made(block).len())
}

fn steps(block: &Block) -> Vec<Step> {
    let writes = new_names(block, made(block).into_iter().map(|(_, name)| name).collect());
    vec![Step { fits_on: block.names("columns").to_vec(), ..Step::new(block.names("by").to_vec(), writes) }]
}

fn new(block: &Block, step: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::fit(Groups {
        by: step.reads.clone(),
        writes: step.writes.clone(),
        made: made(block).into_iter().map(|(made, _)| made).collect(),
        columns: step.fits_on.len(),
        keys: Keys::default(),
        rows: Vec::new(),
        stats: Vec::new(),
    })
}

/// Groups that are being fitted.
#[derive(Debug)]
struct Groups {
    by: Vec<String>,
    writes: Vec<String>,
    made: Vec<Made>,
    columns: usize,
    keys: Keys,
    /// Rows of each key.
    rows: Vec<u64>,
    /// `[keys, columns]`.
    stats: Vec<Stats>,
}

impl Groups {
    /// The number of a key.
    fn group(&mut self, key: &[u8]) -> Result<usize, DataError> {
        let group = self.keys.insert(key).map_err(failed(NAME))?;
        if group == self.rows.len() {
            self.rows.push(0);
            self.stats.resize(self.rows.len() * self.columns, Stats::default());
        }
        Ok(group)
    }
}

impl Fit for Groups {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        let keys = keys(rows, self.by.len())?;
        let groups = (0..rows.rows()).map(|row| self.group(keys.key(row))).collect::<Result<Vec<_>, _>>()?;
        groups.iter().for_each(|group| self.rows[*group] += 1);
        for column in 0..self.columns {
            let stats = |group: usize| group * self.columns + column;
            let array = rows.fits_on(column);
            let observe = |row: usize, x: Option<f64>| {
                if let Some(x) = x {
                    self.stats[stats(groups[row])].observe(x);
                }
            };
            visit_numbers(array.as_ref(), each_row(array.len()), observe)
                .map_err(|bad| bad.of(rows.fits_on_name(column)))?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        for from in 0..other.keys.len() {
            let group = self.group(other.keys.key(from))?;
            self.rows[group] += other.rows[from];
            for column in 0..self.columns {
                self.stats[group * self.columns + column].merge(&other.stats[from * self.columns + column]);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        let columns = self.made.iter().map(|made| match made {
            Made::Count => {
                Arc::new(self.rows.iter().map(|rows| Some(*rows as i64)).collect::<Int64Array>()) as ArrayRef
            }
            Made::Of { column, statistic } => {
                let groups = self.stats.chunks_exact(self.columns);
                Arc::new(groups.map(|stats| statistic(&stats[*column])).collect::<Float64Array>())
            }
        });
        let columns: Vec<ArrayRef> = columns.collect();
        let table = Table::new(&self.keys, &columns).map_err(failed(NAME))?;
        Ok(Arc::new(Statistics { by: self.by, writes: self.writes, made: self.made, table }))
    }
}

/// The statistics of each group.
#[derive(Debug)]
struct Statistics {
    by: Vec<String>,
    writes: Vec<String>,
    made: Vec<Made>,
    table: Table,
}

impl Transform for Statistics {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let groups = self.table.find(&keys(rows, self.by.len())?);
        let mut columns = Vec::with_capacity(self.made.len());
        for (made, column) in self.made.iter().zip(self.table.columns()) {
            let taken = take(column, &groups).map_err(failed(NAME))?;
            // No row has such a key.
            columns.push(match made {
                Made::Count => Arc::new(Int64Array::from_iter_values(
                    taken.as_primitive::<Int64Type>().iter().map(|rows| rows.unwrap_or(0)),
                )) as ArrayRef,
                Made::Of { .. } => taken,
            });
        }
        Ok(Output::Columns(columns))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        save_table(saver, &self.table, &self.by, &self.writes)
    }

    fn describe(&self) -> String {
        format!("{} groups", self.table.keys().len())
    }
}

fn load(block: &Block, step: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let made: Vec<Made> = made(block).into_iter().map(|(made, _)| made).collect();
    let types = made.iter().map(|made| match made {
        Made::Count => DataType::Int64,
        Made::Of { .. } => DataType::Float64,
    });
    let table = load_table(saved, &step.reads, &step.writes, Some(&types.collect::<Vec<_>>()))?;
    for (made, column) in made.iter().zip(table.columns()) {
        let counts = column.as_primitive_opt::<Int64Type>();
        let valid =
            counts.is_none_or(|counts| counts.null_count() == 0 && counts.values().iter().all(|rows| *rows > 0));
        if matches!(made, Made::Count) && !valid {
            return Err(saved.refuse("has a group without rows"));
        }
    }
    Ok(Arc::new(Statistics { by: step.reads.clone(), writes: step.writes.clone(), made, table }))
}
