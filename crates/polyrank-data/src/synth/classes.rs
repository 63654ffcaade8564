//! Labels of several classes.
//!
//! # Equations
//! Class k of C has the score `b_k + s·z_k` of its signal z_k (see [`super::mixing`]), strength s and noise ν:
//! `p_k = (1 − ν)·softmax_k(b + s·z) + ν·p̄_k`; the label is class k with probability p_k
//! A sample of rows sets b such that the mean of p_k over all rows is p̄_k, the share asked for.

use rayon::prelude::*;

use super::design::Knobs;
use super::random::{Stream, exp};

/// How labels of C classes come about.
#[derive(Debug)]
pub(super) struct Classes {
    /// p̄, `[C]`
    shares: Vec<f64>,
    /// b, `[C]`
    levels: Vec<f64>,
    drawn: Stream,
}

/// Rows whose probabilities are summed at a time.
const BLOCK: usize = 4096;
/// Largest difference of a share from the one asked for, relative.
const ENOUGH: f64 = 1e-6;
/// Steps towards the shares, each of which takes off half of what is missing or so.
const STEPS: usize = 300;

impl Classes {
    /// With levels that give `shares` over a sample of signals; `signals` are a row's C ones.
    pub(super) fn new(shares: &[f64], sample: &[&[f64]], strength: f64, drawn: Stream) -> Classes {
        let levels = shares.iter().map(|share| share.ln()).collect();
        let mut classes = Classes { shares: shares.to_vec(), levels, drawn };
        let plain = Knobs { strength, noise: 0.0, ..Knobs::default() };
        for _ in 0..STEPS {
            let blocks: Vec<Vec<f64>> = sample.par_chunks(BLOCK).map(|rows| classes.sums(rows, &plain)).collect();
            let mut off = 0.0f64;
            for (k, (level, share)) in classes.levels.iter_mut().zip(shares).enumerate() {
                let found = blocks.iter().map(|sums| sums[k]).sum::<f64>() / sample.len().max(1) as f64;
                off = off.max((found / share - 1.0).abs());
                *level += (share / found).ln();
            }
            if off < ENOUGH {
                break;
            }
        }
        classes
    }

    /// Summed probabilities of some rows, `[C]`.
    fn sums(&self, rows: &[&[f64]], knobs: &Knobs) -> Vec<f64> {
        let (mut sums, mut p) = (vec![0.0; self.shares.len()], Vec::new());
        for signals in rows {
            p.clear();
            self.truth(signals, knobs, &mut p);
            sums.iter_mut().zip(&p).for_each(|(sum, p)| *sum += p);
        }
        sums
    }

    /// Adds the probabilities of a row with these signals, `[C]`.
    pub(super) fn truth(&self, signals: &[f64], knobs: &Knobs, probabilities: &mut Vec<f64>) {
        let from = probabilities.len();
        probabilities.extend(self.levels.iter().zip(signals).map(|(b, z)| b + knobs.strength * z));
        let own = &mut probabilities[from..];
        let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        own.iter_mut().for_each(|score| *score = exp(*score - most));
        let sum: f64 = own.iter().sum();
        for (p, share) in own.iter_mut().zip(&self.shares) {
            *p = (1.0 - knobs.noise) * *p / sum + knobs.noise * share;
        }
    }

    /// The class of row number `n`, whose probabilities these are.
    pub(super) fn draw(&self, probabilities: &[f64], n: u64) -> usize {
        let u = self.drawn.uniform(n);
        let mut reached = 0.0;
        let below = probabilities.iter().take_while(|p| {
            reached += **p;
            reached <= u
        });
        below.count().min(probabilities.len().saturating_sub(1))
    }
}
