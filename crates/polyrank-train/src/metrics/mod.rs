//! Metrics: exact over the whole set of rows, one metric a file, one line each in [`METRICS`].
//!
//! A row whose label is missing (NaN) is left out. A metric that the rows do not define is absent, never a neutral
//! number: AUC needs both classes, and every mean needs a row. No metric is averaged over batches or pooled over tasks.

mod accuracy;
mod auc;
mod ece;
mod evaluation;
mod histogram;
mod label_mean;
mod logloss;
mod mae;
mod normalised_entropy;
mod prediction_mean;
mod rmse;
mod roc;
mod rows;
mod sum;
mod task_metrics;
#[cfg(test)]
mod tests;

use polyrank_schema::config::TaskKind;

pub use evaluation::{Evaluation, MetricError};
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
    /// Its value, or `None` where the rows do not define it.
    pub compute: fn(&Evaluation) -> Option<f64>,
}

/// The kind of task that has a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Binary tasks.
    Binary,
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
    logloss::METRIC,
    normalised_entropy::METRIC,
    accuracy::METRIC,
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
            AppliesTo::Binary => matches!(kind, TaskKind::Binary { .. }),
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

/// The metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
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
    Ok(Evaluation::new(kind, scores, labels)?.metrics())
}
