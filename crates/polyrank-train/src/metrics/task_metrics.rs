//! The values of a task's metrics.

use std::collections::BTreeMap;

use polyrank_schema::WEIGHTED;
use serde::{Deserialize, Serialize};

use super::{METRICS, Metric};

/// The metrics of one task by name; `None` (in JSON `null`) where the rows do not define one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskMetrics {
    values: BTreeMap<String, Option<f64>>,
}

impl TaskMetrics {
    /// The value of a metric; `None` if the task does not have it or the rows do not define it.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied().flatten()
    }

    /// Sets a value that is not computed from scores, as a loss.
    pub fn insert(&mut self, name: &str, value: Option<f64>) {
        self.values.insert(name.to_string(), value);
    }

    /// Names and values: metrics in the order of [`METRICS`], then the weighted ones, then others by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let known = METRICS.iter().filter_map(|metric| self.values.get_key_value(metric.name));
        let weighted = |metric: &Metric| self.values.get_key_value(&format!("{WEIGHTED}{}", metric.name));
        let known = known.chain(METRICS.iter().filter_map(weighted));
        let others = self.values.iter().filter(|(name, _)| super::find(name).is_none());
        known.chain(others).map(|(name, value)| (name.as_str(), *value))
    }
}

impl FromIterator<(String, Option<f64>)> for TaskMetrics {
    fn from_iter<I: IntoIterator<Item = (String, Option<f64>)>>(values: I) -> Self {
        TaskMetrics { values: values.into_iter().collect() }
    }
}

/// The mean of a metric over the tasks for which it is defined, each task counting once; `None` if there is none.
pub fn mean_over_tasks<'a>(tasks: impl IntoIterator<Item = &'a TaskMetrics>, name: &str) -> Option<f64> {
    let defined: Vec<f64> = tasks.into_iter().filter_map(|metrics| metrics.get(name)).collect();
    super::sum::mean(defined.into_iter())
}
