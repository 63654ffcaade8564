//! Metrics: exact over the whole set of rows, one metric a file, one line each in [`METRICS`].
//!
//! A row whose label is missing (NaN) is left out. A metric that the rows do not define is absent, never a neutral
//! number: AUC needs both classes, and every mean needs a row. No metric is averaged over batches or pooled over tasks.
//!
//! Where rows have weights, most metrics come twice: every row counted once, and, as `weighted_NAME`, by its weight.

mod accuracy;
mod auc;
mod ece;
mod evaluation;
mod gauc;
mod histogram;
mod label_mean;
mod logloss;
mod mae;
mod normalised_entropy;
mod precision;
mod prediction_mean;
mod recall;
mod rmse;
mod roc;
mod rows;
mod sum;
mod task_metrics;
#[cfg(test)]
mod tests;

use polyrank_schema::WEIGHTED;
use polyrank_schema::config::TaskKind;

pub use evaluation::{Evaluation, MetricError, TaskRows};
pub use histogram::{Histogram, HistogramSeries};
pub use roc::RocPoint;
pub use task_metrics::{TaskMetrics, mean_over_tasks};

/// What a metric is, and how it is computed.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name in configurations, logs and reports.
    pub name: &'static str,
    /// The kind of task that has it.
    pub applies_to: AppliesTo,
    /// Which way is better.
    pub better: Better,
    /// One line for the reference and the report.
    pub doc: &'static str,
    /// Whether `compute` counts rows by their weights; then rows that have some also have `weighted_NAME`.
    pub weighted: bool,
    /// Its value, or `None` where the rows do not define it.
    pub compute: fn(&Evaluation) -> Option<f64>,
}

/// The kind of task that has a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Binary tasks.
    Binary,
    /// Binary tasks, where rows have groups.
    GroupedBinary,
    /// Regression tasks.
    Regression,
    /// Binary and multi-class tasks.
    Classes,
    /// Binary and regression tasks: labels are numbers.
    Numbers,
    /// Every task.
    Any,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A larger value is better.
    Higher,
    /// A smaller value is better.
    Lower,
    /// It describes the rows rather than the model.
    Neither,
}

/// Every metric, in the order to print them.
pub const METRICS: &[Metric] = &[
    auc::METRIC,
    gauc::METRIC,
    logloss::METRIC,
    normalised_entropy::METRIC,
    accuracy::METRIC,
    precision::METRIC,
    recall::METRIC,
    ece::METRIC,
    rmse::METRIC,
    mae::METRIC,
    label_mean::METRIC,
    prediction_mean::METRIC,
    rows::METRIC,
];

impl Metric {
    /// Whether a task of this kind has the metric.
    pub fn applies(&self, kind: &TaskKind) -> bool {
        match self.applies_to {
            AppliesTo::Any => true,
            AppliesTo::Binary | AppliesTo::GroupedBinary => matches!(kind, TaskKind::Binary { .. }),
            AppliesTo::Regression => matches!(kind, TaskKind::Regression { .. }),
            AppliesTo::Classes => !matches!(kind, TaskKind::Regression { .. }),
            AppliesTo::Numbers => !matches!(kind, TaskKind::MultiClass { .. }),
        }
    }

    /// By how much a value is worse than another; negative where it is better, `None` for a metric that has no better side.
    pub fn regret(&self, value: f64, best: f64) -> Option<f64> {
        match self.better {
            Better::Higher => Some(best - value),
            Better::Lower => Some(value - best),
            Better::Neither => None,
        }
    }

    /// Whether `candidate` improves on `best` by more than `min_delta`; never for a metric that has no better side.
    pub fn improves(&self, candidate: f64, best: f64, min_delta: f64) -> bool {
        match self.better {
            Better::Higher => candidate > best + min_delta,
            Better::Lower => candidate < best - min_delta,
            Better::Neither => false,
        }
    }
}

/// The metric of this name, with `weighted_` before it or not.
pub fn find(name: &str) -> Option<&'static Metric> {
    let name = name.strip_prefix(WEIGHTED).unwrap_or(name);
    METRICS.iter().find(|metric| metric.name == name)
}

/// The metrics of one task from its scores and labels, `[B]` each; scores of a binary task are probabilities, those of C
/// classes are `[B, C]` with the class's index as the label; a NaN label is a missing one.
///
/// # Errors
///
/// Where the lengths differ, a labelled row's score is not a number (not within 0..=1 for a probability), or a label
/// is none that the task can have.
pub fn evaluate_task(kind: &TaskKind, scores: &[f32], labels: &[f32]) -> Result<TaskMetrics, MetricError> {
    evaluate_rows(kind, &TaskRows::new(scores, labels))
}

/// The metrics of one task; with weights the weighted ones too, with groups those within groups.
///
/// # Errors
///
/// As [`evaluate_task`], and where lengths differ or a weight is negative or not finite.
pub fn evaluate_rows(kind: &TaskKind, rows: &TaskRows<'_>) -> Result<TaskMetrics, MetricError> {
    let plain = Evaluation::of(kind, &TaskRows { weights: &[], ..*rows })?.metrics();
    if rows.weights.is_empty() {
        return Ok(plain);
    }
    let weighted = Evaluation::of(kind, rows)?.metrics();
    let weighted = weighted.iter().filter(|(name, _)| find(name).is_some_and(|metric| metric.weighted));
    let weighted = weighted.map(|(name, value)| (format!("{WEIGHTED}{name}"), value));
    Ok(plain.iter().map(|(name, value)| (name.to_owned(), value)).chain(weighted).collect())
}
