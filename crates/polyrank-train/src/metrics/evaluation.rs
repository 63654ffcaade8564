//! The labelled rows of one task, checked once and sorted once for all the metrics that need an order.

use polyrank_schema::config::{GroupWeight, TaskKind};

use super::{AppliesTo, METRICS, TaskMetrics, sum};

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
    /// As many weights or groups as labels, or none.
    #[error("{given} {what} for {labels} labels: give one for each label, or none")]
    Given {
        /// Weights or groups.
        what: &'static str,
        /// Number of them.
        given: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A weight that no metric can use.
    #[error("row {row}: the weight is {weight}; weights are finite and not negative")]
    Weight {
        /// The row.
        row: usize,
        /// Its weight.
        weight: f32,
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

/// What is known of the rows of one task, `[B]` each.
#[derive(Debug, Clone, Copy)]
pub struct TaskRows<'a> {
    /// Scores: probabilities of a binary task.
    pub scores: &'a [f32],
    /// Labels, NaN where missing.
    pub labels: &'a [f32],
    /// Weights of rows; empty where all are 1.
    pub weights: &'a [f32],
    /// Groups of rows, [`TaskRows::NO_GROUP`] of none; empty where there are no groups.
    pub groups: &'a [u32],
    /// What a group weighs in an average over groups.
    pub group_weight: GroupWeight,
}

impl<'a> TaskRows<'a> {
    /// The group of a row that belongs to none.
    pub const NO_GROUP: u32 = u32::MAX;

    /// Rows without weights and groups.
    pub fn new(scores: &'a [f32], labels: &'a [f32]) -> TaskRows<'a> {
        TaskRows { scores, labels, weights: &[], groups: &[], group_weight: GroupWeight::Impressions }
    }
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
    /// N weights, or none.
    weights: Vec<f32>,
    /// N groups, or none.
    groups: Option<Vec<u32>>,
    group_weight: GroupWeight,
    ranked: Vec<u64>,
}

/// A row in an order of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ordered {
    /// Group, bits of the score, label: integers sort several times faster than rows compared by score. The bits of
    /// floats from 0 up rise with the float, and those of 1 take 30.
    key: u64,
    pub(super) weight: f32,
}

impl Ordered {
    pub(super) fn group(self) -> u64 {
        self.key >> 32
    }

    pub(super) fn score(self) -> u32 {
        (self.key as u32) >> 1
    }

    pub(super) fn is_positive(self) -> bool {
        self.key & 1 == 1
    }
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
        Evaluation::of(kind, &TaskRows::new(scores, labels))
    }

    /// The same of rows with weights or groups.
    ///
    /// # Errors
    ///
    /// As [`evaluate_rows`](super::evaluate_rows).
    pub fn of(kind: &TaskKind, rows: &TaskRows<'_>) -> Result<Self, MetricError> {
        let (scores, labels) = (rows.scores, rows.labels);
        let each = if let TaskKind::MultiClass { classes } = kind { classes.len() } else { 1 };
        if labels.len().checked_mul(each) != Some(scores.len()) {
            return Err(MetricError::Lengths { each, scores: scores.len(), labels: labels.len() });
        }
        for (what, given) in [("weights", rows.weights.len()), ("groups", rows.groups.len())] {
            if given != 0 && given != labels.len() {
                return Err(MetricError::Given { what, given, labels: labels.len() });
            }
        }
        let binary = matches!(kind, TaskKind::Binary { .. });
        let labelled = labels.iter().filter(|label| !label.is_nan()).count();
        let mut kept_scores = Vec::with_capacity(labelled);
        let mut kept_labels = Vec::with_capacity(labelled);
        let (mut hits, mut weights, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (scores, &label)) in scores.chunks_exact(each.max(1)).zip(labels).enumerate() {
            if label.is_nan() {
                continue;
            }
            let score = match kind {
                TaskKind::Binary { .. } => of_binary(row, scores[0], label)?,
                TaskKind::Regression { .. } => of_number(row, scores[0], label)?,
                TaskKind::MultiClass { .. } => {
                    let (score, hit) = of_classes(row, scores, label)?;
                    hits.push(hit);
                    score
                }
            };
            if let Some(&weight) = rows.weights.get(row) {
                if !(0.0..f32::INFINITY).contains(&weight) {
                    return Err(MetricError::Weight { row, weight });
                }
                weights.push(weight);
            }
            groups.extend(rows.groups.get(row));
            // Adding 0 turns -0 into 0, which ties with it.
            kept_scores.push(score + 0.0);
            kept_labels.push(label);
        }
        let ranked = if binary { rank(&kept_scores, &kept_labels) } else { Vec::new() };
        Ok(Evaluation {
            kind: kind.clone(),
            scores: kept_scores,
            hits,
            labels: kept_labels,
            weights,
            groups: (!rows.groups.is_empty()).then_some(groups),
            group_weight: rows.group_weight,
            ranked,
        })
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
            .filter(|metric| metric.applies_to != AppliesTo::GroupedBinary || self.groups.is_some())
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

    pub(super) fn is_weighted(&self) -> bool {
        !self.weights.is_empty()
    }

    pub(super) fn group_weight(&self) -> GroupWeight {
        self.group_weight
    }

    fn weight(&self, row: usize) -> f32 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    /// The mean, by weight, of a function of the row's number; `None` if nothing weighs anything.
    pub(super) fn mean_of(&self, value: impl Fn(usize) -> f64) -> Option<f64> {
        sum::weighted_mean((0..self.rows()).map(|row| (value(row), self.weight(row).into())))
    }

    /// The mean over the rows, by weight, of a function of score and label; `None` if nothing weighs anything.
    pub(super) fn mean(&self, value: impl Fn(f64, f64) -> f64) -> Option<f64> {
        self.mean_where(|_, _| true, value)
    }

    /// The same over the rows whose score and label pass `keep`.
    pub(super) fn mean_where(&self, keep: impl Fn(f64, f64) -> bool, value: impl Fn(f64, f64) -> f64) -> Option<f64> {
        let (keep, value) = (&keep, &value);
        let kept = self.pairs().enumerate().filter(move |&(_, (score, label))| keep(score, label));
        sum::weighted_mean(kept.map(move |(row, (score, label))| (value(score, label), self.weight(row).into())))
    }

    /// The rows of a binary task by rising score.
    pub(super) fn in_order(&self) -> Vec<Ordered> {
        self.ordered(|_| Some(0))
    }

    /// The rows of a binary task that belong to a group: group by group, by rising score within.
    pub(super) fn in_groups(&self) -> Vec<Ordered> {
        let groups = self.groups.as_deref().unwrap_or_default();
        self.ordered(|row| groups.get(row).copied().filter(|group| *group != TaskRows::NO_GROUP))
    }

    fn ordered(&self, group: impl Fn(usize) -> Option<u32>) -> Vec<Ordered> {
        let rows = self.scores.iter().zip(&self.labels).enumerate();
        let mut ordered: Vec<Ordered> = rows
            .filter_map(|(row, (score, &label))| {
                let (group, score) = (u64::from(group(row)?), u64::from(score.to_bits()));
                let key = group << 32 | score << 1 | u64::from(label == 1.0);
                Some(Ordered { key, weight: self.weight(row) })
            })
            .collect();
        // By weight too: sums must not depend on the order in which rows came. The bits of weights rise with them.
        ordered.sort_unstable_by_key(|row| (row.key, row.weight.to_bits()));
        ordered
    }

    /// Score and label of each row, in the order given; of a multi-class task the probability of the label's class.
    pub(super) fn pairs(&self) -> impl ExactSizeIterator<Item = (f64, f64)> + Clone + '_ {
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

/// The checked score of a binary task's row.
fn of_binary(row: usize, score: f32, label: f32) -> Result<f32, MetricError> {
    if !(0.0..=1.0).contains(&score) {
        return Err(MetricError::Score { row, score, expected: "a probability from 0 to 1" });
    }
    if label != 0.0 && label != 1.0 {
        return Err(MetricError::Label { row, label, expected: "0 or 1" });
    }
    Ok(score)
}

/// The checked score of a regression task's row.
fn of_number(row: usize, score: f32, label: f32) -> Result<f32, MetricError> {
    if !score.is_finite() {
        return Err(MetricError::Score { row, score, expected: "a finite number" });
    }
    if !label.is_finite() {
        return Err(MetricError::Label { row, label, expected: "a finite number" });
    }
    Ok(score)
}

/// The probability that a row's C scores give to the class of its label, and whether that class is the likeliest, the
/// first of several.
fn of_classes(row: usize, scores: &[f32], label: f32) -> Result<(f32, bool), MetricError> {
    if let Some(&score) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
        return Err(MetricError::Score { row, score, expected: "a probability from 0 to 1" });
    }
    let Some(&score) = scores.get(label as usize).filter(|_| label >= 0.0 && label.fract() == 0.0) else {
        return Err(MetricError::Label { row, label, expected: "the index of a class" });
    };
    let (before, after) = scores.split_at(label as usize);
    Ok((score, before.iter().all(|other| *other < score) && after.iter().all(|other| *other <= score)))
}
