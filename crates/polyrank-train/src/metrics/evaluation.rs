//! The labelled rows of one task, checked once and sorted once for all the metrics that need an order.

use polyrank_schema::config::TaskKind;

use super::{AppliesTo, METRICS, TaskMetrics};

/// Why scores and labels cannot be evaluated. Rows count from 0 in the slices that were given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// One score a label.
    #[error("{scores} scores for {labels} labels: give one score for each label")]
    Lengths {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A score that no metric can use.
    #[error("row {row}: the score is {score}, not {expected}; the model's weights may have diverged")]
    Score {
        /// The row.
        row: usize,
        /// Its score.
        score: f32,
        /// What a score of such a task must be.
        expected: &'static str,
    },
    /// A label that the task cannot have.
    #[error("row {row}: the label is {label}, not {expected}")]
    Label {
        /// The row.
        row: usize,
        /// Its label.
        label: f32,
        /// What a label of such a task must be.
        expected: &'static str,
    },
}

/// The rows of one task that have a label: N scores and N labels.
#[derive(Debug, Clone)]
pub struct Evaluation {
    binary: bool,
    scores: Vec<f32>,
    labels: Vec<f32>,
    ranked: Vec<u64>,
}

/// The rows that share one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tie {
    pub(super) score: f64,
    pub(super) rows: u64,
    pub(super) positives: u64,
}

impl Evaluation {
    /// Checks and keeps the rows that have a label.
    ///
    /// # Errors
    ///
    /// As [`evaluate_task`](super::evaluate_task).
    pub fn new(kind: &TaskKind, scores: &[f32], labels: &[f32]) -> Result<Self, MetricError> {
        if scores.len() != labels.len() {
            return Err(MetricError::Lengths { scores: scores.len(), labels: labels.len() });
        }
        let binary = matches!(kind, TaskKind::Binary { .. });
        let labelled = labels.iter().filter(|label| !label.is_nan()).count();
        let mut kept_scores = Vec::with_capacity(labelled);
        let mut kept_labels = Vec::with_capacity(labelled);
        for (row, (&score, &label)) in scores.iter().zip(labels).enumerate() {
            if label.is_nan() {
                continue;
            }
            if binary {
                if !(0.0..=1.0).contains(&score) {
                    return Err(MetricError::Score { row, score, expected: "a probability from 0 to 1" });
                }
                if label != 0.0 && label != 1.0 {
                    return Err(MetricError::Label { row, label, expected: "0 or 1" });
                }
            } else {
                if !score.is_finite() {
                    return Err(MetricError::Score { row, score, expected: "a finite number" });
                }
                if !label.is_finite() {
                    return Err(MetricError::Label { row, label, expected: "a finite number" });
                }
            }
            // Adding 0 turns -0 into 0, which ties with it.
            kept_scores.push(score + 0.0);
            kept_labels.push(label);
        }
        let ranked = if binary { rank(&kept_scores, &kept_labels) } else { Vec::new() };
        Ok(Evaluation { binary, scores: kept_scores, labels: kept_labels, ranked })
    }

    /// Number of labelled rows (N).
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Every metric that such a task has.
    pub fn metrics(&self) -> TaskMetrics {
        METRICS
            .iter()
            .filter(|metric| match metric.applies_to {
                AppliesTo::Any => true,
                AppliesTo::Binary => self.binary,
                AppliesTo::Regression => !self.binary,
            })
            .map(|metric| (metric.name.to_string(), (metric.compute)(self)))
            .collect()
    }

    pub(super) fn is_binary(&self) -> bool {
        self.binary
    }

    pub(super) fn scores(&self) -> &[f32] {
        &self.scores
    }

    pub(super) fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// Score and label of each row, in the order given.
    pub(super) fn pairs(&self) -> impl ExactSizeIterator<Item = (f64, f64)> + '_ {
        self.scores.iter().zip(&self.labels).map(|(&score, &label)| (f64::from(score), f64::from(label)))
    }

    /// Positive and negative rows.
    pub(super) fn classes(&self) -> (u64, u64) {
        let positives: u64 = self.ranked.iter().map(|key| key & 1).sum();
        (positives, self.ranked.len() as u64 - positives)
    }

    /// The distinct scores of a binary task with their rows, by rising score; from the back, by falling score.
    pub(super) fn ties(&self) -> impl DoubleEndedIterator<Item = Tie> + '_ {
        self.ranked.chunk_by(|a, b| a >> 1 == b >> 1).map(|group| Tie {
            score: f64::from(f32::from_bits((group[0] >> 1) as u32)),
            rows: group.len() as u64,
            positives: group.iter().map(|key| key & 1).sum(),
        })
    }
}

/// One integer a row, rising with the score, the label in its last bit: integers sort several times faster than rows
/// compared by score. The bits of floats from 0 up rise with the float.
fn rank(scores: &[f32], labels: &[f32]) -> Vec<u64> {
    let mut ranked: Vec<u64> = scores
        .iter()
        .zip(labels)
        .map(|(score, &label)| (u64::from(score.to_bits()) << 1) | u64::from(label == 1.0))
        .collect();
    ranked.sort_unstable();
    ranked
}
