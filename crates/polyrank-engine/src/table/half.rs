//! Embedding rows in bf16: half the memory, and half of what a lookup reads.
//!
//! A step works on a row in full and rounds what it leaves at random, up as often as the number is near to the upper of its
//! two neighbours: on average nothing is lost, where the nearest number would swallow every step smaller than half of the
//! last digit (Gupta et al. 2015, "Deep Learning with Limited Numerical Precision", Section 3).

use crate::kernels::half::rounded_bits;
use crate::kernels::rows::{AHEAD, prefetch};
use crate::kernels::simd;
use crate::optim::Rule;
use crate::real::Real;
use crate::rng::Stream;

/// A bf16 number: the upper half of an fp32 number.
pub(super) type Half = u16;

/// The number itself.
#[inline(always)]
pub(super) fn full<T: Real>(half: Half) -> T {
    T::of_f32(f32::from_bits(u32::from(half) << 16))
}

/// The nearest bf16 number.
#[inline(always)]
fn nearest<T: Real>(v: T) -> Half {
    (rounded_bits(v.f32()) >> 16) as Half
}

/// The numbers of a row, which is as long as `to`. A width that most tables have is known to the compiler.
#[inline]
pub(super) fn widen<T: Real>(row: &[Half], to: &mut [T]) {
    macro_rules! of_width {
        ($($width:literal),*) => {
            match row.len() {
                $($width => to[..$width].iter_mut().zip(&row[..$width]).for_each(|(to, w)| *to = full(*w)),)*
                _ => to.iter_mut().zip(row).for_each(|(to, w)| *to = full(*w)),
            }
        };
    }
    of_width!(4, 8, 16, 32, 64);
}

/// The nearest bf16 numbers of a row.
pub(super) fn round<T: Real>(row: &[T], to: &mut [Half]) {
    to.iter_mut().zip(row).for_each(|(to, w)| *to = nearest(*w));
}

/// One of the two bf16 numbers around it: the upper one if the lower half of its bits and `random`, evenly drawn from 16
/// bits, carry over. What is too small for a normal number becomes 0, as with [`nearest`].
#[inline(always)]
fn at_random(v: f32, random: u32) -> Half {
    let bits = v.to_bits();
    let (exponent, size) = (bits & 0x7f80_0000, bits & 0x7fff_ffff);
    let rounded = if exponent == 0 { bits & 0x8000_0000 } else { bits.wrapping_add(random) };
    // What is no number stays none.
    let rounded = if size > 0x7f80_0000 { bits | 0x0040_0000 } else { rounded };
    (rounded >> 16) as Half
}

/// Numbers that share 64 random bits.
const SHARE: usize = 4;

/// Rounds row `row` of a table at random.
#[inline(always)]
fn round_row<T: Real>(w: &[T], random: Stream, row: u32, to: &mut [Half]) {
    let first = u64::from(row) * w.len().div_ceil(SHARE) as u64;
    for (i, (w, to)) in w.chunks(SHARE).zip(to.chunks_mut(SHARE)).enumerate() {
        let bits = random.bits(first + i as u64);
        for (k, (w, to)) in w.iter().zip(to).enumerate() {
            *to = at_random(w.f32(), (bits >> (16 * k)) as u32 & 0xffff);
        }
    }
}

simd! {
    /// As [`crate::optim::step_rows`]: row i of `grads` moves row `rows[i]` of `weights`, whose state is `stride` numbers of
    /// `state`.
    pub(super) fn step<T: Real>(rule: Rule<T>, weights: &mut [Half], state: &mut [T], stride: usize, dim: usize, rows: &[u32], grads: &[T], random: Stream) {
        let mut w = vec![T::ZERO; dim];
        for (i, (&row, g)) in rows.iter().zip(grads.chunks_exact(dim)).enumerate() {
            if let Some(&next) = rows.get(i + AHEAD) {
                prefetch(&weights[next as usize * dim..][..dim]);
                prefetch(&state[next as usize * stride..][..stride]);
            }
            let half = &mut weights[row as usize * dim..][..dim];
            widen(half, &mut w);
            rule.apply_row(&mut w, g, &mut state[row as usize * stride..][..stride]);
            round_row(&w, random, row, half);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Purpose;

    fn back(half: Half) -> f32 {
        full(half)
    }

    proptest! {
        #[test]
        fn rounds_to_one_of_the_neighbours(v: f32, random in 0u32..1 << 16) {
            let got = back(at_random(v, random));
            if v.is_nan() {
                prop_assert!(got.is_nan());
            } else if v == 0.0 || v.is_subnormal() {
                prop_assert_eq!(got.to_bits(), v.to_bits() & 0x8000_0000);
            } else {
                // Without its lower bits a number is the neighbour on the side of 0.
                let inner = f32::from_bits(v.to_bits() & 0xffff_0000);
                let outer = f32::from_bits((v.to_bits() & 0xffff_0000).wrapping_add(0x1_0000));
                prop_assert!(got == inner || got == outer && v != inner, "{v} to {got}");
                prop_assert!(back(nearest(v)) == inner || back(nearest(v)) == outer);
            }
        }

        #[test]
        fn what_is_a_bf16_number_stays(half: Half, random in 0u32..1 << 16) {
            let v = back(half);
            prop_assume!(!v.is_nan() && !v.is_subnormal());
            prop_assert_eq!(at_random(v, random), half);
            prop_assert_eq!(nearest(v), half);
        }
    }

    #[test]
    fn nothing_is_lost_on_average() {
        let random = Stream::new(5, Purpose::Rounding, 0, 1);
        for v in [1.001f32, -0.3, 1e-3, 7.77e20, -3.003e-30] {
            let w = vec![v; 10];
            let (mut sum, mut to) = (0.0, [0; 10]);
            for row in 0..20_000 {
                round_row(&w, random, row, &mut to);
                sum += to.iter().map(|half| f64::from(back(*half) / v)).sum::<f64>();
            }
            let mean = sum / 200_000.0;
            // A neighbour is at most 1/128 away, so the mean of as many is known to 2e-5.
            assert!((mean - 1.0).abs() < 5e-5, "{v}: {mean}");
        }
    }
}
