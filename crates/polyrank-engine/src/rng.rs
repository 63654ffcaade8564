//! Randomness as a function of what it is for: (seed, purpose, step, row, column) → bits. Nothing is drawn in sequence,
//! so threads and batch sizes cannot change it.

use crate::real::Real;

/// What a random number is for; part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Initial weights.
    Init = 1,
    /// Dropout masks.
    Dropout = 2,
    /// Ids drawn as negative examples.
    Negatives = 3,
    /// Noise of gates.
    Noise = 4,
    /// Rounding of embedding rows.
    Rounding = 5,
}

const NEAR: [f32; 9] = [
    2.810_226_4e-8,
    3.432_739_4e-7,
    -3.523_387_7e-6,
    -4.391_506_5e-6,
    0.000_218_580_87,
    -0.001_253_725,
    -0.004_177_681_6,
    0.246_640_73,
    1.501_409_4,
];
const FAR: [f32; 9] = [
    -0.000_200_214_26,
    0.000_100_950_56,
    0.001_349_343_2,
    -0.003_673_428_4,
    0.005_739_507_7,
    -0.007_622_461_3,
    0.009_438_870_5,
    1.001_674,
    2.832_976_8,
];

/// The thing of a name, the same in whatever graph it occurs (FNV-1a of its bytes).
pub(crate) fn thing(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A stream of random numbers addressed by counter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    key: u64,
}

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
#[inline(always)]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream for one purpose, one thing (a parameter, a node) and one step.
    pub(crate) fn new(seed: u64, purpose: Purpose, thing: u64, step: u64) -> Stream {
        let key = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ mix((purpose as u64) << 56 ^ thing);
        Stream { key: mix(key.wrapping_add(mix(step ^ 0x5851_f42d_4c95_7f2d))) }
    }

    /// 64 random bits.
    #[inline(always)]
    pub(crate) fn bits(self, counter: u64) -> u64 {
        mix(self.key.wrapping_add(counter.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number in [0, 1).
    #[inline(always)]
    pub(crate) fn uniform(self, counter: u64) -> f64 {
        (self.bits(counter) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number from N(0, 1): the inverse of its distribution function, by the single-precision polynomials of Giles
    /// (2012, "Approximating the erfinv function"), so that no libm decides initial weights.
    #[inline(always)]
    pub(crate) fn normal(self, counter: u64) -> f32 {
        // The middle of one of 2^24 equal parts of (−1, 1): never ±1.
        let x = ((self.bits(counter) >> 40) as f32 + 0.5) * (1.0 / 8_388_608.0) - 1.0;
        let w = -Real::ln((1.0 - x) * (1.0 + x));
        let poly = |coefficients: &[f32], w: f32| coefficients.iter().fold(0.0f32, |p, &c| f32::mul_add(p, w, c));
        let p = if w < 5.0 { poly(&NEAR, w - 2.5) } else { poly(&FAR, w.sqrt() - 3.0) };
        std::f32::consts::SQRT_2 * p * x
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, Stream};

    #[test]
    fn moments() {
        let s = Stream::new(1, Purpose::Init, 2, 3);
        let n = 200_000;
        let (mut mean, mut square) = (0.0, 0.0);
        for i in 0..n {
            let x = f64::from(s.normal(i));
            mean += x / n as f64;
            square += x * x / n as f64;
        }
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.02, "{mean} {square}");
    }
}
