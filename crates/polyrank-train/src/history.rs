//! What a run measured, epoch by epoch, and which epoch was best.

use polyrank_schema::{Config, Metric, MetricKind};
use serde::{Deserialize, Serialize};

use crate::evaluate::Measured;

/// A run so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The epochs done.
    pub epochs: Vec<Epoch>,
    /// The best epoch, from 1; `None` before the first.
    pub best: Option<usize>,
    /// Epochs since the early-stopping metric improved.
    pub waited: usize,
    /// The best value of the early-stopping metric.
    pub stopping_best: Option<f64>,
}

/// One epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Rows trained on.
    pub rows: u64,
    /// Steps.
    pub steps: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// Mean over steps of what was minimised: weighted, normalised losses plus penalties.
    pub train_loss: f64,
    /// Mean training loss by task, by weight, over the rows that have the label.
    pub task_train_loss: Vec<Option<f64>>,
    /// Figures on the validation rows.
    pub valid: Option<Measured>,
}

impl Epoch {
    /// The value of a metric on the validation rows; `None` where it is undefined.
    pub fn metric(&self, metric: Metric, config: &Config) -> Option<f64> {
        let valid = self.valid.as_ref()?;
        let of_task = |task: usize| match metric.kind {
            MetricKind::Loss => valid.tasks[task].loss,
            _ => valid.tasks[task].metrics.get(&metric.name()),
        };
        if let Some(task) = metric.task {
            return of_task(task);
        }
        let having = (0..config.tasks.len()).filter(|t| metric.kind.applies_to(&config.tasks[*t].kind));
        if metric.kind == MetricKind::Loss {
            return having.map(|t| of_task(t).map(|loss| loss * config.tasks[t].weight)).sum();
        }
        // A task that lacks a class in the validation rows says nothing: the mean is over the others.
        let values: Vec<f64> = having.filter_map(of_task).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

impl History {
    /// Takes in an epoch; says whether training should stop early.
    pub fn add(&mut self, epoch: Epoch, config: &Config) -> bool {
        let parse = |name: &str| Metric::parse(name, &config.tasks).ok();
        let value_of = |name: &str, epoch: &Epoch| parse(name).and_then(|m| Some((m, epoch.metric(m, config)?)));
        let best = &config.train.best_metric;
        let current = value_of(best, &epoch);
        let so_far = self.best.and_then(|b| self.epochs.get(b - 1)).and_then(|e| value_of(best, e));
        let better = match (current, so_far) {
            (Some((metric, now)), Some((_, then))) => improves(metric, now, then, 0.0),
            // Without a defined metric the latest epoch counts.
            (None, Some(_)) => false,
            (_, None) => true,
        };
        self.epochs.push(epoch);
        if better {
            self.best = Some(self.epochs.len());
        }
        let Some(stopping) = &config.train.early_stopping else { return false };
        let latest = self.epochs.last().and_then(|e| value_of(&stopping.metric, e));
        match (latest, self.stopping_best) {
            (Some((_, now)), None) => self.stopping_best = Some(now),
            (Some((metric, now)), Some(then)) if improves(metric, now, then, stopping.min_delta) => {
                self.stopping_best = Some(now);
                self.waited = 0;
            }
            _ => self.waited += 1,
        }
        self.waited >= stopping.patience
    }
}

fn improves(metric: Metric, now: f64, then: f64, min_delta: f64) -> bool {
    if metric.kind.larger_is_better() { now > then + min_delta } else { now < then - min_delta }
}
