//! Histograms: a binary task's scores by label, a regression task's labels beside its predictions.

use polyrank_schema::config::TaskKind;
use serde::{Deserialize, Serialize};

use super::Evaluation;

/// Counts over bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Lower border of the first bin.
    pub low: f64,
    /// Upper border of the last bin, above `low`.
    pub high: f64,
    /// What is counted over the same bins.
    pub series: Vec<HistogramSeries>,
}

/// One set of counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramSeries {
    /// What is counted.
    pub name: String,
    /// Rows in each bin.
    pub counts: Vec<u64>,
}

impl Evaluation {
    /// A histogram of `bins` bins (1 at least) from the smallest value to the largest; `None` without rows, and for a
    /// multi-class task.
    pub fn histogram(&self, bins: usize) -> Option<Histogram> {
        let groups: [(&str, Vec<f64>); 2] = match self.kind() {
            TaskKind::Binary { .. } => {
                let of = |class: f64| self.pairs().filter(|pair| pair.1 == class).map(|pair| pair.0).collect();
                [("label 0", of(0.0)), ("label 1", of(1.0))]
            }
            TaskKind::Regression { .. } => {
                let (scores, labels) = self.pairs().unzip();
                [("labels", labels), ("predictions", scores)]
            }
            TaskKind::MultiClass { .. } => return None,
        };
        let values = || groups.iter().flat_map(|(_, values)| values);
        let low = values().copied().reduce(f64::min)?;
        let mut high = values().copied().reduce(f64::max)?;
        if high <= low {
            high = low + low.abs().max(1.0) * 1e-3;
        }
        let bins = bins.max(1);
        let count = |values: &[f64]| {
            let mut counts = vec![0_u64; bins];
            for value in values {
                let bin = ((value - low) / (high - low) * bins as f64) as usize;
                counts[bin.min(bins - 1)] += 1;
            }
            counts
        };
        let series =
            groups.iter().map(|(name, values)| HistogramSeries { name: (*name).into(), counts: count(values) });
        Some(Histogram { low, high, series: series.collect() })
    }
}
