//! Inputs of a pair of regressions, and what its labels see of them: where a row lies along two directions, and noise.
//! Nothing of this depends on the tasks' correlation.

use std::ops::Range;

use super::normals::normals;
use super::random::Stream;

/// Two orthogonal directions among inputs from N(0, I), drawn by a seed.
#[derive(Debug, Clone)]
pub(super) struct Directions {
    seed: u64,
    /// u_1 and u_2, of length 1.
    units: [Vec<f32>; 2],
}

/// Rows as the directions see them.
pub(super) struct Points {
    /// x, `[n, d]`.
    pub(super) inputs: Vec<f32>,
    /// u_1·x and u_2·x, `[n]` each.
    pub(super) along: [Vec<f32>; 2],
    /// Of both tasks, from N(0, 1), `[n, 2]`.
    pub(super) noise: Vec<f32>,
}

/// What a random number is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Direction,
    Frequency,
    Phase,
    Input,
    Noise,
}

/// A seed's random numbers of one purpose.
pub(super) fn stream(seed: u64, purpose: Purpose) -> Stream {
    Stream::new(seed, purpose as u64)
}

impl Directions {
    /// Those of a seed among `inputs` inputs.
    pub(super) fn new(inputs: usize, seed: u64) -> Directions {
        let direction = |k: u64| -> Vec<f64> {
            let mut all = vec![0f32; inputs];
            normals(stream(seed, Purpose::Direction), k << 32, &mut all);
            all.into_iter().map(f64::from).collect()
        };
        let (first, second) = (unit(direction(0)), direction(1));
        let along = dot(&first, &second);
        let second = unit(second.iter().zip(&first).map(|(b, a)| b - along * a).collect());
        let units = [first, second].map(|unit| unit.into_iter().map(|w| w as f32).collect());
        Directions { seed, units }
    }

    /// Inputs of a row (d).
    pub(super) fn inputs(&self) -> usize {
        self.units[0].len()
    }

    /// Rows with these numbers; row i is a function of (inputs, seed, i).
    pub(super) fn points(&self, range: Range<u64>) -> Points {
        let (d, n) = (self.inputs(), (range.end - range.start) as usize);
        let mut points =
            Points { inputs: vec![0.0; n * d], along: [vec![0.0; n], vec![0.0; n]], noise: vec![0.0; 2 * n] };
        let inputs = stream(self.seed, Purpose::Input);
        let [first, second] = &mut points.along;
        let along = first.iter_mut().zip(second);
        for ((row, x), (first, second)) in range.clone().zip(points.inputs.chunks_exact_mut(d)).zip(along) {
            normals(inputs, row.wrapping_mul(d as u64), x);
            (*first, *second) = (along_unit(&self.units[0], x), along_unit(&self.units[1], x));
        }
        normals(stream(self.seed, Purpose::Noise), range.start.wrapping_mul(2), &mut points.noise);
        points
    }
}

/// u·x over partial sums side by side, so that the loop becomes vector code.
fn along_unit(unit: &[f32], x: &[f32]) -> f32 {
    let mut sums = [0f32; 16];
    let ((units, unit_rest), (xs, x_rest)) = (unit.as_chunks::<16>(), x.as_chunks::<16>());
    for (unit, x) in units.iter().zip(xs) {
        for i in 0..16 {
            sums[i] += unit[i] * x[i];
        }
    }
    for ((sum, unit), x) in sums.iter_mut().zip(unit_rest).zip(x_rest) {
        *sum += unit * x;
    }
    sums.iter().sum()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(v: Vec<f64>) -> Vec<f64> {
    let length = dot(&v, &v).sqrt();
    v.into_iter().map(|v| v / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(v: &[f32]) -> Vec<f64> {
        v.iter().copied().map(f64::from).collect()
    }

    #[test]
    fn directions_are_orthogonal_units_that_rows_are_projected_on() {
        for d in [2, 37, 100] {
            let directions = Directions::new(d, 5);
            let [first, second] = [0, 1].map(|k: usize| wide(&directions.units[k]));
            for (a, b, expected) in [(&first, &first, 1.0), (&second, &second, 1.0), (&first, &second, 0.0)] {
                assert!((dot(a, b) - expected).abs() < 1e-6, "{d} inputs: {} for {expected}", dot(a, b));
            }
            let points = directions.points(40..60);
            for (r, x) in points.inputs.chunks_exact(d).enumerate() {
                for (unit, along) in [&first, &second].into_iter().zip(&points.along) {
                    assert!((f64::from(along[r]) - dot(unit, &wide(x))).abs() < 1e-5, "{d} inputs, row {r}");
                }
            }
        }
        assert_ne!(Directions::new(100, 5).points(0..1).inputs, Directions::new(100, 6).points(0..1).inputs);
    }

    #[test]
    fn a_row_does_not_depend_on_those_made_with_it() {
        let directions = Directions::new(37, 7);
        let (all, one) = (directions.points(0..600), directions.points(511..512));
        assert_eq!(all.inputs[511 * 37..512 * 37], one.inputs);
        assert_eq!((all.along[0][511], all.along[1][511]), (one.along[0][0], one.along[1][0]));
        assert_eq!(all.noise[1022..1024], one.noise);
    }
}
