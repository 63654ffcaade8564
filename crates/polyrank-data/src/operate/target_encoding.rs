//! `target_encoding`: how a label comes out on average over the training rows with the same key, drawn towards its average
//! over all of them where the key is rare (Micci-Barreca 2001; NVTabular's `TargetEncoding`).
//!
//! With n and m the number and mean of the key's labels, m₀ the mean of all labels, and p the smoothing:
//! `(n · m + p · m₀) / (n + p)`; m₀ where n is 0. Missing labels are not counted, nor rows for which `where` does not hold.
//!
//! A training row must not see its own label, or the encoding gives it away. So training rows are dealt into folds, by the
//! seed and the row's number alone, and a row's encoding is made of the rows in other folds, m₀ too. `prior = "global"`
//! takes m₀ over all rows, as NVTabular does: then each row's own label is in it, as one of all. All other rows see all
//! training rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType;
use polyrank_schema::config::{Task, TaskKind};
use polyrank_schema::expression::Expression;
use polyrank_schema::operator::always;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::by_key::{NEW_NAMES, check_distinct, check_new_names, failed, keys, load_table, new_names, save_table};
use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform, problem};
use super::saved::{Saved, Saver};
use crate::encode::column::each_row;
use crate::encode::label::labels;
use crate::encode::number::visit_numbers;
use crate::error::DataError;
use crate::expression::holds;
use crate::keyed::{Keys, Sum, Table};
use crate::stream::random::{Purpose, Random};

const NAME: &str = "target_encoding";
const MAX_FOLDS: i64 = 64;
const FOLD: &str = "fold";
const GLOBAL: &str = "global";

/// The most sums that are kept: keys × targets × folds.
const MAX_CELLS: usize = 1 << 28;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: NAME,
            doc: "the average of labels over the training rows with the same key, a row's own left out",
            options: &[
                OptionSpec {
                    key: "columns",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "the key: columns whose values together are encoded",
                },
                OptionSpec {
                    key: "target",
                    kind: OptionKind::Columns,
                    default: OptionDefault::Required,
                    doc: "columns to average: labels of tasks, read as those read them, or any numbers",
                },
                OptionSpec {
                    key: "folds",
                    kind: OptionKind::Int { min: 2, max: MAX_FOLDS },
                    default: OptionDefault::Always(Literal::Int(5)),
                    doc: "training rows are encoded by the rows in the other folds",
                },
                OptionSpec {
                    key: "seed",
                    kind: OptionKind::Int { min: 0, max: i64::MAX },
                    default: OptionDefault::Always(Literal::Int(42)),
                    doc: "decides the fold of each row",
                },
                OptionSpec {
                    key: "smoothing",
                    kind: OptionKind::Float { min: 0.0, max: 1e12 },
                    default: OptionDefault::Always(Literal::Float(20.0)),
                    doc: "how many rows the average of all counts as",
                },
                OptionSpec {
                    key: "prior",
                    kind: OptionKind::Name(&[FOLD, GLOBAL]),
                    default: OptionDefault::Always(Literal::Text(FOLD)),
                    doc: "what keys are drawn towards in training: the average of the other folds, or of all rows",
                },
                OptionSpec {
                    key: "where",
                    kind: OptionKind::Text,
                    default: OptionDefault::Absent,
                    doc: "a condition: only the rows for which it holds count; by default the `when` of the targets' tasks",
                },
                NEW_NAMES,
            ],
            check,
        },
        steps,
        fits: always,
        hides_labels: always,
    },
    new,
    load: Some(load),
};

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    check_distinct(block, "columns")?;
    check_distinct(block, "target")?;
    condition(block)?;
    check_new_names(block, block.names("target").len())
}

/// The condition on rows, if there is one.
fn condition(block: &Block) -> Result<Option<Expression>, String> {
    let condition = block.has("where").then(|| Expression::parse(block.text("where")));
    condition.transpose().map_err(|e| format!("`where`: {}", e.problem()))
}

fn steps(block: &Block) -> Vec<Step> {
    let (columns, targets) = (block.names("columns"), block.names("target"));
    let usual = targets.iter().map(|target| format!("te_{}_{target}", columns.join("_"))).collect();
    let mut fits_on = targets.to_vec();
    for column in condition(block).ok().flatten().iter().flat_map(|condition| condition.columns()) {
        if !columns.contains(column) && !fits_on.contains(column) {
            fits_on.push(column.clone());
        }
    }
    vec![Step { fits_on, ..Step::new(columns.to_vec(), new_names(block, usual)) }]
}

/// What is configured.
#[derive(Debug, Clone)]
struct Options {
    columns: Vec<String>,
    targets: Vec<String>,
    folds: usize,
    random: Random,
    smoothing: f64,
    global: bool,
}

impl Options {
    fn new(block: &Block, step: &Step) -> Result<Options, DataError> {
        let folds = block.int("folds");
        if !(2..=MAX_FOLDS).contains(&folds) {
            return Err(problem(block, format!("folds must be from 2 to {MAX_FOLDS}")));
        }
        Ok(Options {
            columns: step.reads.clone(),
            targets: block.names("target").to_vec(),
            folds: folds as usize,
            random: Random::new(block.int("seed") as u64, Purpose::Folds),
            smoothing: block.float("smoothing"),
            global: block.text("prior") == GLOBAL,
        })
    }

    /// The fold of a training row.
    fn fold(&self, row: u64) -> usize {
        (self.random.at(row) % self.folds as u64) as usize
    }

    /// What the saved table calls its columns: for each target and fold the number of labels and their sum.
    fn names(&self) -> Vec<String> {
        let folds = |what: &'static str, target: &String| {
            (0..self.folds).map(|fold| format!("{target}:{what}:{fold}")).collect::<Vec<_>>()
        };
        self.targets.iter().flat_map(|target| [folds("count", target), folds("sum", target)]).flatten().collect()
    }
}

fn new(block: &Block, step: &Step, setting: &Setting<'_>) -> Result<Stage, DataError> {
    let options = Options::new(block, step)?;
    let tasks = options.targets.iter().map(|target| reader(target, setting.tasks));
    let tasks = tasks.collect::<Result<_, String>>().map_err(|fault| problem(block, fault))?;
    let condition = condition(block).map_err(|fault| problem(block, fault))?;
    Stage::fit(Averages { options, condition, tasks, keys: Keys::default(), cells: Vec::new() })
}

/// The binary task whose label a column is.
fn reader(column: &str, tasks: &[Task]) -> Result<Option<Task>, String> {
    let mut tasks = tasks.iter().filter(|task| task.column == column && matches!(task.kind, TaskKind::Binary { .. }));
    let first = tasks.next();
    match first.and_then(|first| Some((first, tasks.find(|task| task.kind != first.kind)?))) {
        Some((first, second)) => Err(format!(
            "`target` names `{column}`, which `{}` and `{}` read differently; make a column of what is meant",
            first.name, second.name
        )),
        None => Ok(first.cloned()),
    }
}

/// Labels of one target with one key in one fold.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    count: u64,
    sum: Sum,
}

/// Averages that are being fitted.
#[derive(Debug)]
struct Averages {
    options: Options,
    condition: Option<Expression>,
    /// For each target the task that says how its labels are read; numbers without one.
    tasks: Vec<Option<Task>>,
    keys: Keys,
    /// `[keys, targets, folds]`.
    cells: Vec<Cell>,
}

impl Averages {
    fn key(&mut self, key: &[u8]) -> Result<usize, String> {
        let (key, each) = (self.keys.insert(key)?, self.tasks.len() * self.options.folds);
        let cells = self.keys.len() * each;
        if cells > MAX_CELLS {
            return Err(format!(
                "more than {MAX_CELLS} sums of keys × targets × folds; take fewer folds or targets, or a coarser key"
            ));
        }
        self.cells.resize(cells, Cell::default());
        Ok(key)
    }
}

impl Fit for Averages {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        let keys = keys(rows, self.options.columns.len())?;
        let mut first_cells = Vec::with_capacity(rows.rows());
        for row in 0..rows.rows() {
            let key = self.key(keys.key(row)).map_err(failed(NAME))?;
            let number =
                rows.training_row(row).ok_or_else(|| failed(NAME)("fitted on rows without numbers".to_owned()))?;
            first_cells.push(key * self.tasks.len() * self.options.folds + self.options.fold(number));
        }
        let counted = self.condition.as_ref().map(|condition| holds(condition, &rows.batch()?)).transpose()?;
        let counts = |row: usize| counted.as_ref().is_none_or(|counted| counted[row] == Some(true));
        for (target, task) in self.tasks.iter().enumerate() {
            let array = rows.fits_on(target);
            let mut observe = |row: usize, label: Option<f64>| {
                if let Some(label) = label.filter(|_| counts(row)) {
                    let cell = &mut self.cells[first_cells[row] + target * self.options.folds];
                    cell.count += 1;
                    cell.sum.add(label);
                }
            };
            let read = match task {
                Some(task) => labels(task, array).map(|labels| {
                    let labels = labels.into_iter().map(|label| (!label.is_nan()).then_some(f64::from(label)));
                    labels.enumerate().for_each(|(row, label)| observe(row, label));
                }),
                None => visit_numbers(array.as_ref(), each_row(array.len()), observe),
            };
            read.map_err(|bad| bad.of(rows.fits_on_name(target)))?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        let each = self.tasks.len() * self.options.folds;
        for from in 0..other.keys.len() {
            let key = self.key(other.keys.key(from)).map_err(failed(NAME))?;
            let cells = self.cells[key * each..].iter_mut().zip(&other.cells[from * each..(from + 1) * each]);
            for (cell, more) in cells {
                cell.count += more.count;
                cell.sum.merge(more.sum);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        let (targets, folds) = (self.tasks.len(), self.options.folds);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(2 * targets * folds);
        let cells = |target: usize, fold: usize| self.cells.iter().skip(target * folds + fold).step_by(targets * folds);
        for target in 0..targets {
            for fold in 0..folds {
                columns.push(Arc::new(cells(target, fold).map(|cell| Some(cell.count as i64)).collect::<Int64Array>()));
            }
            for fold in 0..folds {
                columns
                    .push(Arc::new(cells(target, fold).map(|cell| Some(cell.sum.value())).collect::<Float64Array>()));
            }
        }
        let table = Table::new(&self.keys, &columns).map_err(failed(NAME))?;
        let encoding = Encoding::new(self.options, table).map_err(failed(NAME))?;
        Ok(Arc::new(encoding))
    }
}

/// Number and sum of labels: of one key, or of all.
#[derive(Debug, Clone, Copy, Default)]
struct Labels {
    count: f64,
    sum: f64,
}

impl Labels {
    /// Of all folds but one.
    fn without(fold: Option<usize>, folds: impl Iterator<Item = Labels>) -> Labels {
        let (mut count, mut sum) = (0.0, Sum::default());
        for (_, labels) in folds.enumerate().filter(|(i, _)| Some(*i) != fold) {
            count += labels.count;
            sum.add(labels.sum);
        }
        Labels { count, sum: sum.value() }
    }
}

/// Fitted averages.
#[derive(Debug)]
struct Encoding {
    options: Options,
    /// As [`Options::names`].
    table: Table,
    /// For each target the average of all labels outside each fold, and of all at last; none where there are no labels.
    priors: Vec<Vec<Option<f64>>>,
}

impl Encoding {
    fn new(options: Options, table: Table) -> Result<Encoding, String> {
        let mut priors = Vec::with_capacity(options.targets.len());
        for target in 0..options.targets.len() {
            let all = (0..options.folds).map(|fold| {
                let (counts, sums) = columns(&table, options.folds, target, fold)?;
                let mut labels = Labels::default();
                let mut total = Sum::default();
                for (count, sum) in counts.iter().zip(sums) {
                    if *count < 0 || !sum.is_finite() || (*count == 0 && *sum != 0.0) {
                        return Err("has a sum without labels, or a number of them below 0".to_owned());
                    }
                    labels.count += *count as f64;
                    total.add(*sum);
                }
                Ok(Labels { sum: total.value(), ..labels })
            });
            let all = all.collect::<Result<Vec<_>, String>>()?;
            let mean = |fold| {
                let labels = Labels::without(fold, all.iter().copied());
                (labels.count > 0.0).then(|| labels.sum / labels.count)
            };
            priors.push((0..options.folds).map(Some).chain([None]).map(mean).collect());
        }
        Ok(Encoding { options, table, priors })
    }

    /// What rows are encoded as: each has the place of its key in the table, and its fold if it is a training row.
    fn encode(
        &self,
        target: usize,
        rows: impl Iterator<Item = (Option<usize>, Option<usize>)>,
    ) -> Result<Float64Array, String> {
        let Options { folds, smoothing, global, .. } = self.options;
        let known = (0..folds).map(|fold| columns(&self.table, folds, target, fold)).collect::<Result<Vec<_>, _>>()?;
        let encode = |(key, fold): (Option<usize>, Option<usize>)| {
            let prior = self.priors[target][if global { folds } else { fold.unwrap_or(folds) }]?;
            let of_key =
                |key: usize| known.iter().map(move |(n, sums)| Labels { count: n[key] as f64, sum: sums[key] });
            match key.map(|key| Labels::without(fold, of_key(key))) {
                Some(own) if own.count > 0.0 => Some((own.sum + smoothing * prior) / (own.count + smoothing)),
                _ => Some(prior),
            }
        };
        Ok(rows.map(encode).collect())
    }
}

/// Numbers and sums of labels by key.
fn columns(table: &Table, folds: usize, target: usize, fold: usize) -> Result<(&[i64], &[f64]), String> {
    let first = 2 * target * folds + fold;
    let counts = table.columns().get(first).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let sums = table.columns().get(first + folds).and_then(|column| column.as_primitive_opt::<Float64Type>());
    match counts.zip(sums).filter(|(counts, sums)| counts.null_count() + sums.null_count() == 0) {
        Some((counts, sums)) => Ok((counts.values(), sums.values())),
        None => Err("has a column of other values than numbers and sums of labels".to_owned()),
    }
}

impl Transform for Encoding {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let keys = keys(rows, self.options.columns.len())?;
        let found = self.table.find(&keys);
        let rows = || {
            let fold = |row: usize| rows.training_row(row).map(|number| self.options.fold(number));
            found.iter().enumerate().map(move |(row, key)| (key.map(|key| key as usize), fold(row)))
        };
        let encoded = |target| self.encode(target, rows()).map(|column| Arc::new(column) as ArrayRef);
        let made = (0..self.options.targets.len()).map(encoded).collect::<Result<_, _>>();
        made.map(Output::Columns).map_err(failed(NAME))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        save_table(saver, &self.table, &self.options.columns, &self.options.names())
    }

    fn describe(&self) -> String {
        format!("{} keys in {} folds", self.table.keys().len(), self.options.folds)
    }
}

fn load(block: &Block, step: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let options = Options::new(block, step)?;
    let folds = |kind: DataType| std::iter::repeat_n(kind, options.folds);
    let types = options.targets.iter().flat_map(|_| folds(DataType::Int64).chain(folds(DataType::Float64)));
    let table = load_table(saved, &options.columns, &options.names(), Some(&types.collect::<Vec<_>>()))?;
    Ok(Arc::new(Encoding::new(options, table).map_err(|problem| saved.refuse(problem))?))
}
