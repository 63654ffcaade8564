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
    /// Share of rows on the right side of one half, or with the likeliest class right; binary and multi-class tasks.
    Accuracy,
    /// Root of the mean squared difference; regression tasks.
    Rmse,
    /// Mean absolute difference; regression tasks.
    Mae,
    /// The training loss; any task.
    Loss,
}

impl MetricKind {
    /// All metrics, in the order to print them.
    pub const ALL: [MetricKind; 6] = [
        MetricKind::Auc,
        MetricKind::Logloss,
        MetricKind::Accuracy,
        MetricKind::Rmse,
        MetricKind::Mae,
        MetricKind::Loss,
    ];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Auc => "auc",
            MetricKind::Logloss => "logloss",
            MetricKind::Accuracy => "accuracy",
            MetricKind::Rmse => "rmse",
            MetricKind::Mae => "mae",
            MetricKind::Loss => "loss",
        }
    }

    /// Whether a larger value is a better one.
    pub fn larger_is_better(self) -> bool {
        matches!(self, MetricKind::Auc | MetricKind::Accuracy)
    }

    /// Whether a task of this kind has the metric.
    pub fn applies_to(self, task: &TaskKind) -> bool {
        match self {
            MetricKind::Loss => true,
            MetricKind::Auc => matches!(task, TaskKind::Binary { .. }),
            MetricKind::Logloss | MetricKind::Accuracy => !matches!(task, TaskKind::Regression { .. }),
            MetricKind::Rmse | MetricKind::Mae => matches!(task, TaskKind::Regression { .. }),
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
}

impl Metric {
    /// Reads `TASK.METRIC` or `mean.METRIC`; names of tasks may hold dots.
    ///
    /// # Errors
    ///
    /// What is wrong with the name and what to write, in one line.
    pub fn parse(name: &str, tasks: &[Task]) -> Result<Metric, String> {
        let Some((scope, metric)) = name.rsplit_once('.') else {
            return Err(format!("\"{}\" is no metric; write TASK.METRIC or mean.METRIC", printable(name)));
        };
        let kinds = MetricKind::ALL.map(MetricKind::name);
        let Some(kind) = MetricKind::ALL.into_iter().find(|k| k.name() == metric) else {
            let hint = suggestion(metric, &kinds, Quote::Value).unwrap_or_default();
            return Err(format!("unknown metric \"{}\"; {hint}", printable(metric)));
        };
        if scope == "mean" {
            if tasks.iter().any(|t| kind.applies_to(&t.kind)) {
                return Ok(Metric { task: None, kind });
            }
            return Err(format!("no task has the metric \"{metric}\"; {}", known(tasks.first())));
        }
        let Some(index) = tasks.iter().position(|t| t.name == scope) else {
            let names: Vec<&str> = tasks.iter().map(|t| t.name.as_str()).chain(["mean"]).collect();
            let hint = suggestion(scope, &names, Quote::Value).unwrap_or_default();
            return Err(format!("no task is named \"{}\"; {hint}", printable(scope)));
        };
        if kind.applies_to(&tasks[index].kind) {
            return Ok(Metric { task: Some(index), kind });
        }
        Err(format!("the task \"{}\" has no metric \"{metric}\"; {}", printable(scope), known(tasks.get(index))))
    }
}

fn known(task: Option<&Task>) -> String {
    let has = |k: &MetricKind| task.is_some_and(|t| k.applies_to(&t.kind));
    let names: Vec<&str> = MetricKind::ALL.iter().filter(|k| has(k)).map(|k| k.name()).collect();
    format!("known: {}", one_of(&names, Quote::Value))
}
