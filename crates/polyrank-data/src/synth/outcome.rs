//! Labels and what they are drawn from.
//!
//! # Equations
//! With the task's signal z, strength s and noise ν, given that the label of the task before it is 1:
//! binary: `p = (1 − ν)·σ(b + s·z) + ν·p̄`; the label is 1 with probability p
//! bounded: `m = min + (max − min)·σ(b + s·z)`; the label is uniform around m, as far as the nearer bound
//! amount: `m = c·exp(s·z / 2)`; the label is 3·m·u², u uniform in [0, 1)
//! one of several classes: see [`super::classes`]
//! In the two numbers, the part ν of the labels is drawn around the mean m̄ in place of m. A sample of rows sets b and c such that the
//! mean over all rows is the one asked for. Where the task before it has label 0, so has this one.

use super::classes::Classes;
use super::design::{Design, Form, Knobs, Task, TaskKind};
use super::random::{Stream, exp, sigmoid};

/// How the labels of all tasks come about.
#[derive(Debug)]
pub(super) struct Outcomes {
    tasks: Vec<Law>,
    knobs: Knobs,
}

/// A task's law; it reads the signals that follow those of the tasks before it.
#[derive(Debug)]
enum Law {
    /// Of one signal.
    One(Outcome),
    /// Of a signal for each class; `first` is the first class's number.
    Classes { first: f64, classes: Classes, signals: usize },
}

#[derive(Debug)]
struct Outcome {
    kind: Kind,
    /// The task before it.
    after: Option<usize>,
    whole: bool,
    /// The mean where the task before it has label 1 (p̄, m̄).
    mean: f64,
    /// b or c.
    level: f64,
    drawn: Stream,
    around: Stream,
    rounded: Stream,
}

/// What a label of one signal is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Binary,
    Amount,
    Bounded { min: f64, max: f64 },
}

/// Labels of some rows.
#[derive(Debug)]
pub(super) struct Labels {
    /// By task, `[rows]`.
    pub(super) labels: Vec<Vec<f64>>,
    /// Their means given the row: of a binary task the probability, of one of C classes their probabilities, `[rows, C]`.
    pub(super) truths: Vec<Vec<f64>>,
    /// The same given besides that the task before it has label 1; empty for a task without one.
    pub(super) truths_after: Vec<Vec<f64>>,
}

impl Outcomes {
    /// Levels that give the means asked for over a sample of signals `[rows, Z]`; `seed` is that of the rows.
    pub(super) fn new(design: &Design, signals: &[f64], seed: u64) -> Outcomes {
        let mut outcomes = Outcomes { tasks: Vec::new(), knobs: design.knobs };
        let (width, mut from) = (design.signals(), 0);
        let rows = signals.len() / width;
        // By task, the probability of label 1 on the sample.
        let mut chances: Vec<Vec<f64>> = Vec::new();
        for (index, task) in design.tasks.iter().enumerate() {
            let z = || signals.iter().skip(from).step_by(width).copied();
            let after = task.after.as_ref().and_then(|name| design.tasks.iter().position(|task| task.name == *name));
            let knobs = &design.knobs;
            let kind = match &task.kind {
                TaskKind::Binary { .. } => Kind::Binary,
                TaskKind::Amount { .. } => Kind::Amount,
                TaskKind::Bounded { min, max, .. } => Kind::Bounded { min: *min, max: *max },
                TaskKind::Classes { first, shares } => {
                    let sample: Vec<&[f64]> = signals.chunks_exact(width).map(|row| &row[from..]).collect();
                    let classes = Classes::new(shares, &sample, knobs.strength, stream(seed, 0, index));
                    outcomes.tasks.push(Law::Classes { first: *first as f64, classes, signals: shares.len() });
                    chances.push(Vec::new());
                    from += shares.len();
                    continue;
                }
            };
            let sure = vec![1.0; rows];
            let chance = after.map_or(&sure, |parent| &chances[parent]);
            let reach = chance.iter().sum::<f64>() / chance.len().max(1) as f64;
            let outcome = Outcome::new(kind, task, after, reach, index, seed).levelled(z, chance, knobs.strength);
            let chance = match kind {
                Kind::Binary => z().zip(chance).map(|(z, chance)| chance * outcome.truth(z, knobs)).collect(),
                _ => Vec::new(),
            };
            chances.push(chance);
            outcomes.tasks.push(Law::One(outcome));
            from += 1;
        }
        outcomes
    }

    /// Labels of the rows from `first` on with signals `[rows, Z]`.
    pub(super) fn labels(&self, signals: &[f64], first: u64) -> Labels {
        let width: usize = self.tasks.iter().map(Law::signals).sum();
        let place = |r: usize| first.wrapping_add(r as u64);
        let mut done = Labels { labels: Vec::new(), truths: Vec::new(), truths_after: Vec::new() };
        let mut from = 0;
        for law in &self.tasks {
            let (labels, truths, after) = match law {
                Law::Classes { first, classes, signals: own } => {
                    let mut truths = Vec::with_capacity(signals.len() / width * own);
                    signals.chunks_exact(width).for_each(|row| classes.truth(&row[from..], &self.knobs, &mut truths));
                    let rows = truths.chunks_exact(*own).enumerate();
                    let labels = rows.map(|(r, p)| first + classes.draw(p, place(r)) as f64).collect();
                    (labels, truths, Vec::new())
                }
                Law::One(task) => {
                    let z = || signals.iter().skip(from).step_by(width);
                    let given: Vec<f64> = z().map(|z| task.truth(*z, &self.knobs)).collect();
                    let happens = |r: usize| task.after.is_none_or(|parent| done.labels[parent][r] == 1.0);
                    let label = |(r, z): (usize, &f64)| {
                        if happens(r) { task.draw(given[r], *z, place(r), &self.knobs) } else { 0.0 }
                    };
                    let labels = z().enumerate().map(label).collect();
                    let (truths, after) = match task.after {
                        None => (given, Vec::new()),
                        Some(parent) => (given.iter().zip(&done.truths[parent]).map(|(a, b)| a * b).collect(), given),
                    };
                    (labels, truths, after)
                }
            };
            done.labels.push(labels);
            done.truths.push(truths);
            done.truths_after.push(after);
            from += law.signals();
        }
        done
    }
}

impl Law {
    /// Signals that it reads.
    fn signals(&self) -> usize {
        if let Law::Classes { signals, .. } = self { *signals } else { 1 }
    }
}

/// A stream of a task's random numbers.
fn stream(seed: u64, purpose: u64, task: usize) -> Stream {
    Stream::new(seed, (48 + purpose) << 32 | task as u64)
}

impl Outcome {
    /// Not levelled yet; `reach` is how often the task before it has label 1.
    fn new(kind: Kind, task: &Task, after: Option<usize>, reach: f64, index: usize, seed: u64) -> Outcome {
        let stream = |purpose: u64| stream(seed, purpose, index);
        Outcome {
            kind,
            after,
            whole: matches!(task.form, Form::Int8 | Form::Int32 | Form::Int64),
            mean: task.kind.mean() / reach,
            level: 0.0,
            drawn: stream(0),
            around: stream(1),
            rounded: stream(2),
        }
    }

    /// With the level that gives the mean over a sample, where each row counts by the chance of the task before it.
    fn levelled<I: Iterator<Item = f64>>(mut self, z: impl Fn() -> I, chance: &[f64], strength: f64) -> Outcome {
        let reach: f64 = chance.iter().sum();
        let part = match self.kind {
            Kind::Amount => {
                let factor = z().zip(chance).map(|(z, chance)| chance * exp(z * strength / 2.0)).sum::<f64>() / reach;
                self.level = self.mean / factor;
                return self;
            }
            Kind::Binary => self.mean,
            Kind::Bounded { min, max } => (self.mean - min) / (max - min),
        };
        // Newton's steps, halved bounds where one leads astray: the mean rises with the level.
        let (mut low, mut high) = (-40.0, 40.0);
        for _ in 0..100 {
            let (mut mean, mut slope) = (0.0, 0.0);
            for (z, chance) in z().zip(chance) {
                let p = sigmoid(self.level + strength * z);
                mean += chance * p;
                slope += chance * p * (1.0 - p);
            }
            let excess = mean / reach - part;
            if excess.abs() < 1e-12 * part {
                break;
            }
            if excess > 0.0 {
                high = self.level
            } else {
                low = self.level
            }
            let step = self.level - excess * reach / slope;
            self.level = if step > low && step < high { step } else { (low + high) / 2.0 };
        }
        self
    }

    /// The mean of the label given the row, and that the task before it has label 1.
    fn truth(&self, z: f64, knobs: &Knobs) -> f64 {
        (1.0 - knobs.noise) * self.signalled(z, knobs) + knobs.noise * self.mean
    }

    /// The same for the labels that regard the row.
    fn signalled(&self, z: f64, knobs: &Knobs) -> f64 {
        match self.kind {
            Kind::Binary => sigmoid(self.level + knobs.strength * z),
            Kind::Amount => self.level * exp(z * knobs.strength / 2.0),
            Kind::Bounded { min, max } => min + (max - min) * sigmoid(self.level + knobs.strength * z),
        }
    }

    fn draw(&self, truth: f64, z: f64, n: u64, knobs: &Knobs) -> f64 {
        let u = self.drawn.uniform(n);
        if matches!(self.kind, Kind::Binary) {
            return f64::from(u8::from(u < truth));
        }
        let blind = knobs.noise > 0.0 && self.around.uniform(n) < knobs.noise;
        let mean = if blind { self.mean } else { self.signalled(z, knobs) };
        let number = match self.kind {
            Kind::Bounded { min, max } => mean + (2.0 * u - 1.0) * (mean - min).min(max - mean),
            _ => 3.0 * mean * u * u,
        };
        // Rounded up as often as keeps the mean.
        if self.whole { (number + self.rounded.uniform(n)).floor() } else { number }
    }
}
