//! Products of numbers rounded to bf16, summed in fp32.
//!
//! A bf16 number is the upper half of an fp32 number: 8 bits of exponent, 7 of mantissa. Rounding is to the nearest, ties to
//! even; what is too small for a normal number becomes 0, as in the processors' instructions.
//!
//! Two steps of a chain of multiply-adds share 32 bits, a [`Pair`]: the first step's number above, the second's below.
//! AVX-512's `vdpbf16ps` adds the upper products first, so its sums are those of the fp32 chain over the rounded
//! numbers, bit for bit (but for results too small for a normal number), and every instruction set gives the same.

use super::arena::{Mat, MatMut};
use super::gemm::{PANEL, Start, padded_columns, panels};
use super::simd;
use crate::real::Real;

/// Two bf16 numbers of one column, of consecutive steps: the first above, the second (0 past the end) below.
pub(crate) type Pair = u32;

/// The nearest bf16 number, as the upper half of an fp32 number's bits.
#[inline(always)]
pub(crate) fn rounded_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    let exponent = bits & 0x7f80_0000;
    let nearest = if exponent == 0 { bits & 0x8000_0000 } else { nearest };
    if bits & 0x7fff_ffff > 0x7f80_0000 { bits & 0xffff_0000 | 0x0040_0000 } else { nearest }
}

/// The pair of two steps.
#[inline(always)]
pub(crate) fn pair(first: f32, second: f32) -> Pair {
    rounded_bits(first) | rounded_bits(second) >> 16
}

/// The number of the first step.
#[inline(always)]
fn first<T: Real>(pair: Pair) -> T {
    T::of_f32(f32::from_bits(pair & 0xffff_0000))
}

/// The number of the second step.
#[inline(always)]
fn second<T: Real>(pair: Pair) -> T {
    T::of_f32(f32::from_bits(pair << 16))
}

/// Pairs of a packed matrix `[k, n]`.
pub(crate) fn pairs(k: usize, n: usize) -> usize {
    k.div_ceil(2) * padded_columns(n)
}

simd! {
    fn pair_lines<T: Real>(above: &[T], below: &[T], out: &mut [Pair]) {
        for ((out, above), below) in out.iter_mut().zip(above).zip(below) {
            *out = pair(above.f32(), below.f32());
        }
    }
}

simd! {
    fn first_lines<T: Real>(above: &[T], out: &mut [Pair]) {
        for (out, above) in out.iter_mut().zip(above) {
            *out = rounded_bits(above.f32());
        }
    }
}

/// Packs pairs of rows of a packed matrix `[k, n]`, panels as before: a matrix `[⌈k/2⌉, n]`.
pub(crate) fn pack<T: Real>(packed: &[T], k: usize, n: usize, out: &mut [Pair]) {
    let pair_rows = k.div_ceil(2);
    for panel in panels(k, n) {
        let from = &packed[panel.offset..][..k * panel.padded];
        let to = &mut out[panel.column * pair_rows..][..pair_rows * panel.padded];
        for (rows, out) in from.chunks(2 * panel.padded).zip(to.chunks_exact_mut(panel.padded)) {
            match rows.split_at_checked(panel.padded) {
                Some((above, below)) if !below.is_empty() => pair_lines(above, below, out),
                _ => first_lines(rows, out),
            }
        }
    }
}

simd! {
    /// Turns 16 rows of up to 64 numbers, `from` apart, into pairs of columns: `[width / 2, 16]`, `to` apart.
    fn turn_block<T: Real>(numbers: &[T], from: usize, width: usize, rows: usize, out: &mut [Pair], to: usize) {
        let mut block = [[0u32; 16]; PANEL / 2];
        for row in 0..rows {
            let line = &numbers[row * from..][..width];
            for (p, two) in line.chunks(2).enumerate() {
                block[p][row] = pair(two[0].f32(), if two.len() > 1 { two[1].f32() } else { 0.0 });
            }
        }
        for (p, line) in block[..width.div_ceil(2)].iter().enumerate() {
            out[p * to..][..rows].copy_from_slice(&line[..rows]);
        }
    }
}

/// Packs pairs of rows of the transpose `[n, k]` of a packed matrix `[k, n]`: a matrix `[⌈n/2⌉, k]`.
pub(crate) fn pack_transpose<T: Real>(packed: &[T], k: usize, n: usize, out: &mut [Pair]) {
    let pair_rows = n.div_ceil(2);
    for to in panels(pair_rows, k) {
        let block = &mut out[to.offset..][..pair_rows * to.padded];
        // A panel's first column is even, so pairs never straddle two.
        for from in panels(k, n) {
            for row in (0..to.width).step_by(16) {
                let rows = 16.min(to.width - row);
                let numbers = &packed[from.offset + (to.column + row) * from.padded..];
                let out = &mut block[from.column / 2 * to.padded + row..];
                turn_block(numbers, from.padded, from.width, rows, out, to.padded);
            }
        }
    }
}

/// A packed matrix of pairs `[⌈k/2⌉, n]` as the packed matrix `[k, n]` of rounded numbers.
fn spread<T: Real>(packed: &[Pair], k: usize, n: usize) -> Vec<T> {
    let pair_rows = k.div_ceil(2);
    let mut out = vec![T::ZERO; k * padded_columns(n)];
    for panel in panels(k, n) {
        let from = &packed[panel.column * pair_rows..][..pair_rows * panel.padded];
        let to = &mut out[panel.offset..][..k * panel.padded];
        for (pairs, rows) in from.chunks_exact(panel.padded).zip(to.chunks_mut(2 * panel.padded)) {
            for (c, &pair) in pairs.iter().enumerate() {
                rows[c] = first(pair);
                if let Some(below) = rows.get_mut(panel.padded + c) {
                    *below = second(pair);
                }
            }
        }
    }
    out
}

simd! {
    fn round_lines<T: Real>(from: &[T], to: &mut [T]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = T::of_f32(f32::from_bits(rounded_bits(from.f32())));
        }
    }
}

/// A matrix's rows rounded, one after the other.
fn rounded<T: Real>(matrix: Mat<'_, T>) -> Vec<T> {
    let mut out = vec![T::ZERO; matrix.rows() * matrix.width()];
    for (r, to) in out.chunks_exact_mut(matrix.width().max(1)).enumerate() {
        round_lines(matrix.row(r), to);
    }
    out
}

/// [`Products::product_half`] by the number type's own products, of rounded numbers.
pub(crate) fn product<T: Real>(a: Mat<'_, T>, b: &[Pair], start: Start<'_, T>, relu: bool, c: &mut MatMut<'_, T>) {
    let (numbers, weights) = (rounded(a), spread(b, a.width(), c.width()));
    T::product(Mat::of(&numbers, a.rows(), a.width()), &weights, start, relu, c);
}

/// [`Products::outer_half`] by the number type's own products, of rounded numbers.
pub(crate) fn outer<T: Real>(x: Mat<'_, T>, dy: Mat<'_, T>, dw: &mut [T], accumulate: bool) {
    let (left, right) = (rounded(x), rounded(dy));
    T::outer(Mat::of(&left, x.rows(), x.width()), Mat::of(&right, dy.rows(), dy.width()), dw, accumulate);
}
