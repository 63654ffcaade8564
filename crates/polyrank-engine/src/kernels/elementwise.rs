//! Loops over slices, compiled for every instruction set; each gives the same bits on all of them.

use crate::real::Real;

/// Partial sums that a reduction keeps side by side: fixed, so that the order is the same on every machine.
const LANES: usize = 16;

simd! {
    /// `y += x`.
    pub(crate) fn add_assign<T: Real>(y: &mut [T], x: &[T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y += x;
        }
    }
}

simd! {
    /// `y = a·x`.
    pub(crate) fn scale_to<T: Real>(y: &mut [T], a: T, x: &[T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = a * x;
        }
    }
}

simd! {
    /// `y += a·x`.
    pub(crate) fn axpy<T: Real>(y: &mut [T], a: T, x: &[T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = a.mul_add(x, *y);
        }
    }
}

simd! {
    /// `y = a ⊙ b`.
    pub(crate) fn multiply_to<T: Real>(y: &mut [T], a: &[T], b: &[T]) {
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = a * b;
        }
    }
}

simd! {
    /// `y += a ⊙ b`.
    pub(crate) fn add_product<T: Real>(y: &mut [T], a: &[T], b: &[T]) {
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = a.mul_add(b, *y);
        }
    }
}

simd! {
    /// `y = exp(y − largest)`.
    pub(crate) fn exp_below<T: Real>(y: &mut [T], largest: T) {
        for y in y.iter_mut() {
            *y = (*y - largest).exp();
        }
    }
}

simd! {
    /// Σ x·y over 16 partial sums, then pairwise.
    pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
        sum_of_products(x, y)
    }
}

/// The same within another loop.
#[inline(always)]
pub(super) fn sum_of_products<T: Real>(x: &[T], y: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let n = x.len().min(y.len());
    let whole = n / LANES * LANES;
    for (x, y) in x[..whole].chunks_exact(LANES).zip(y[..whole].chunks_exact(LANES)) {
        for i in 0..LANES {
            sums[i] = x[i].mul_add(y[i], sums[i]);
        }
    }
    for i in whole..n {
        sums[i - whole] = x[i].mul_add(y[i], sums[i - whole]);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}
