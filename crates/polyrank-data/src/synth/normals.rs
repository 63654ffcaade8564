//! Numbers from N(0, 1) (Box and Muller 1958), many at a time.

use super::elementary::{cos_half_turn, ln, sin_turns};
use super::random::Stream;

/// Pairs that are made together: all bits, then all numbers, so that only the first is not vector code.
const PAIRS: usize = 64;

/// Uniform numbers are the middles of so many equal parts.
const PARTS: f32 = 16_777_216.0;

/// A stream's numbers from the `from`th on. They come in pairs, of which `from` begins one; of the last pair the second is
/// left out where there is no place for it.
pub(super) fn normals(stream: Stream, from: u64, out: &mut [f32]) {
    let (mut first, mut second) = ([0i32; PAIRS], [0i32; PAIRS]);
    for (b, block) in out.chunks_mut(2 * PAIRS).enumerate() {
        let from = from.wrapping_add((2 * PAIRS * b) as u64);
        let count = block.len().div_ceil(2);
        let (first, second) = (&mut first[..count], &mut second[..count]);
        for (i, (first, second)) in first.iter_mut().zip(&mut *second).enumerate() {
            let bits = stream.bits(from.wrapping_add(2 * i as u64));
            // 24 bits each, which a float holds.
            (*first, *second) = ((bits >> 40) as i32, (bits as u32 >> 8) as i32);
        }
        let pair = |first: i32, second: i32| {
            let radius = (-2.0 * ln((first as f32 + 0.5) * (1.0 / PARTS))).sqrt();
            let turns = (second as f32 + 0.5) * (1.0 / PARTS) - 0.5;
            [radius * cos_half_turn(turns), radius * sin_turns(turns)]
        };
        let (pairs, rest) = block.as_chunks_mut::<2>();
        for ((out, &first), &second) in pairs.iter_mut().zip(&*first).zip(&*second) {
            *out = pair(first, second);
        }
        if let ([last], Some(&first), Some(&second)) = (rest, first.last(), second.last()) {
            *last = pair(first, second)[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_tails_are_the_normal_distributions() {
        let mut x = vec![0f32; 1_000_000];
        normals(Stream::new(1, 0), 0, &mut x);
        let mean = |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(f64::from(x))).sum::<f64>() / x.len() as f64;
        for (power, expected, most) in
            [(1, 0.0, 0.004), (2, 1.0, 0.006), (3, 0.0, 0.016), (4, 3.0, 0.04), (6, 15.0, 0.5)]
        {
            let found = mean(&|x| x.powi(power));
            assert!((found - expected).abs() < most, "{found} for {expected}: power {power}");
        }
        for (beyond, expected) in [(1.0, 0.317_31), (2.0, 0.045_500), (3.0, 0.002_699_8), (4.0, 6.334e-5)] {
            let found = mean(&|x| f64::from(u8::from(x.abs() > beyond)));
            assert!((found - expected).abs() < 4.0 * (expected / 1e6f64).sqrt(), "{found} for {expected}");
        }
        // Neither the numbers of a pair nor those of neighbouring pairs know of each other.
        for lag in 1..=3 {
            let products = x.iter().zip(&x[lag..]).map(|(a, b)| f64::from(a * b));
            let squares = x.iter().zip(&x[lag..]).map(|(a, b)| f64::from((a * a - 1.0) * (b * b - 1.0)));
            assert!(products.sum::<f64>().abs() < 4e3 && squares.sum::<f64>().abs() < 8e3, "lag {lag}");
        }
    }

    #[test]
    fn a_number_depends_on_its_place_alone() {
        let (mut all, mut some) = (vec![0f32; 300], vec![0f32; 101]);
        normals(Stream::new(2, 0), 10, &mut all);
        normals(Stream::new(2, 0), 144, &mut some);
        assert_eq!(all[134..235], some);
    }
}
