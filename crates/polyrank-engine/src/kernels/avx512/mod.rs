//! The product kernels for AVX-512.

pub(super) mod pairs;
mod thin;
mod tile;
pub(super) mod turn;

use super::arena::{Mat, MatMut};
use super::gemm::Start;
use super::gradient::Gradient;
use super::half::{Left, Pair};
use super::tiles::{across, down};

/// Its [`Tiles`](super::tiles::Tiles).
struct Avx512;

pub(super) fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: AVX-512 was detected (`Isa::current`); a has c's rows of as many numbers as b is packed for
    // (`gemm::check`).
    unsafe {
        if c.width() <= thin::MOST && c.rows() >= thin::LEAST_ROWS {
            thin::product(a, b, start, relu, c);
        } else {
            across::<Avx512, _>(a.as_ptr(), a.ld(), a.width(), b, start, relu, c);
        }
    }
}

/// As [`product`], of numbers rounded to bf16.
pub(super) fn product_half(a: &Left, b: &[Pair], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: AVX-512 with bf16 was detected; a has c's rows of as many pairs as b has (`half::check`).
    unsafe { across::<Avx512, _>(a.all().as_ptr(), a.ld(), a.steps().div_ceil(2), b, start, relu, c) }
}

pub(super) fn outer(x: Mat<'_, f32>, dy: &mut Gradient<'_, f32>, dw: &mut [f32], accumulate: bool) {
    if dy.dy.width() <= thin::MOST {
        // SAFETY: AVX-512 was detected; the matrices fit each other (`gemm::check_outer`).
        return unsafe { thin::outer(x, dy.finish(), dw, accumulate) };
    }
    // SAFETY: AVX-512 was detected; the matrices fit each other (`gemm::check_outer`).
    unsafe { down::<Avx512>(x, dy, dw, accumulate) }
}
