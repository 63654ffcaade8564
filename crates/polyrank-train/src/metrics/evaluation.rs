//! The labelled rows of one task, checked once and sorted once for all the metrics that need an order.

use polyrank_schema::config::TaskKind;

use super::{METRICS, TaskMetrics};

/// Why scores and labels cannot be evaluated. Rows count from 0 in the slices that were given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// One score a label.
    #[error("{scores} scores for {labels} labels: give {each} for each label")]
    Lengths {
        /// Scores that each label needs.
        each: usize,
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
    kind: TaskKind,
    /// Of a multi-class task the probability of the label's class.
    scores: Vec<f32>,
    /// Of a multi-class task, whether the label's class is the likeliest, the first of several.
    hits: Vec<bool>,
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
        let each = if let TaskKind::MultiClass { classes } = kind { classes.len() } else { 1 };
        if labels.len().checked_mul(each) != Some(scores.len()) {
            return Err(MetricError::Lengths { each, scores: scores.len(), labels: labels.len() });
        }
        if let TaskKind::MultiClass { .. } = kind {
            return Evaluation::of_classes(kind, each, scores, labels);
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
        Ok(Evaluation { kind: kind.clone(), scores: kept_scores, hits: Vec::new(), labels: kept_labels, ranked })
    }

    /// Scores are `[B, C]` row by row, labels indices of classes.
    fn of_classes(kind: &TaskKind, classes: usize, scores: &[f32], labels: &[f32]) -> Result<Self, MetricError> {
        let (mut likely, mut hits, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (scores, &label)) in scores.chunks_exact(classes.max(1)).zip(labels).enumerate() {
            if label.is_nan() {
                continue;
            }
            if let Some(&score) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
                return Err(MetricError::Score { row, score, expected: "a probability from 0 to 1" });
            }
            let Some(&score) = scores.get(label as usize).filter(|_| label >= 0.0 && label.fract() == 0.0) else {
                return Err(MetricError::Label { row, label, expected: "the index of a class" });
            };
            let (before, after) = scores.split_at(label as usize);
            hits.push(before.iter().all(|other| *other < score) && after.iter().all(|other| *other <= score));
            likely.push(score);
            kept.push(label);
        }
        Ok(Evaluation { kind: kind.clone(), scores: likely, hits, labels: kept, ranked: Vec::new() })
    }

    /// Number of labelled rows (N).
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Every metric that such a task has.
    pub fn metrics(&self) -> TaskMetrics {
        METRICS
            .iter()
            .filter(|metric| metric.applies(&self.kind))
            .map(|metric| (metric.name.to_string(), (metric.compute)(self)))
            .collect()
    }

    pub(super) fn kind(&self) -> &TaskKind {
        &self.kind
    }

    /// Of a multi-class task, whether each row's likeliest class (the first of several) is its label.
    pub(super) fn hits(&self) -> &[bool] {
        &self.hits
    }

    pub(super) fn scores(&self) -> &[f32] {
        &self.scores
    }

    pub(super) fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// Score and label of each row, in the order given; of a multi-class task the probability of the label's class.
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
