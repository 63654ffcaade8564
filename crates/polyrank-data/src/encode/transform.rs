//! A number's label as its task learns it, and the way back to the label's units.
//!
//! The functions are polyrank's own, so that a prediction has the same bits on every machine.

use polyrank_schema::config::LabelTransform;

use crate::expression::math::{exp, log1p};

/// A label as it is learned; NaN stays.
pub fn transformed(transform: LabelTransform, label: f32) -> f32 {
    match transform {
        LabelTransform::None => label,
        LabelTransform::Log1p => log1p(f64::from(label)) as f32,
    }
}

/// What a network says of such a label, in the label's units; beyond what a 32-bit float holds, the largest.
pub fn restored(transform: LabelTransform, prediction: f32) -> f32 {
    match transform {
        LabelTransform::None => prediction,
        LabelTransform::Log1p => expm1(f64::from(prediction)).clamp(-1.0, f64::from(f32::MAX)) as f32,
    }
}

/// e^x − 1, to the precision of a 32-bit float; NaN stays.
fn expm1(x: f64) -> f64 {
    // Near 0 the difference would cancel; what the two terms leave out is below x³ / 6.
    if x.abs() < 1e-5 || x.is_nan() { x + x * x / 2.0 } else { exp(x) - 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_comes_back_in_its_units() {
        for label in [0.0f32, -0.0, 1e-30, 3e-7, 0.5, -0.75, -0.999, 1.0, 77.0, 65_536.5, 1e30] {
            let back = restored(LabelTransform::Log1p, transformed(LabelTransform::Log1p, label));
            let error = f64::from(f32::EPSILON) * f64::from(label.abs()).max(1e-30).ln_1p().max(1.0) * 4.0;
            let off = (f64::from(back) - f64::from(label)).abs();
            assert!(off <= error * (1.0 + f64::from(label.abs())) && (label > -0.1 || back > -1.0), "{label}: {back}");
            assert_eq!(transformed(LabelTransform::None, label).to_bits(), label.to_bits());
        }
        for x in [-3.0f32, -1e-3, -1e-6, 0.0, 1e-9, 1e-6, 1e-4, 0.1, 2.0, 20.0] {
            let (ours, theirs) = (f64::from(restored(LabelTransform::Log1p, x)), f64::from(x).exp_m1());
            assert!((ours - theirs).abs() <= 1e-7 * theirs.abs(), "{x}: {ours} {theirs}");
        }
        assert_eq!(restored(LabelTransform::Log1p, 1e4), f32::MAX);
        assert!(
            restored(LabelTransform::Log1p, f32::NAN).is_nan() && transformed(LabelTransform::Log1p, f32::NAN).is_nan()
        );
    }
}
