//! Towers and heads: one MLP a task, then one number, or one a class, to which an interaction may have added logits.

use polyrank_engine::{GraphError, Loss, Value};
use polyrank_schema::config::{RegressionLoss, TaskKind};

use crate::build::Builder;

impl Builder<'_> {
    /// The tower of task `task`: hidden layers, then its logit or prediction, `[B, 1]`, or its classes' logits,
    /// `[B, C]`.
    pub fn tower(&mut self, prefix: &str, task: usize, x: Value) -> Result<Value, GraphError> {
        let config = self.config;
        let name = format!("{prefix}towers.{}", config.tasks[task].name);
        let hidden = self.tower_layers(&name, x)?;
        self.logit(&name, task, hidden)
    }

    /// The logit, logits or prediction of task `task` from a hidden value: a linear layer `NAME.out`, and what the interaction
    /// adds.
    pub fn logit(&mut self, name: &str, task: usize, hidden: Value) -> Result<Value, GraphError> {
        let output = self.output(name, hidden, self.config.tasks[task].outputs(), true)?;
        let mut terms = vec![(1.0, output)];
        terms.extend(std::mem::take(&mut self.logits[task]).into_iter().map(|logit| (1.0, logit)));
        if terms.len() == 1 { Ok(output) } else { self.graph.sum(&format!("{name}.logit"), &terms) }
    }

    /// The head of task `task`.
    pub(crate) fn head(&mut self, task: usize, output: Value) -> Result<(), GraphError> {
        let config = self.config;
        let task = &config.tasks[task];
        let loss = match &task.kind {
            TaskKind::Binary { .. } => Loss::BinaryCrossEntropy,
            TaskKind::MultiClass { .. } => Loss::CrossEntropy,
            TaskKind::Regression { loss: RegressionLoss::Mse } => Loss::Mse,
            TaskKind::Regression { loss: RegressionLoss::Mae } => Loss::Mae,
            TaskKind::Regression { loss: RegressionLoss::Huber { delta } } => Loss::Huber { delta: *delta },
        };
        self.graph.head(&task.name, output, loss, task.weight)
    }
}
