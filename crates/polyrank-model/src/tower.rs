//! Towers and heads: one MLP a task, then one number.

use polyrank_engine::{GraphError, Loss, Value};
use polyrank_schema::config::{RegressionLoss, TaskKind};

use crate::build::Builder;

impl Builder<'_> {
    /// The tower of task `task` and its head.
    pub(crate) fn tower(&mut self, prefix: &str, task: usize, x: Value) -> Result<(), GraphError> {
        let config = self.config;
        let task = &config.tasks[task];
        let name = format!("{prefix}towers.{}", task.name);
        let hidden = self.mlp(&name, x, &config.model.tower_units)?;
        let output = self.output(&name, hidden, 1, true)?;
        let loss = match task.kind {
            TaskKind::Binary { .. } => Loss::BinaryCrossEntropy,
            TaskKind::Regression { loss: RegressionLoss::Mse } => Loss::Mse,
            TaskKind::Regression { loss: RegressionLoss::Mae } => Loss::Mae,
            TaskKind::Regression { loss: RegressionLoss::Huber { delta } } => Loss::Huber { delta },
        };
        self.graph.head(&task.name, output, loss, task.weight)
    }
}
