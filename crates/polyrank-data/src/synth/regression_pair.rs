//! Two regression tasks of a chosen correlation, as both the MMoE and the PLE papers study them.
//!
//! # Equations (Ma et al. 2018, Section 3.2)
//! `w_1 = c·u_1`, `w_2 = c·(p·u_1 + √(1 − p²)·u_2)` with orthogonal unit vectors u_1, u_2 (Eq. 2)
//! `y_k = w_k·x + Σ_{i=1..m} sin(α_i·w_k·x + β_i) + ε`, ε ~ N(0, noise) (Eq. 3, 4), x ~ N(0, I_d)
//!
//! The papers leave constants open; [`Law::mmoe`] and [`Law::ple`] say which are used and why. Labels are divided by
//! their standard deviation over a sample, so that a loss of 1 is what a constant prediction gets.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float32Array, ListArray, RecordBatch, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, FieldRef};

use super::Rows;
use super::random::mix;

/// What the two tasks are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Inputs (d).
    pub inputs: usize,
    /// Cosine of the angle between the tasks' weights (p).
    pub correlation: f64,
    /// Length of the weights (c).
    pub length: f64,
    /// The sines.
    pub sines: Sines,
    /// Variance of ε.
    pub noise: f64,
}

/// Frequencies α and phases β.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sines {
    /// The same for every seed.
    Given(&'static [(f64, f64)]),
    /// So many, each number from N(0, 1) by the seed.
    Drawn(usize),
}

/// Two tasks drawn by a law and a seed.
#[derive(Debug, Clone)]
pub struct RegressionPair {
    law: Law,
    seed: u64,
    weights: [Vec<f32>; 2],
    sines: Vec<(f32, f32)>,
    /// What labels are divided by.
    scale: [f32; 2],
}

/// Rows, as they are made.
struct Made {
    /// `[n, d]`
    inputs: Vec<f32>,
    /// `[n, 2]`
    labels: Vec<f32>,
    /// The labels without their noise, `[n, 2]`.
    means: Vec<f32>,
}

/// Rows that the labels' standard deviation is taken over.
const SAMPLE: u64 = 10_000;
/// Rows that are made together, so that their inputs stay in cache.
const BLOCK: usize = 256;

/// What a random number is for.
#[derive(Clone, Copy)]
enum Purpose {
    Direction,
    Frequency,
    Phase,
    Input,
    Noise,
}

impl Law {
    /// The MMoE paper's (d = 100), where α and β are given parameters. Neither they nor m and c are in the paper: with
    /// these, labels correlate as its Figure 2 says (.10 at p = .6, .31 at .9, .44 at .95; off by .02 on average).
    pub fn mmoe(correlation: f64) -> Law {
        let sines = Sines::Given(&[(-19.5, 0.5), (-5.4, 1.0), (5.4, 1.5), (19.5, 2.0)]);
        Law { inputs: 100, correlation, length: 0.35, sines, noise: 0.01 }
    }

    /// The PLE paper's (Tang et al. 2020, Section 5.2): d = 512, m = 10, α and β from N(0, 1).
    pub fn ple(correlation: f64) -> Law {
        Law { inputs: 512, correlation, length: 1.0, sines: Sines::Drawn(10), noise: 0.01 }
    }
}

impl RegressionPair {
    /// The pair of a law and a seed.
    pub fn new(law: Law, seed: u64) -> RegressionPair {
        let direction = |k: u64| -> Vec<f64> {
            let mut all = vec![0f32; law.inputs];
            normals(seed, Purpose::Direction, k << 32, &mut all);
            all.into_iter().map(f64::from).collect()
        };
        let (first, second) = (unit(direction(0)), direction(1));
        let along = dot(&first, &second);
        let second = unit(second.iter().zip(&first).map(|(b, a)| b - along * a).collect());
        let p = law.correlation;
        let mixed = first.iter().zip(&second).map(|(a, b)| p * a + (1.0 - p * p).sqrt() * b);
        let weights = [first.clone(), mixed.collect()].map(|w| w.iter().map(|w| (w * law.length) as f32).collect());
        let sines = match law.sines {
            Sines::Given(sines) => sines.iter().map(|(a, b)| (*a as f32, *b as f32)).collect(),
            Sines::Drawn(count) => {
                let (mut frequencies, mut phases) = (vec![0f32; count], vec![0f32; count]);
                normals(seed, Purpose::Frequency, 0, &mut frequencies);
                normals(seed, Purpose::Phase, 0, &mut phases);
                frequencies.into_iter().zip(phases).collect()
            }
        };
        let mut pair = RegressionPair { law, seed, weights, sines, scale: [1.0; 2] };
        // Far from the rows that anyone asks for.
        let labels = pair.make(u64::MAX / 2..u64::MAX / 2 + SAMPLE).labels;
        pair.scale = [0, 1].map(|k| deviation(labels.iter().skip(k).step_by(2).copied()));
        pair
    }

    /// Inputs `[n, d]` and labels `[n, 2]` of these rows; row i is a function of (law, seed, i).
    pub fn rows(&self, range: Range<u64>) -> (Vec<f32>, Vec<f32>) {
        let made = self.make(range);
        (made.inputs, made.labels)
    }

    fn make(&self, range: Range<u64>) -> Made {
        let (d, n) = (self.law.inputs, (range.end - range.start) as usize);
        let (labels, means) = (Vec::with_capacity(2 * n), Vec::with_capacity(2 * n));
        let mut made = Made { inputs: vec![0f32; n * d], labels, means };
        let noise = self.law.noise.sqrt() as f32;
        for (b, block) in made.inputs.chunks_mut(BLOCK * d).enumerate() {
            let first = range.start + (b * BLOCK) as u64;
            for (r, x) in block.chunks_exact_mut(d).enumerate() {
                let row = first + r as u64;
                normals(self.seed, Purpose::Input, row.wrapping_mul(d as u64), x);
                let mut drawn = [0f32; 2];
                normals(self.seed, Purpose::Noise, row.wrapping_mul(2), &mut drawn);
                for k in 0..2 {
                    let z: f32 = self.weights[k].iter().zip(&*x).map(|(w, x)| w * x).sum();
                    let waves: f32 = self.sines.iter().map(|(a, b)| (a * z + b).sin()).sum();
                    made.labels.push((z + waves + noise * drawn[k]) / self.scale[k]);
                    made.means.push((z + waves) / self.scale[k]);
                }
            }
        }
        made
    }
}

impl Rows for RegressionPair {
    /// Columns: x, a list of d numbers, y1 and y2; with `truth` also y1_mean and y2_mean, the labels without their noise.
    fn rows(&self, range: Range<u64>, truth: bool) -> RecordBatch {
        let (made, d) = (self.make(range), self.law.inputs);
        let item = Arc::new(Field::new("item", DataType::Float32, false));
        let offsets = OffsetBuffer::from_repeated_length(d, made.inputs.len() / d);
        let x = ListArray::new(item, offsets, Arc::new(Float32Array::from(made.inputs)), None);
        let mut columns: Vec<(FieldRef, ArrayRef)> =
            vec![(Arc::new(Field::new("x", x.data_type().clone(), false)), Arc::new(x))];
        let mut push = |name: &str, numbers: &[f32], k: usize| {
            let array: ArrayRef = Arc::new(Float32Array::from_iter_values(numbers.iter().skip(k).step_by(2).copied()));
            columns.push((Arc::new(Field::new(name, DataType::Float32, false)), array));
        };
        push("y1", &made.labels, 0);
        push("y2", &made.labels, 1);
        if truth {
            push("y1_mean", &made.means, 0);
            push("y2_mean", &made.means, 1);
        }
        RecordBatch::from(StructArray::from(columns))
    }

    fn width(&self) -> u64 {
        self.law.inputs as u64 + 4
    }
}

/// Numbers from N(0, 1) (Box and Muller 1958), the `from`th on.
fn normals(seed: u64, purpose: Purpose, from: u64, out: &mut [f32]) {
    let key = mix(seed ^ (purpose as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for (i, pair) in out.chunks_mut(2).enumerate() {
        let bits = mix(key ^ mix(from.wrapping_add(2 * i as u64)));
        let uniform = |bits: u64| ((bits >> 40) as f32 + 0.5) * (1.0 / 16_777_216.0);
        let (radius, angle) = ((-2.0 * uniform(bits).ln()).sqrt(), std::f32::consts::TAU * uniform(bits << 24));
        let (sin, cos) = angle.sin_cos();
        for (out, part) in pair.iter_mut().zip([cos, sin]) {
            *out = radius * part;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(v: Vec<f64>) -> Vec<f64> {
    let length = dot(&v, &v).sqrt();
    v.into_iter().map(|v| v / length).collect()
}

fn deviation(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let n = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n;
    (values.map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correlation(labels: &[f32]) -> f64 {
        let pairs = || labels.chunks_exact(2).map(|y| (f64::from(y[0]), f64::from(y[1])));
        let n = (labels.len() / 2) as f64;
        let (mx, my) = (pairs().map(|p| p.0).sum::<f64>() / n, pairs().map(|p| p.1).sum::<f64>() / n);
        let cov: f64 = pairs().map(|(x, y)| (x - mx) * (y - my)).sum();
        let (vx, vy): (f64, f64) =
            (pairs().map(|(x, _)| (x - mx).powi(2)).sum(), pairs().map(|(_, y)| (y - my).powi(2)).sum());
        cov / (vx * vy).sqrt()
    }

    #[test]
    fn labels_have_variance_1_and_correlate_as_the_mmoe_paper_shows() {
        for (p, expected) in [(0.6, 0.10), (0.9, 0.305), (0.95, 0.44), (1.0, 1.0)] {
            let found = correlation(&RegressionPair::new(Law::mmoe(p), 1).rows(0..20_000).1);
            assert!((found - expected).abs() < 0.05, "{found} for {expected} at {p}");
        }
        let (_, labels) = RegressionPair::new(Law::ple(0.5), 3).rows(0..20_000);
        assert!((deviation(labels.into_iter()) - 1.0).abs() < 0.03);
    }

    #[test]
    fn a_row_does_not_depend_on_its_block() {
        let pair = RegressionPair::new(Law::mmoe(0.5), 7);
        let (inputs, labels) = pair.rows(0..600);
        let (input, label) = pair.rows(511..512);
        assert_eq!((&inputs[511 * 100..512 * 100], &labels[1022..1024]), (&input[..], &label[..]));
        assert_ne!(RegressionPair::new(Law::mmoe(0.5), 8).rows(0..1).1, pair.rows(0..1).1);
    }
}
