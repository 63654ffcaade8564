//! The number types that the engine runs on: f32 to train and serve, f64 to prove the mathematics.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::exec::compiled::Compiled;
use crate::kernels::buffer::Plain;
use crate::kernels::gemm::Products;
use crate::kernels::half::HalfProducts;

/// A floating-point number with everything the ops need. `exp`, `ln` and `tanh` of f32 are polynomials of our own, so
/// that every machine gives the same bits and loops over them become vector code.
#[allow(private_bounds, reason = "the product kernels are the engine's own affair")]
pub trait Real:
    Copy
    + Send
    + Sync
    + Default
    + PartialOrd
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Plain
    + Products
    + HalfProducts
    + Compiled
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The nearest number.
    fn of(v: f64) -> Self;
    /// The same number in f64.
    fn f64(self) -> f64;
    /// The nearest number in f32.
    fn f32(self) -> f32;
    /// The same number.
    fn of_f32(v: f32) -> Self;
    /// `self · a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// e to the power of `self`.
    fn exp(self) -> Self;
    /// The natural logarithm of a positive number.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// What is left of it after the nearest whole number is taken away, within [−½, ½].
    fn fraction(self) -> Self;
    /// sin(2π·self).
    fn sin_turns(self) -> Self;
    /// The larger of two numbers; the second if they cannot be compared.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    /// `self` if positive, else 0.
    #[inline(always)]
    fn relu(self) -> Self {
        self.max(Self::ZERO)
    }
    /// 1 / (1 + e^−x).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;

    #[inline(always)]
    fn of(v: f64) -> f32 {
        v as f32
    }

    #[inline(always)]
    fn f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn of_f32(v: f32) -> f32 {
        v
    }

    #[inline(always)]
    fn mul_add(self, a: f32, b: f32) -> f32 {
        f32::mul_add(self, a, b)
    }

    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }

    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }

    // e^x = 2^n · e^r with n = round(x / ln 2) and |r| ≤ ln 2 / 2; a polynomial of degree 7 for e^r. Error below 2 ulp;
    // saturates at the ends instead of giving infinity or zero. NaN stays NaN.
    #[inline(always)]
    fn exp(self) -> f32 {
        const SHIFT: f32 = 12_582_912.0; // 1.5·2²³: adding it rounds to an integer in the low bits
        let x = if self < -87.0 { -87.0 } else { self };
        let x = if x > 88.0 { 88.0 } else { x };
        let shifted = f32::mul_add(x, std::f32::consts::LOG2_E, SHIFT);
        let n = shifted - SHIFT;
        let r = f32::mul_add(n, -0.693_145_75, x);
        let r = f32::mul_add(n, -1.428_606_8e-6, r);
        let p = f32::mul_add(r, 1.0 / 5040.0, 1.0 / 720.0);
        let p = f32::mul_add(r, p, 1.0 / 120.0);
        let p = f32::mul_add(r, p, 1.0 / 24.0);
        let p = f32::mul_add(r, p, 1.0 / 6.0);
        let p = f32::mul_add(r, p, 0.5);
        let p = f32::mul_add(r, p, 1.0);
        let p = f32::mul_add(r, p, 1.0);
        // The low bits of `shifted` hold n; moved into the exponent they scale p by 2^n.
        let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
        p * scale
    }

    // x = 2^e · m with m in [√½, √2); ln m by the series of atanh((m − 1)/(m + 1)).
    #[inline(always)]
    fn ln(self) -> f32 {
        let bits = self.to_bits();
        let e = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
        let m = f32::from_bits(bits.wrapping_sub((e << 23) as u32));
        let s = (m - 1.0) / (m + 1.0);
        let z = s * s;
        let p = f32::mul_add(z, 2.0 / 9.0, 2.0 / 7.0);
        let p = f32::mul_add(z, p, 2.0 / 5.0);
        let p = f32::mul_add(z, p, 2.0 / 3.0);
        let p = f32::mul_add(z, p, 2.0);
        f32::mul_add(e as f32, std::f32::consts::LN_2, s * p)
    }

    // 1 − 2/(e^2|x| + 1) loses digits near 0, where the odd series takes over.
    #[inline(always)]
    fn tanh(self) -> f32 {
        let a = self.abs();
        let far = 1.0 - 2.0 / (Real::exp(a + a) + 1.0);
        let z = a * a;
        let p = f32::mul_add(z, 62.0 / 2835.0, -17.0 / 315.0);
        let p = f32::mul_add(z, p, 2.0 / 15.0);
        let p = f32::mul_add(z, p, -1.0 / 3.0);
        let near = f32::mul_add(a * z, p, a);
        let t = if a < 0.25 { near } else { far };
        t.copysign(self)
    }

    // Exact: both numbers are close, or the second is 0.
    #[inline(always)]
    fn fraction(self) -> f32 {
        self - (self + 0.5).floor()
    }

    // Within a quarter turn of 0, where the odd Taylor series up to the 13th power is exact to 1e-9.
    #[inline(always)]
    fn sin_turns(self) -> f32 {
        let f = self.fraction();
        let f = if f > 0.25 { 0.5 - f } else { f };
        let f = if f < -0.25 { -0.5 - f } else { f };
        let z = f * std::f32::consts::TAU;
        let q = z * z;
        let p = f32::mul_add(q, 1.605_904_4e-10, -2.505_210_8e-8);
        let p = f32::mul_add(q, p, 2.755_731_9e-6);
        let p = f32::mul_add(q, p, -1.984_127e-4);
        let p = f32::mul_add(q, p, 8.333_334e-3);
        let p = f32::mul_add(q, p, -0.166_666_67);
        f32::mul_add(z * q, p, z)
    }
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;

    #[inline(always)]
    fn of(v: f64) -> f64 {
        v
    }

    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn f32(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn of_f32(v: f32) -> f64 {
        f64::from(v)
    }

    #[inline(always)]
    fn mul_add(self, a: f64, b: f64) -> f64 {
        f64::mul_add(self, a, b)
    }

    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }

    #[inline(always)]
    fn exp(self) -> f64 {
        f64::exp(self)
    }

    #[inline(always)]
    fn ln(self) -> f64 {
        f64::ln(self)
    }

    #[inline(always)]
    fn tanh(self) -> f64 {
        f64::tanh(self)
    }

    #[inline(always)]
    fn fraction(self) -> f64 {
        self - (self + 0.5).floor()
    }

    #[inline(always)]
    fn sin_turns(self) -> f64 {
        (self.fraction() * std::f64::consts::TAU).sin()
    }
}

#[cfg(test)]
mod tests {
    use super::Real;

    #[test]
    fn f32_functions_are_close_to_f64s() {
        let mut worst = [0.0f64; 3];
        for i in -860_000..=860_000i32 {
            let x = i as f32 * 1e-4;
            worst[0] = worst[0].max((Real::exp(x).f64() / x.f64().exp() - 1.0).abs());
            worst[1] = worst[1].max((Real::tanh(x).f64() - x.f64().tanh()).abs() / x.f64().tanh().abs().max(1e-30));
            if x > 0.0 {
                worst[2] = worst[2].max((Real::ln(x).f64() - x.f64().ln()).abs() / x.f64().ln().abs().max(0.1));
            }
        }
        assert!(worst[0] < 3e-7 && worst[1] < 5e-7 && worst[2] < 3e-7, "{worst:?}");
        for i in -500_000..=500_000i32 {
            let x = i as f32 * 1e-5;
            let expected = (std::f64::consts::TAU * x.f64()).sin();
            assert!((x.sin_turns().f64() - expected).abs() < 3e-7, "{x}: {} for {expected}", x.sin_turns());
        }
        // Beyond 2^23 every number is whole.
        assert_eq!([0.0f32, -3.0, 16_777_217.0].map(Real::sin_turns), [0.0; 3]);
        assert!(Real::exp(f32::NAN).is_nan());
        assert_eq!(Real::tanh(-0.0f32).to_bits(), (-0.0f32).to_bits());
    }
}
