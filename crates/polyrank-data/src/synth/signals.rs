//! What a row says about its tasks: S raw signals, each a sum of effects of its values and of how the user's taste meets
//! the item's topic.
//!
//! # Equations
//! `x_j = Σ_c w_c·e_cj(value of column c) + a/√D · Σ_d taste_jd(user) · topic_jd(item)`
//!
//! e, taste and topic are nearly normal numbers, functions of the seed and the value. A taste is what the user's known
//! categories say, and some of the user's own: a newcomer's is known in part.

use super::cells::{Cells, Values};
use super::design::{Column, Content, Design, Owner};
use super::population::Cast;
use super::random::Stream;

/// Numbers of a taste or topic, by signal (D).
pub(super) const FACTORS: usize = 2;

/// Shares of the columns in a signal's standard deviation.
const OWN: f64 = 0.5;
const CATEGORIES: f64 = 0.7;
const CONTEXT: f64 = 0.5;
const NUMBERS: f64 = 0.4;
/// Of taste times topic.
const AFFINITY: f64 = 0.7;
/// Part of a taste's variance that categories tell.
const KNOWN_TASTE: f64 = 0.6;
/// Numbers that are worked out once and kept, over all columns.
const KEPT: usize = 1 << 22;

/// The effects of all columns.
#[derive(Debug)]
pub(super) struct Signals {
    /// Number of signals (S).
    pub(super) count: usize,
    /// By column; `None` where a column has none.
    effects: Vec<Option<Effects>>,
}

/// The effects of a column's values.
#[derive(Debug)]
struct Effects {
    numbers: Stream,
    owner: Owner,
    /// On the signals directly, and on taste or topic.
    weight: f64,
    taste_weight: f64,
    /// Those of the first values.
    kept: Vec<f64>,
}

/// Signals of some rows.
#[derive(Debug)]
pub(super) struct Raw {
    /// `[rows, S]`
    pub(super) signals: Vec<f64>,
    /// `[rows, S · D]`
    pub(super) tastes: Vec<f64>,
    /// `[rows, S · D]`
    pub(super) topics: Vec<f64>,
}

impl Signals {
    /// One signal that all tasks share, and one for each, or for each class of a task that has several.
    pub(super) fn new(design: &Design, seed: u64) -> Signals {
        let count = design.signals() + 1;
        let categories = |owner: Owner| {
            let alike = |c: &&Column| c.owner == owner && matches!(c.content, Content::Category { .. });
            design.columns.iter().filter(alike).count() as f64
        };
        let numbers = design.columns.iter().filter(|c| matches!(c.content, Content::Number { .. })).count() as f64;
        let mut left = KEPT;
        let effects = (design.columns.iter().enumerate())
            .map(|(index, column)| {
                let among = categories(column.owner);
                let (weight, taste, values) = match (column.content, column.owner) {
                    (Content::Id { .. }, Owner::User) => (OWN, own_taste(among), design.users),
                    (Content::Id { .. }, Owner::Item) => (OWN, own_taste(among), design.items),
                    (Content::Category { values, .. }, Owner::Context) => (CONTEXT / among.sqrt(), 0.0, values),
                    (Content::Category { values, .. }, _) => {
                        (CATEGORIES / among.sqrt(), (KNOWN_TASTE / among).sqrt(), values)
                    }
                    // The slope of the column's numbers, which are spread over [−√3, √3].
                    (Content::Number { .. }, _) => (NUMBERS / numbers.sqrt(), 0.0, 1),
                    _ => return None,
                };
                let numbers = Stream::new(seed, 32 << 32 | index as u64);
                let mut effects =
                    Effects { numbers, owner: column.owner, weight, taste_weight: taste, kept: Vec::new() };
                let width = effects.width(count);
                let kept = (left / width).min(usize::try_from(values).unwrap_or(usize::MAX)) * width;
                left -= kept;
                effects.kept = (0..kept as u64).map(|n| numbers.normal(n)).collect();
                Some(effects)
            })
            .collect();
        Signals { count, effects }
    }

    /// Of rows with these values, by column.
    pub(super) fn raw(&self, cast: &Cast, cells: &[Cells]) -> Raw {
        let (rows, s) = (cast.users.len(), self.count);
        let zeros = |width: usize| vec![0.0; rows * width];
        let mut raw = Raw { signals: zeros(s), tastes: zeros(s * FACTORS), topics: zeros(s * FACTORS) };
        let mut scratch = Vec::new();
        for (effects, cells) in self.effects.iter().zip(cells) {
            let Some(effects) = effects else { continue };
            for row in 0..rows {
                let values = match &cells.offsets {
                    None => row..row + 1,
                    Some(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
                };
                let share = 1.0 / values.len().max(1) as f64;
                for i in values {
                    let signals = &mut raw.signals[row * s..][..s];
                    match &cells.values {
                        Values::Units(units) => {
                            let slopes = effects.of(0, s, &mut scratch);
                            let x = share * effects.weight * (2.0 * units[i] - 1.0) * 1.732_050_807_568_877_2;
                            add(signals, slopes, x);
                        }
                        Values::Codes(codes) => {
                            let numbers = effects.of(codes[i], s, &mut scratch);
                            add(signals, &numbers[..s], share * effects.weight);
                            let factors = match effects.owner {
                                Owner::User => &mut raw.tastes,
                                Owner::Item => &mut raw.topics,
                                Owner::Context => continue,
                            };
                            let factors = &mut factors[row * s * FACTORS..][..s * FACTORS];
                            add(factors, &numbers[s..], share * effects.taste_weight);
                        }
                    }
                }
            }
        }
        let affinity = AFFINITY / (FACTORS as f64).sqrt();
        let pairs = raw.tastes.chunks_exact(FACTORS).zip(raw.topics.chunks_exact(FACTORS));
        for (signal, (taste, topic)) in raw.signals.iter_mut().zip(pairs) {
            *signal += affinity * taste.iter().zip(topic).map(|(a, b)| a * b).sum::<f64>();
        }
        raw
    }

    /// Adds what a column's value says of the topic (or taste) in the signal that all tasks share.
    pub(super) fn add_topic(&self, column: usize, value: u64, scratch: &mut Vec<f64>, topic: &mut [f64; FACTORS]) {
        if let Some(Some(effects)) = self.effects.get(column) {
            let numbers = effects.of(value, self.count, scratch);
            add(topic, numbers.get(self.count..).unwrap_or(&[]), effects.taste_weight);
        }
    }
}

impl Effects {
    /// Numbers of a value.
    fn width(&self, signals: usize) -> usize {
        if self.taste_weight > 0.0 { signals * (1 + FACTORS) } else { signals }
    }

    /// The numbers of a value: S effects, and where the column says something of taste S · D more.
    fn of<'a>(&'a self, value: u64, signals: usize, scratch: &'a mut Vec<f64>) -> &'a [f64] {
        let width = self.width(signals);
        let kept = usize::try_from(value).ok().and_then(|value| value.checked_mul(width));
        match kept.and_then(|from| self.kept.get(from..from + width)) {
            Some(numbers) => numbers,
            None => {
                let from = value.wrapping_mul(width as u64);
                scratch.clear();
                scratch.extend((0..width as u64).map(|n| self.numbers.normal(from.wrapping_add(n))));
                scratch
            }
        }
    }
}

/// Weight of what an id says of taste beside the categories.
fn own_taste(categories: f64) -> f64 {
    if categories > 0.0 { (1.0 - KNOWN_TASTE).sqrt() } else { 1.0 }
}

fn add(sums: &mut [f64], numbers: &[f64], weight: f64) {
    for (sum, x) in sums.iter_mut().zip(numbers) {
        *sum += weight * x;
    }
}
