//! How fast this machine multiplies, as a measure for everything else.

use std::time::{Duration, Instant};

use super::arena::{Mat, MatMut};
use super::gemm::{PANEL, Products, Start};
use super::half;
use crate::graph::Precision;

/// Rows, inputs: with one panel of columns, operands that stay in a core's nearest cache.
const ROWS: usize = 60;
const INPUTS: usize = 96;

/// FLOP/s of one thread in products of matrices that it has at hand (2 a multiply-add), measured for `seconds`.
pub fn peak(precision: Precision, seconds: f64) -> f64 {
    let (a, b) = (vec![0.5f32; ROWS * INPUTS], vec![0.25f32; INPUTS * PANEL]);
    let mut pairs = vec![0; half::pairs(INPUTS, PANEL)];
    half::pack(&b, INPUTS, PANEL, &mut pairs);
    let mut out = vec![0f32; ROWS * PANEL];
    let mut run = |times: u64| {
        let begin = Instant::now();
        for _ in 0..times {
            let (a, mut c) = (Mat::of(&a, ROWS, INPUTS), MatMut::of(&mut out, ROWS, PANEL));
            match precision {
                Precision::Fp32 => f32::product(a, &b, Start::Zero, false, &mut c),
                Precision::Bf16 => f32::product_half(a, &pairs, Start::Zero, false, &mut c),
            }
        }
        std::hint::black_box(&out);
        begin.elapsed()
    };
    let mut times = 1;
    let (span, mut took) = (Duration::from_secs_f64(seconds), run(1));
    while took < span && times < 1 << 40 {
        times *= 2;
        took = run(times);
    }
    (2 * ROWS * INPUTS * PANEL) as f64 * times as f64 / took.as_secs_f64()
}
