//! Two regression tasks of a chosen correlation, as both the MMoE and the PLE papers study them.
//!
//! # Equations (Ma et al. 2018, Section 3.2)
//! `w_1 = c·u_1`, `w_2 = c·(p·u_1 + √(1 − p²)·u_2)` with orthogonal unit vectors u_1, u_2 (Eq. 2), so that w_k·x needs
//! u_1·x and u_2·x alone
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
use super::directions::{Directions, Points, Purpose, stream};
use super::elementary::sin_turns;
use super::normals::normals;

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
    directions: Directions,
    tasks: Tasks,
}

/// Pairs of one seed whose tasks correlate in different ways. The inputs of their rows are the same, and the noise of their
/// labels, so these are made once for all of them.
#[derive(Debug, Clone)]
pub struct RegressionPairs {
    directions: Directions,
    pairs: Vec<Tasks>,
}

/// How a pair's labels come about.
#[derive(Debug, Clone)]
struct Tasks {
    /// What each task's w·x has of u_1·x and of u_2·x.
    shares: [[f32; 2]; 2],
    /// α and β in turns.
    sines: Vec<(f32, f32)>,
    /// Standard deviation of ε.
    noise: f32,
    /// What labels are divided by.
    scale: [f32; 2],
}

/// Rows that the labels' standard deviation is taken over, far from those that anyone asks for.
const SAMPLE: Range<u64> = u64::MAX / 2..u64::MAX / 2 + 10_000;

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

impl Tasks {
    fn new(law: &Law, seed: u64, sample: &Points) -> Tasks {
        let p = law.correlation;
        let shares = [[1.0, 0.0], [p, (1.0 - p * p).sqrt()]];
        let turns = |(a, b): (f64, f64)| [a, b].map(|radians| (radians / std::f64::consts::TAU) as f32).into();
        let sines = match law.sines {
            Sines::Given(sines) => sines.iter().copied().map(turns).collect(),
            Sines::Drawn(count) => {
                let (mut frequencies, mut phases) = (vec![0f32; count], vec![0f32; count]);
                normals(stream(seed, Purpose::Frequency), 0, &mut frequencies);
                normals(stream(seed, Purpose::Phase), 0, &mut phases);
                frequencies.into_iter().zip(phases).map(|(a, b)| turns((a.into(), b.into()))).collect()
            }
        };
        let mut tasks = Tasks {
            shares: shares.map(|shares| shares.map(|share| (law.length * share) as f32)),
            sines,
            noise: law.noise.sqrt() as f32,
            scale: [1.0; 2],
        };
        let labels = tasks.labels(sample, tasks.noise);
        tasks.scale = [0, 1].map(|k| deviation(labels.iter().skip(k).step_by(2).copied()));
        tasks
    }

    /// The labels of rows, `[n, 2]`, with noise of this standard deviation.
    fn labels(&self, points: &Points, noise: f32) -> Vec<f32> {
        let mut labels = vec![0f32; points.noise.len()];
        for (k, ([first, second], scale)) in self.shares.iter().zip(self.scale).enumerate() {
            let along = points.along[0].iter().zip(&points.along[1]);
            let z: Vec<f32> = along.map(|(a, b)| first * a + second * b).collect();
            let mut y = z.clone();
            // Sine by sine, so that rows fill a vector.
            for (a, b) in &self.sines {
                for (y, z) in y.iter_mut().zip(&z) {
                    *y += sin_turns(a * z + b);
                }
            }
            let drawn = points.noise.iter().skip(k).step_by(2);
            for ((label, y), drawn) in labels.iter_mut().skip(k).step_by(2).zip(y).zip(drawn) {
                *label = (y + noise * drawn) / scale;
            }
        }
        labels
    }
}

impl RegressionPairs {
    /// The pairs of a law and a seed, with these correlations in place of the law's own.
    pub fn new(law: Law, correlations: &[f64], seed: u64) -> RegressionPairs {
        let directions = Directions::new(law.inputs, seed);
        let sample = directions.points(SAMPLE);
        let pair = |&correlation| Tasks::new(&Law { correlation, ..law }, seed, &sample);
        RegressionPairs { pairs: correlations.iter().map(pair).collect(), directions }
    }

    /// Inputs `[n, d]` of these rows, and each pair's labels `[n, 2]`; row i is a function of (law, seed, i).
    pub fn rows(&self, range: Range<u64>) -> (Vec<f32>, Vec<Vec<f32>>) {
        let points = self.directions.points(range);
        let labels = self.pairs.iter().map(|pair| pair.labels(&points, pair.noise)).collect();
        (points.inputs, labels)
    }
}

impl RegressionPair {
    /// The pair of a law and a seed.
    pub fn new(law: Law, seed: u64) -> RegressionPair {
        let directions = Directions::new(law.inputs, seed);
        let tasks = Tasks::new(&law, seed, &directions.points(SAMPLE));
        RegressionPair { directions, tasks }
    }
}

impl Rows for RegressionPair {
    /// Columns: x, a list of d numbers, y1 and y2; with `truth` also y1_mean and y2_mean, the labels without their noise.
    fn rows(&self, range: Range<u64>, truth: bool) -> RecordBatch {
        let points = self.directions.points(range);
        let labels = self.tasks.labels(&points, self.tasks.noise);
        let means = truth.then(|| self.tasks.labels(&points, 0.0));
        let item = Arc::new(Field::new("item", DataType::Float32, false));
        let offsets = OffsetBuffer::from_repeated_length(self.directions.inputs(), labels.len() / 2);
        let x = ListArray::new(item, offsets, Arc::new(Float32Array::from(points.inputs)), None);
        let mut columns: Vec<(FieldRef, ArrayRef)> =
            vec![(Arc::new(Field::new("x", x.data_type().clone(), false)), Arc::new(x))];
        let mut push = |name: &str, numbers: &[f32], k: usize| {
            let array: ArrayRef = Arc::new(Float32Array::from_iter_values(numbers.iter().skip(k).step_by(2).copied()));
            columns.push((Arc::new(Field::new(name, DataType::Float32, false)), array));
        };
        push("y1", &labels, 0);
        push("y2", &labels, 1);
        if let Some(means) = means {
            push("y1_mean", &means, 0);
            push("y2_mean", &means, 1);
        }
        RecordBatch::from(StructArray::from(columns))
    }

    fn width(&self) -> u64 {
        self.directions.inputs() as u64 + 4
    }
}

fn deviation(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let n = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n;
    (values.map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(law: Law, seed: u64, range: Range<u64>) -> Vec<f32> {
        RegressionPairs::new(law, &[law.correlation], seed).rows(range).1.concat()
    }

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
            let found = correlation(&labels(Law::mmoe(p), 1, 0..20_000));
            assert!((found - expected).abs() < 0.05, "{found} for {expected} at {p}");
        }
        assert!((deviation(labels(Law::ple(0.5), 3, 0..20_000).into_iter()) - 1.0).abs() < 0.03);
    }

    /// The equations as they stand, in 64 bits.
    #[test]
    fn labels_are_the_papers_equations() {
        let law = Law { noise: 0.0, ..Law::mmoe(0.7) };
        let pair = RegressionPair::new(law, 4);
        let points = pair.directions.points(0..100);
        let labels = pair.tasks.labels(&points, 0.0);
        let Sines::Given(sines) = law.sines else { panic!("the law's sines are given") };
        for (r, y) in labels.chunks_exact(2).enumerate() {
            let [a, b] = [0, 1].map(|k: usize| f64::from(points.along[k][r]));
            for (k, p) in [1.0, 0.7f64].into_iter().enumerate() {
                let z = 0.35 * (p * a + (1.0 - p * p).sqrt() * b);
                let expected = z + sines.iter().map(|(a, b)| (a * z + b).sin()).sum::<f64>();
                let found = f64::from(y[k] * pair.tasks.scale[k]);
                assert!((found - expected).abs() < 2e-5, "row {r}, task {k}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_those_made_with_it_nor_on_other_correlations() {
        let pairs = RegressionPairs::new(Law::mmoe(0.0), &[0.5, 1.0], 7);
        let (inputs, all) = pairs.rows(0..600);
        let (input, one) = pairs.rows(511..512);
        assert_eq!(inputs[511 * 100..512 * 100], input);
        for (p, (all, one)) in [0.5, 1.0].into_iter().zip(all.iter().zip(&one)) {
            assert_eq!(&all[1022..1024], one);
            assert_eq!(&labels(Law::mmoe(p), 7, 511..512), one);
        }
        assert_ne!(labels(Law::mmoe(0.5), 8, 0..1), labels(Law::mmoe(0.5), 7, 0..1));
    }

    #[test]
    fn columns_are_the_rows_and_their_means_lack_the_noise_alone() {
        let law = Law::mmoe(0.5);
        let pair = RegressionPair::new(law, 7);
        let batch = Rows::rows(&pair, 5..2005, true);
        let column =
            |name: &str| -> Vec<f32> { batch[name].as_any().downcast_ref::<Float32Array>().unwrap().values().to_vec() };
        let expected = labels(law, 7, 5..2005);
        for (k, (name, mean)) in [("y1", "y1_mean"), ("y2", "y2_mean")].into_iter().enumerate() {
            let (y, mean) = (column(name), column(mean));
            assert!(y.iter().eq(expected.iter().skip(k).step_by(2)));
            let noise = deviation(y.iter().zip(&mean).map(|(y, mean)| (y - mean) * pair.tasks.scale[k]));
            assert!((noise - 0.1).abs() < 0.005, "{noise}");
        }
    }
}
