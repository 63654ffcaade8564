//! `log`: ln(1 + x) for x ≥ 0 and −ln(1 − x) for x < 0, an odd function.

use polyrank_schema::BlockSpec;
use polyrank_schema::spec::no_further_check;

use crate::expression::ln_1p;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "log",
    doc: "ln(1 + x), mirrored for negative numbers; a missing number is the mean",
    options: &[],
    check: no_further_check,
};

pub(crate) fn encode(x: f64) -> f32 {
    (ln_1p(x.abs()).copysign(x)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_function_through_0() {
        assert_eq!(encode(0.0), 0.0);
        assert_eq!(encode(std::f64::consts::E - 1.0), 1.0);
        assert_eq!(encode(-9.0), -encode(9.0));
        assert_eq!(encode(1e-30), 1e-30);
        assert!(encode(f64::from(f32::MAX)).is_finite());
    }
}
