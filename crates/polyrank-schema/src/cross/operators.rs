//! What must hold between operators, and between them and what reads their columns.

use std::collections::{BTreeMap, BTreeSet};

use super::{Labels, name_fault};
use crate::config::Config;
use crate::error::{Quote, printable, suggestion};
use crate::limits::{OPERATORS, STEPS};
use crate::operator::{Operator, Step};
use crate::read::Context;
use crate::spec::{Block, OptionValue, Registry};

/// What is known about columns after all operators.
#[derive(Default)]
pub(super) struct Columns {
    /// Those that there are, if the configuration lists the raw ones.
    pub(super) known: Option<BTreeSet<String>>,
    /// The raw ones and those that operators make, in their order, whether or not they still are there.
    order: Vec<String>,
    /// Those that an operator dropped, and its key.
    gone: BTreeMap<String, String>,
    /// Those that give a label away, and the label's column.
    tainted: BTreeMap<String, String>,
    /// Those that are known only once an operator is fitted, and its key.
    fitted: BTreeMap<String, String>,
}

/// Follows the columns through the operators and reports what does not fit together.
pub(super) fn check(ctx: &mut Context, config: &Config, labels: &Labels, registry: &Registry<'_>) -> Columns {
    let operators = &config.operators;
    let steps: usize = operators.iter().map(|operator| operator.steps.len()).sum();
    if operators.len() > OPERATORS || steps > STEPS {
        let message = format!("at most {OPERATORS} operators with {STEPS} columns together are allowed");
        ctx.report("operators", message, None);
    }
    check_names(ctx, operators, labels);
    let mut columns = Columns {
        known: config.data.reading.columns.as_ref().map(|columns| columns.iter().cloned().collect()),
        order: config.data.reading.columns.iter().flatten().cloned().collect(),
        ..Columns::default()
    };
    let targets: BTreeSet<&str> = config.tasks.iter().map(|t| t.column.as_str()).filter(|c| !c.is_empty()).collect();
    columns.tainted = targets.iter().map(|column| ((*column).to_owned(), (*column).to_owned())).collect();
    let mut made: BTreeMap<&str, &str> = BTreeMap::new();
    for (i, (operator, label)) in operators.iter().zip(&labels.operators).enumerate() {
        let spec = registry.operators.iter().find(|spec| spec.block.name == operator.block.kind);
        let hides = spec.is_some_and(|spec| (spec.hides_labels)(&operator.block));
        let fits = spec.is_some_and(|spec| (spec.fits)(&operator.block));
        for step in &operator.steps {
            for column in step.reads.iter().chain(&step.fits_on) {
                let key = key_of(label, &operator.block, column);
                columns.check_read(ctx, &key, column);
                if !made.contains_key(column.as_str())
                    && let Some(later) = made_later(&operators[i..], &labels.operators[i..], step, column)
                {
                    let message = format!("\"{}\" is made by `{later}`, which comes later", printable(column));
                    ctx.report(&key, message, Some("move that one up".to_owned()));
                }
            }
            for column in &step.writes {
                let key = key_of(label, &operator.block, column);
                if let Some(fault) = name_fault(column) {
                    ctx.report(&key, fault, None);
                }
                let there = columns.known.as_ref().is_some_and(|known| known.contains(column));
                if !step.reads.contains(column) && (there || made.contains_key(column.as_str())) {
                    let maker = made.get(column.as_str()).map_or("`data.columns`".to_owned(), |by| format!("`{by}`"));
                    let message = format!("there is a column \"{}\" already, by {maker}", printable(column));
                    ctx.report(&key, message, Some("name another".to_owned()));
                }
            }
            columns.apply(step, label, &targets, hides, fits);
            made.extend(step.writes.iter().map(|column| (column.as_str(), label.as_str())));
            step.drops.iter().for_each(|column| {
                made.remove(column.as_str());
            });
        }
    }
    columns
}

/// Names are what `--set` goes by: those that are written must be unique.
fn check_names(ctx: &mut Context, operators: &[Operator], labels: &Labels) {
    for (i, (operator, label)) in operators.iter().zip(&labels.operators).enumerate() {
        let key = format!("{label}.name");
        if let Some(fault) = name_fault(&operator.name) {
            ctx.report(&key, fault, None);
        }
        let named = |other: &Operator| other.name != other.block.kind || operator.name != operator.block.kind;
        if operators[..i].iter().any(|other| other.name == operator.name && named(other)) {
            let message = format!("another operator is called \"{}\"", printable(&operator.name));
            ctx.report(
                &key,
                message,
                Some("names must be unique; without a name an operator has its type's".to_owned()),
            );
        }
    }
}

/// The key of the operator that first makes a column in what follows, if it does not read it itself.
fn made_later<'a>(operators: &[Operator], labels: &'a [String], from: &Step, column: &str) -> Option<&'a str> {
    let steps = operators.iter().zip(labels).flat_map(|(o, label)| o.steps.iter().map(move |step| (step, label)));
    let mut later = steps.skip_while(|(step, _)| !std::ptr::eq(*step, from)).skip(1);
    let (step, label) = later.find(|(step, _)| step.writes.iter().any(|written| written == column))?;
    (!step.reads.iter().any(|read| read == column)).then_some(label)
}

/// The key of the option that holds a column's name.
fn key_of(label: &str, block: &Block, column: &str) -> String {
    let holds = |value: &OptionValue| match value {
        OptionValue::Text(text) => text == column,
        OptionValue::Names(names) => names.iter().any(|name| name == column),
        _ => false,
    };
    match block.options.iter().find(|(_, value)| holds(value)) {
        Some((option, _)) => format!("{label}.{option}"),
        None => label.to_owned(),
    }
}

impl Columns {
    /// Reports a column that is not there.
    pub(super) fn check_read(&self, ctx: &mut Context, key: &str, column: &str) {
        let shown = printable(column);
        if let Some(operator) = self.gone.get(column) {
            ctx.report(key, format!("\"{shown}\" is no longer there after `{operator}`"), None);
        } else if let Some(known) = &self.known
            && !known.contains(column)
        {
            let names: Vec<&str> = self.order.iter().filter(|name| known.contains(*name)).map(String::as_str).collect();
            let hint = if ctx.problems.full() { None } else { suggestion(column, &names, Quote::Value) };
            ctx.report(key, format!("`data.columns` has no column \"{shown}\""), hint);
        }
    }

    /// The label's column that a column gives away, if it is one or is made of one.
    pub(super) fn label_of(&self, column: &str) -> Option<&str> {
        self.tainted.get(column).map(String::as_str)
    }

    /// The key of the operator that must be fitted before a column is there.
    pub(super) fn fitted_by(&self, column: &str) -> Option<&str> {
        self.fitted.get(column).map(String::as_str)
    }

    fn apply(&mut self, step: &Step, label: &str, targets: &BTreeSet<&str>, hides: bool, fits: bool) {
        let fits_on = step.fits_on.iter().filter(|_| !hides);
        let label_read = step.reads.iter().chain(fits_on).find_map(|column| self.tainted.get(column).cloned());
        let fitted = if fits {
            Some(label.to_owned())
        } else {
            step.reads.iter().find_map(|column| self.fitted.get(column).cloned())
        };
        for column in &step.drops {
            self.known.as_mut().map(|known| known.remove(column));
            self.gone.insert(column.clone(), label.to_owned());
        }
        for column in &step.writes {
            if self.known.as_mut().is_some_and(|known| known.insert(column.clone())) {
                self.order.push(column.clone());
            }
            self.gone.remove(column);
            set(&mut self.fitted, column, fitted.clone());
            // A label's column gives it away whatever it is made of, and whatever becomes of it.
            let own = targets.contains(column.as_str()).then(|| column.clone());
            set(&mut self.tainted, column, own.or_else(|| label_read.clone()));
        }
    }
}

fn set(map: &mut BTreeMap<String, String>, key: &str, value: Option<String>) {
    match value {
        Some(value) => map.insert(key.to_owned(), value),
        None => map.remove(key),
    };
}
