//! `min_max`: the fitted range becomes [0, 1]; numbers outside are clipped to it, and a constant column gives 0.

use polyrank_schema::BlockSpec;
use polyrank_schema::spec::no_further_check;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "min_max",
    doc: "the range of the training rows becomes 0 to 1; numbers outside are clipped, a missing one is the mean",
    options: &[],
    check: no_further_check,
};

pub(crate) fn encode(x: f64, min: f64, max: f64) -> f32 {
    if max > min { ((x - min) / (max - min)).clamp(0.0, 1.0) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_becomes_0_to_1_and_the_rest_is_clipped() {
        assert_eq!([-1.0, 0.0, 1.0, 3.0, 4.0, 9.0].map(|x| encode(x, 0.0, 4.0)), [0.0, 0.0, 0.25, 0.75, 1.0, 1.0]);
        let limit = f64::from(f32::MAX);
        assert_eq!([-limit, 0.0, limit].map(|x| encode(x, -limit, limit)), [0.0, 0.5, 1.0]);
        assert_eq!(encode(1e-320, 0.0, 2e-320), 0.5);
    }
}
