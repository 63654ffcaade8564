//! Names of metrics: `TASK.METRIC`, or `mean.METRIC` over the tasks that have it.

use crate::config::{Task, TaskKind};
use crate::error::{Quote, one_of, printable, suggestion};

/// A figure of merit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Area under the ROC curve; binary tasks.
    Auc,
    /// Mean cross-entropy; binary and multi-class tasks.
    Logloss,
    /// AUC within each group of rows, averaged; binary tasks, where `data.group` names the groups.
    Gauc,
    /// Share of rows on the right side of one half, or with the likeliest class right; binary and multi-class tasks.
    Accuracy,
    /// Share of the rows scored one half or more that are positive; binary tasks.
    Precision,
    /// Share of the positive rows that are scored one half or more; binary tasks.
    Recall,
    /// Root of the mean squared difference; regression tasks.
    Rmse,
    /// Mean absolute difference; regression tasks.
    Mae,
    /// The training loss; any task.
    Loss,
}

impl MetricKind {
    /// All metrics, in the order to print them.
    pub const ALL: [MetricKind; 9] = [
        MetricKind::Auc,
        MetricKind::Gauc,
        MetricKind::Logloss,
        MetricKind::Accuracy,
        MetricKind::Precision,
        MetricKind::Recall,
        MetricKind::Rmse,
        MetricKind::Mae,
        MetricKind::Loss,
    ];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Auc => "auc",
            MetricKind::Logloss => "logloss",
            MetricKind::Gauc => "gauc",
            MetricKind::Accuracy => "accuracy",
            MetricKind::Precision => "precision",
            MetricKind::Recall => "recall",
            MetricKind::Rmse => "rmse",
            MetricKind::Mae => "mae",
            MetricKind::Loss => "loss",
        }
    }

    /// Whether a larger value is a better one.
    pub fn larger_is_better(self) -> bool {
        !matches!(self, MetricKind::Logloss | MetricKind::Rmse | MetricKind::Mae | MetricKind::Loss)
    }

    /// Whether a task of this kind has the metric.
    pub fn applies_to(self, task: &TaskKind) -> bool {
        match self {
            MetricKind::Loss => true,
            MetricKind::Logloss | MetricKind::Accuracy => !matches!(task, TaskKind::Regression { .. }),
            MetricKind::Rmse | MetricKind::Mae => matches!(task, TaskKind::Regression { .. }),
            _ => matches!(task, TaskKind::Binary { .. }),
        }
    }
}

/// A metric of one task, or over all tasks that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Index of the task; `None` for `mean`: the mean over the tasks that have the metric, and for `loss` the weighted
    /// sum over all tasks.
    pub task: Option<usize>,
    /// The metric.
    pub kind: MetricKind,
    /// Whether rows count by their weights: `weighted_auc`. The loss always does.
    pub weighted: bool,
}

/// What stands before the name of a metric that counts rows by their weights.
pub const WEIGHTED: &str = "weighted_";

impl Metric {
    /// Its name without the task, as `weighted_auc`.
    pub fn name(self) -> String {
        format!("{}{}", if self.weighted { WEIGHTED } else { "" }, self.kind.name())
    }

    /// Reads `TASK.METRIC` or `mean.METRIC`, METRIC with `weighted_` before it or not; names of tasks may hold dots.
    ///
    /// # Errors
    ///
    /// What is wrong with the name and what to write, in one line.
    pub fn parse(name: &str, tasks: &[Task]) -> Result<Metric, String> {
        let Some((scope, metric)) = name.rsplit_once('.') else {
            return Err(format!("\"{}\" is no metric; write TASK.METRIC or mean.METRIC", printable(name)));
        };
        let kinds = MetricKind::ALL.map(MetricKind::name);
        let (plain, weighted) = metric.strip_prefix(WEIGHTED).map_or((metric, false), |plain| (plain, true));
        let found = MetricKind::ALL.into_iter().find(|k| k.name() == plain);
        let Some(kind) = found.filter(|kind| !(weighted && *kind == MetricKind::Loss)) else {
            let hint = suggestion(metric, &kinds, Quote::Value).unwrap_or_default();
            return Err(format!("unknown metric \"{}\"; {hint}", printable(metric)));
        };
        if scope == "mean" {
            if tasks.iter().any(|t| kind.applies_to(&t.kind)) {
                return Ok(Metric { task: None, kind, weighted });
            }
            return Err(format!("no task has the metric \"{metric}\"; {}", known(tasks.first())));
        }
        let Some(index) = tasks.iter().position(|t| t.name == scope) else {
            let names: Vec<&str> = tasks.iter().map(|t| t.name.as_str()).chain(["mean"]).collect();
            let hint = suggestion(scope, &names, Quote::Value).unwrap_or_default();
            return Err(format!("no task is named \"{}\"; {hint}", printable(scope)));
        };
        if kind.applies_to(&tasks[index].kind) {
            return Ok(Metric { task: Some(index), kind, weighted });
        }
        Err(format!("the task \"{}\" has no metric \"{metric}\"; {}", printable(scope), known(tasks.get(index))))
    }
}

fn known(task: Option<&Task>) -> String {
    let has = |k: &MetricKind| task.is_some_and(|t| k.applies_to(&t.kind));
    let names: Vec<&str> = MetricKind::ALL.iter().filter(|k| has(k)).map(|k| k.name()).collect();
    format!("known: {}", one_of(&names, Quote::Value))
}
