//! Logarithm and exponential of 64-bit floats. The system's own differ between systems, and a row must score the same
//! on all of them.

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// ln(1 + x) for x ≥ 0, within 2 units of the last place.
pub(crate) fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    // What rounding took away from 1 + x, as a first-order correction.
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    ln_of(u, lost / u)
}

/// ln(1 + x); NaN below −1, −∞ at −1.
pub(crate) fn log1p(x: f64) -> f64 {
    if x >= 0.0 {
        return if x.is_finite() { ln_1p(x) } else { x };
    }
    let u = 1.0 + x;
    if u > 0.0 { ln_of(u, (x - (u - 1.0)) / u) } else { ln(u) }
}

/// ln x; NaN below 0, −∞ at 0.
pub(super) fn ln(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE {
        return match x {
            _ if x < 0.0 => f64::NAN,
            _ if x == 0.0 => f64::NEG_INFINITY,
            // A subnormal number, made a normal one by 2^54.
            _ => ln_of(x * 18_014_398_509_481_984.0, 0.0) - 54.0 * std::f64::consts::LN_2,
        };
    }
    if x.is_finite() { ln_of(x, 0.0) } else { x }
}

/// ln u + `more`, for a normal u above 0 and a small `more`.
fn ln_of(u: f64, more: f64) -> f64 {
    // u = 2^k · m with m within [√½, √2).
    let bits = u.to_bits() + (0x3ff0_0000_0000_0000 - 0x3fe6_a09e_667f_3bcd);
    let k = (bits >> 52) as i64 - 0x3ff;
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + 0x3fe6_a09e_667f_3bcd);
    // ln m = 2·artanh(s) with s = (m − 1)/(m + 1), |s| < 0.172: the odd series up to s²³.
    let f = m - 1.0;
    let s = f / (m + 1.0);
    let z = s * s;
    let series = (1..12).rev().fold(0.0, |sum, n| z * (1.0 / f64::from(2 * n + 1) + sum));
    // 2s = f − s·f: the large part stays exact.
    let ln_m = f - s * (f - 2.0 * series);
    k as f64 * LN2_HIGH + (ln_m + (k as f64 * LN2_LOW + more))
}

/// e^x, within 2 units of the last place; 0 or ∞ beyond what floats hold.
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() || x > 709.8 {
        return x * f64::INFINITY;
    }
    if x < -745.2 {
        return 0.0;
    }
    // x = k·ln 2 + r with |r| ≤ ½·ln 2; e^r by its series, whose 15th term is below the last place.
    let k = (x / std::f64::consts::LN_2).round();
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let series = (1..=14).rev().fold(0.0, |sum, n| (r + r * sum) / f64::from(n));
    // By 2^k in two factors, for 2^k alone may be no float.
    let half = (k / 2.0).trunc();
    (1.0 + series) * power_of_two(half) * power_of_two(k - half)
}

/// 2^k for a whole k within ±1022.
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(ours: f64, theirs: f64) -> bool {
        ours == theirs
            || (ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs.abs()
            || (ours.is_nan() && theirs.is_nan())
    }

    #[test]
    fn corners() {
        for x in [0.0, -0.0, 1.0, -1.0, -2.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, -0.5, -1.0 + 1e-16] {
            assert!(near(ln(x), x.ln()), "ln {x:e}: {:e} {:e}", ln(x), x.ln());
            assert!(near(log1p(x), x.ln_1p()), "log1p {x:e}: {:e} {:e}", log1p(x), x.ln_1p());
        }
        for x in [0.0, 1.0, -1.0, 709.7, 709.9, -745.0, -746.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            // Subnormal results have few digits.
            assert!(
                near(exp(x), x.exp()) || (exp(x) - x.exp()).abs() < 1e-323,
                "exp {x:e}: {:e} {:e}",
                exp(x),
                x.exp()
            );
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library(mantissa in 1.0..2.0f64, exponent in -300..300i32, y in -700.0..709.0f64) {
            let x = mantissa * 2f64.powi(exponent);
            prop_assert!(near(ln_1p(x), x.ln_1p()), "{x:e}");
            prop_assert!((ln(x) - x.ln()).abs() <= 4.0 * f64::EPSILON * x.ln().abs().max(1e-3), "{x:e}");
            prop_assert!(near(exp(y), y.exp()), "{y}: {:e} {:e}", exp(y), y.exp());
            let below = -mantissa / 2.0;
            prop_assert!(near(log1p(below), below.ln_1p()), "{below}");
        }
    }
}
