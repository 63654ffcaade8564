//! Counted randomness: a number is a function of seed, stream and place in the stream, the same on every system.
//!
//! Only operations that IEEE 754 rounds exactly are used: the system's exponential and logarithm differ between systems.

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One stream of a seed's random numbers, each found by its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream(u64);

impl Stream {
    /// Stream number `stream` of a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Stream {
        Stream(mix(seed ^ stream.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(super) fn bits(self, n: u64) -> u64 {
        mix(self.0 ^ n)
    }

    /// Uniform in [0, 1).
    pub(super) fn uniform(self, n: u64) -> f64 {
        (self.bits(n) >> 11) as f64 * (0.5f64).powi(53)
    }

    /// From 0 to `count` − 1, small numbers more often: their density falls as 1/√.
    pub(super) fn skewed(self, n: u64, count: u64) -> u64 {
        let u = self.uniform(n);
        ((u * u * count as f64) as u64).min(count - 1)
    }

    /// Nearly normal, mean 0, variance 1: the sum of four uniform numbers, which needs no logarithm.
    pub(super) fn normal(self, n: u64) -> f64 {
        let bits = self.bits(n);
        let sum: u64 = (0..4).map(|k| bits >> (16 * k) & 0xffff).sum();
        (sum as f64 / 65_536.0 - 2.0) * 1.732_050_807_568_877_2
    }
}

/// e^x; |x| is taken as at most 40, beyond which a probability is 0 or 1 for any use here.
pub(super) fn exp(x: f64) -> f64 {
    let x = x.clamp(-40.0, 40.0);
    // e^x = 2^k · e^r with |r| ≤ ln 2 / 2; the series of e^r up to r¹³.
    let k = (x / std::f64::consts::LN_2).round();
    let r = x - k * std::f64::consts::LN_2;
    let series = (1..=13).rev().fold(1.0, |sum, n| 1.0 + sum * r / f64::from(n));
    series * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

/// 1/(1 + e^−x), with [`exp`]'s bounds.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_is_as_the_standard_library_gives_it() {
        for i in -400..=400 {
            let x = f64::from(i) / 10.0;
            let expected = 1.0 / (1.0 + (-x).exp());
            assert!((sigmoid(x) - expected).abs() <= 1e-14 * expected, "{x}");
        }
    }

    #[test]
    fn the_normal_numbers_have_mean_0_and_variance_1() {
        let stream = Stream::new(1, 0);
        let numbers: Vec<f64> = (0..100_000).map(|n| stream.normal(n)).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|x| x * x).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
