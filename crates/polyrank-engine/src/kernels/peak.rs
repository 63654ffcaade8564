//! How fast this machine multiplies, as a measure for everything else.

use std::time::{Duration, Instant};

use super::arena::{Mat, MatMut};
use super::buffer::Buffer;
use super::gemm::{PANEL, Products, Start};
use super::half::{HalfProducts, Left};
use crate::graph::Precision;

/// FLOP/s of one thread in products of matrices that it has at hand (2 a multiply-add), measured for `seconds`.
pub fn peak(precision: Precision, seconds: f64) -> f64 {
    match precision {
        // Operands of 23 and 24 KiB, in whole tiles of 6 rows: they stay in a core's nearest cache.
        Precision::Fp32 => {
            let (rows, inputs) = (60, 96);
            let (a, b) = (Buffer::of(rows * inputs, 0.5), Buffer::of(inputs * PANEL, 0.25));
            rate(rows, inputs, seconds, |c| f32::product(Mat::of(&a, rows, inputs), &b, Start::Zero, false, c))
        }
        // 16 and 32 KiB, in whole tiles of 32 rows.
        Precision::Bf16 => {
            let (rows, inputs) = (64, 256);
            let (a, b) = (Buffer::of(rows * inputs, 0.5), Buffer::of(inputs * PANEL, 0.25));
            let (mut left, mut right) = (Left::default(), Buffer::new());
            f32::left(Mat::of(&a, rows, inputs), &mut left);
            f32::right_packed(&b, inputs, PANEL, &mut right);
            rate(rows, inputs, seconds, |c| f32::product_half(&left, &right, Start::Zero, false, c, None))
        }
    }
}

/// Where what is copied lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lying {
    /// In a core's second-level cache, as a micro-batch's values.
    InCache,
    /// In memory, as the values of a whole batch.
    InMemory,
}

/// Bytes a second that one thread reads and writes when it copies, measured for `seconds`.
pub fn copying(lying: Lying, seconds: f64) -> f64 {
    let bytes = match lying {
        Lying::InCache => 256 << 10,
        Lying::InMemory => 128 << 20,
    };
    let (from, mut to) = (Buffer::of(bytes / 4, 1u32), Buffer::of(bytes / 4, 0u32));
    let rate = times_a_second(seconds, || {
        to.copy_from_slice(std::hint::black_box(&*from));
        std::hint::black_box(&mut to);
    });
    2.0 * bytes as f64 * rate
}

/// FLOP/s of `product`, of `rows` × `inputs` by a panel of columns.
fn rate(rows: usize, inputs: usize, seconds: f64, product: impl Fn(&mut MatMut<'_, f32>)) -> f64 {
    let mut out = Buffer::zeros(rows * PANEL);
    let rate = times_a_second(seconds, || {
        product(&mut MatMut::of(&mut out, rows, PANEL));
        std::hint::black_box(&out);
    });
    (2 * rows * inputs * PANEL) as f64 * rate
}

fn times_a_second(seconds: f64, mut work: impl FnMut()) -> f64 {
    let mut run = |times: u64| {
        let begin = Instant::now();
        (0..times).for_each(|_| work());
        begin.elapsed()
    };
    let mut times = 1;
    let (span, mut took) = (Duration::from_secs_f64(seconds), run(1));
    while took < span && times < 1 << 40 {
        times *= 2;
        took = run(times);
    }
    times as f64 / took.as_secs_f64()
}
