//! Which steps of the operators make which columns: worked back from what is wanted after all of them.

use std::collections::BTreeSet;

use crate::config::{Config, Feature, FeatureKind, Task};
use crate::operator::{Effect, Step};

/// What becomes of a step when columns are worked back through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It is not applied.
    Never,
    /// It is applied if somebody wants what it makes.
    Apply,
    /// It is applied whether or not somebody wants what it makes: it decides which rows are kept.
    Always,
    /// It is fitted: what it reads is wanted, and what it makes is not there yet.
    Fit,
    /// It is fitted and applied if somebody wants what it makes.
    FitAndApply,
    /// It is fitted whether or not somebody wants what it makes, and then applied.
    AlwaysFit,
}

/// What some columns need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// For each step whether it is applied or fitted.
    pub uses: Vec<bool>,
    /// Raw columns, each once: first those that are wanted as they are, in that order.
    pub raw: Vec<String>,
}

/// Works back from the columns `wanted` after the last of `steps`.
pub fn trace<'a>(
    steps: &[&'a Step],
    wanted: impl IntoIterator<Item = &'a str>,
    demand: impl Fn(usize) -> Demand,
) -> Trace {
    let mut order: Vec<&str> = wanted.into_iter().collect();
    let mut needed: BTreeSet<&str> = order.iter().copied().collect();
    let mut uses = vec![false; steps.len()];
    for (i, step) in steps.iter().enumerate().rev() {
        let wanted = step.writes.iter().any(|column| needed.contains(column.as_str()));
        let (used, fitted) = match demand(i) {
            Demand::Never => (false, false),
            Demand::Apply => (wanted, false),
            Demand::Always => (true, false),
            Demand::FitAndApply => (wanted, true),
            Demand::Fit | Demand::AlwaysFit => (true, true),
        };
        uses[i] = used;
        if !used {
            continue;
        }
        for column in &step.writes {
            needed.remove(column.as_str());
        }
        for column in step.reads.iter().chain(step.fits_on.iter().filter(|_| fitted)) {
            needed.insert(column);
            order.push(column);
        }
    }
    let raw = order.into_iter().filter(|column| needed.remove(column)).map(str::to_owned).collect();
    Trace { uses, raw }
}

/// The columns of a task: its label, its weights and what `when` reads.
fn target_columns(task: &Task) -> impl Iterator<Item = &String> {
    let when = task.when.iter().flat_map(|when| when.columns());
    std::iter::once(&task.column).chain(&task.weight_columns).chain(when)
}

impl Config {
    /// The steps of all operators, in order, each with its operator's number.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.operators.iter().enumerate().flat_map(|(i, operator)| operator.steps.iter().map(move |step| (i, step)))
    }

    /// The columns that features read after all operators and, `with_labels`, those of the tasks (labels, weights,
    /// `when`) and of groups: each once, in the order declared.
    pub fn final_columns(&self, with_labels: bool) -> Vec<&str> {
        let data = self.data.weight_column.iter().chain(self.data.group.iter().map(|group| &group.column));
        let labels = self.tasks.iter().flat_map(target_columns).chain(data).filter(|_| with_labels);
        let mut seen = BTreeSet::new();
        let columns = self.features.iter().map(|f| &f.column).chain(labels);
        columns.map(String::as_str).filter(|c| seen.insert(*c)).collect()
    }

    /// Raw columns that only features read, to turn them into ids, one a row; no operator, task or group does.
    pub fn id_columns(&self) -> Vec<String> {
        let is_id = |f: &&Feature| matches!(&f.kind, FeatureKind::Categorical { list: None, .. });
        let steps = self.steps().flat_map(|(_, step)| step.reads.iter().chain(&step.fits_on).chain(&step.writes));
        let others = self.features.iter().filter(|f| !is_id(f)).map(|f| &f.column).chain(steps);
        let data = self.data.weight_column.iter().chain(self.data.group.iter().map(|group| &group.column));
        let others = others.chain(self.tasks.iter().flat_map(target_columns)).chain(data).map(String::as_str);
        let mut seen: BTreeSet<&str> = others.chain(self.group_column()).collect();
        let ids = self.features.iter().filter(is_id).map(|f| &f.column);
        ids.filter(|column| seen.insert(column)).cloned().collect()
    }

    /// What scoring needs of the operators: all that features are made of, and with labels all that tasks are made of
    /// and that decides which rows are kept.
    pub fn trace_applied(&self, with_labels: bool) -> Trace {
        let steps: Vec<&Step> = self.steps().map(|(_, step)| step).collect();
        trace(&steps, self.final_columns(with_labels), |i| match steps[i].effect {
            Effect::Columns => Demand::Apply,
            Effect::Rows if with_labels => Demand::Always,
            Effect::Rows | Effect::Features => Demand::Never,
        })
    }

    /// What fitting needs of the operators, all passes together.
    pub fn trace_fitted(&self) -> Trace {
        let steps: Vec<&Step> = self.steps().map(|(_, step)| step).collect();
        trace(&steps, self.final_columns(true), |i| match steps[i].effect {
            Effect::Columns => Demand::FitAndApply,
            Effect::Rows | Effect::Features => Demand::AlwaysFit,
        })
    }
}
