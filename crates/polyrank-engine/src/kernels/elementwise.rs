//! Loops over slices. They are inlined into what is compiled for every instruction set (an op's passes, a [`super::simd`]
//! loop), and give the same bits on all of them.

use crate::real::Real;

/// Partial sums that a reduction keeps side by side: fixed, so that the order is the same on every machine.
const LANES: usize = 16;

/// `y += x`.
#[inline(always)]
pub(crate) fn add_assign<T: Real>(y: &mut [T], x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// `y = a·x`.
#[inline(always)]
pub(crate) fn scale_to<T: Real>(y: &mut [T], a: T, x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = a * x;
    }
}

/// `y += a·x`.
#[inline(always)]
pub(crate) fn axpy<T: Real>(y: &mut [T], a: T, x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = a.mul_add(x, *y);
    }
}

/// `y = a ⊙ b`.
#[inline(always)]
pub(crate) fn multiply_to<T: Real>(y: &mut [T], a: &[T], b: &[T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a * b;
    }
}

/// `y += a ⊙ b`.
#[inline(always)]
pub(crate) fn add_product<T: Real>(y: &mut [T], a: &[T], b: &[T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a.mul_add(b, *y);
    }
}

/// Hands `x` on: adds it or replaces what is there. (A loop: rows are too short to call a copy for.)
#[inline(always)]
pub(crate) fn give<T: Real>(to: &mut [T], x: &[T], accumulate: bool) {
    if accumulate {
        add_assign(to, x);
    } else {
        for (to, &x) in to.iter_mut().zip(x) {
            *to = x;
        }
    }
}

/// Hands `a ⊙ b` on: adds it or replaces what is there.
#[inline(always)]
pub(crate) fn give_product<T: Real>(to: &mut [T], a: &[T], b: &[T], accumulate: bool) {
    if accumulate { add_product(to, a, b) } else { multiply_to(to, a, b) }
}

/// Σ x·y over 16 partial sums, then pairwise.
#[inline(always)]
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
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
    folded(sums)
}

/// Σ x − from, and Σ (x − from)², each over 16 partial sums, then pairwise.
#[inline(always)]
pub(crate) fn deviations<T: Real>(x: &[T], from: T) -> (T, T) {
    let [mut sums, mut squares] = [[T::ZERO; LANES]; 2];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for x in blocks {
        for i in 0..LANES {
            let d = x[i] - from;
            sums[i] += d;
            squares[i] = d.mul_add(d, squares[i]);
        }
    }
    for (i, &x) in rest.iter().enumerate() {
        let d = x - from;
        sums[i] += d;
        squares[i] = d.mul_add(d, squares[i]);
    }
    (folded(sums), folded(squares))
}

/// The sum of partial sums, pairwise.
#[inline(always)]
fn folded<T: Real>(mut sums: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}
