//! `log`: ln(1 + x) for x ≥ 0 and −ln(1 − x) for x < 0, an odd function.

use polyrank_schema::BlockSpec;
use polyrank_schema::spec::no_further_check;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "log",
    doc: "ln(1 + x), mirrored for negative numbers; a missing number is the mean",
    options: &[],
    check: no_further_check,
};

pub(crate) fn encode(x: f64) -> f32 {
    (ln_1p(x.abs()).copysign(x)) as f32
}

/// ln(1 + x) for x ≥ 0, within 2 units of the last place. The system's own differs between systems, and a row must
/// score the same on all of them.
fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    // What rounding took away from 1 + x, as a first-order correction.
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
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
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    k as f64 * LN2_HIGH + (ln_m + (k as f64 * LN2_LOW + lost / u))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_odd_function_through_0() {
        assert_eq!(encode(0.0), 0.0);
        assert_eq!(encode(std::f64::consts::E - 1.0), 1.0);
        assert_eq!(encode(-9.0), -encode(9.0));
        assert_eq!(encode(1e-30), 1e-30);
        assert!(encode(f64::from(f32::MAX)).is_finite());
    }

    proptest! {
        #[test]
        fn as_the_standard_library(mantissa in 1.0..2.0f64, exponent in -60..120i32) {
            let x = mantissa * 2f64.powi(exponent);
            let (ours, theirs) = (ln_1p(x), x.ln_1p());
            prop_assert!((ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs, "{x:e}: {ours:e} {theirs:e}");
        }
    }
}
