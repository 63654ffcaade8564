//! ln, sin and cos of 32-bit floats from additions, multiplications and divisions alone: the same bits on every system,
//! and without a branch or a call, so that loops over them become vector code for any processor.
//!
//! The engine's functions of the same names fuse multiplications and additions, which is fast only where it compiles them
//! for processors that can.

/// Added to a number up to 2²² and taken away again it leaves the nearest whole number: 1.5·2²³.
const WHOLE: f32 = 12_582_912.0;

/// The natural logarithm of a positive, normal number.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    // x = 2^e · m with m in [√½, √2); ln m by the series of atanh((m − 1)/(m + 1)).
    let bits = x.to_bits();
    let e = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits()).cast_signed() >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e << 23).cast_unsigned()));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = (((2.0 / 9.0 * z + 2.0 / 7.0) * z + 2.0 / 5.0) * z + 2.0 / 3.0) * z + 2.0;
    e as f32 * std::f32::consts::LN_2 + s * series
}

/// sin(2π·turns), for up to 2²² turns.
#[inline(always)]
pub(super) fn sin_turns(turns: f32) -> f32 {
    let part = turns - ((turns + WHOLE) - WHOLE);
    // sin(π − a) = sin(a): within a quarter turn of 0.
    sin_quarter(0.25 - (part.abs() - 0.25).abs()).copysign(part)
}

/// cos(2π·turns), for up to half a turn.
#[inline(always)]
pub(super) fn cos_half_turn(turns: f32) -> f32 {
    sin_quarter(0.25 - turns.abs())
}

/// The sine's Taylor series up to the 13th power, which within a quarter turn is exact to 1e-9.
#[inline(always)]
fn sin_quarter(turns: f32) -> f32 {
    let z = turns * std::f32::consts::TAU;
    let q = z * z;
    let series =
        ((((1.605_904_4e-10 * q - 2.505_210_8e-8) * q + 2.755_731_9e-6) * q - 1.984_127e-4) * q + 8.333_334e-3) * q
            - 0.166_666_67;
    z + z * (q * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_64_bits_give_them() {
        for i in 1..=400_000 {
            let x = i as f32 * 1e-5;
            let expected = f64::from(x).ln();
            assert!((f64::from(ln(x)) - expected).abs() < 3e-7 * expected.abs().max(0.1), "ln {x}: {}", ln(x));
        }
        let turn = |x: f32| f64::from(x) * std::f64::consts::TAU;
        for i in -500_000..=500_000 {
            let x = i as f32 * 2e-5;
            assert!((f64::from(sin_turns(x)) - turn(x).sin()).abs() < 3e-7, "sin {x}: {}", sin_turns(x));
            let x = i as f32 * 1e-6;
            assert!((f64::from(cos_half_turn(x)) - turn(x).cos()).abs() < 3e-7, "cos {x}: {}", cos_half_turn(x));
        }
    }
}
