//! The product kernels for AVX2 and FMA.

mod tile;
pub(super) mod turn;

use super::arena::{Mat, MatMut};
use super::gemm::Start;
use super::gradient::Gradient;
use super::half::{Left, Pair};
use super::tiles::{across, down};

/// Its [`Tiles`](super::tiles::Tiles).
struct Avx2;

pub(super) fn product(a: Mat<'_, f32>, b: &[f32], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: AVX2 and FMA were detected (`Isa::current`); a has c's rows of as many numbers as b is packed for
    // (`gemm::check`).
    unsafe { across::<Avx2, _>(a.as_ptr(), a.ld(), a.width(), b, start, relu, c) }
}

/// As [`product`], of numbers rounded to bf16.
pub(super) fn product_half(a: &Left, b: &[Pair], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    // SAFETY: AVX2 and FMA were detected; a has c's rows of as many pairs as b has (`half::check`).
    unsafe { across::<Avx2, _>(a.all().as_ptr(), a.ld(), a.steps().div_ceil(2), b, start, relu, c) }
}

pub(super) fn outer(x: Mat<'_, f32>, dy: &mut Gradient<'_, f32>, dw: &mut [f32], accumulate: bool) {
    // SAFETY: AVX2 and FMA were detected; the matrices fit each other (`gemm::check_outer`).
    unsafe { down::<Avx2>(x, dy, dw, accumulate) }
}
