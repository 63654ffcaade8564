//! What a report shows, as plain data.

use serde::{Deserialize, Serialize};

use crate::metrics::{Histogram, RocPoint, TaskMetrics};

/// A training run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The heading.
    pub title: String,
    /// What was read: rows, files, skipped rows and the like.
    pub dataset: Vec<Entry>,
    /// What was trained, and how: architecture, parameters, optimizer, seconds and the like.
    pub trained: Vec<Entry>,
    /// Every epoch, the first one first.
    pub epochs: Vec<EpochReport>,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Every task (T of them), with its figures on the validation rows.
    pub tasks: Vec<TaskReport>,
    /// Mean gate weights, one entry a gate layer; empty without gates.
    pub gates: Vec<GateReport>,
    /// Every feature.
    pub features: Vec<FeatureReport>,
}

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it says something about.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// One epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Mean training loss over the epoch's steps, penalties included.
    pub train_loss: Option<f64>,
    /// The tasks, in the order of [`RunReport::tasks`].
    pub tasks: Vec<EpochTask>,
}

/// A task after an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochTask {
    /// Mean training loss over the epoch.
    pub train_loss: Option<f64>,
    /// Mean loss over the validation rows.
    pub valid_loss: Option<f64>,
    /// Metrics over the validation rows.
    pub metrics: TaskMetrics,
}

/// A task's final figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Its name.
    pub name: String,
    /// `binary`, `regression` or `multi-class`.
    pub kind: String,
    /// Its metrics.
    pub metrics: TaskMetrics,
    /// Its ROC curve; empty if it has none.
    pub roc: Vec<RocPoint>,
    /// Its scores by label, or its labels and predictions.
    pub histogram: Option<Histogram>,
}

/// Mean weights of the gates of one layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// The layer.
    pub name: String,
    /// One gate a row: the tasks (or one name, where all tasks share a gate).
    pub gates: Vec<String>,
    /// The experts that they choose from (E).
    pub experts: Vec<String>,
    /// Mean weight over rows, `[gates][E]`, 0..=1.
    pub weights: Vec<Vec<f64>>,
}

/// A feature as it enters the network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureReport {
    /// Its name.
    pub name: String,
    /// `categorical`, `dense`, `vector` and the like.
    pub kind: String,
    /// Its encoder in words.
    pub encoder: String,
    /// Rows of its embedding table.
    pub rows: Option<u64>,
    /// Columns of the network's input that it fills (an embedding's dimension, a vector's length, 1 for a number).
    pub width: Option<u64>,
}
