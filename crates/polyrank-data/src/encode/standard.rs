//! `standard`: (x − mean) / population standard deviation; a constant column gives 0.

use polyrank_schema::BlockSpec;
use polyrank_schema::spec::no_further_check;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "standard",
    doc: "mean 0 and standard deviation 1 over the training rows; a missing number is the mean",
    options: &[],
    check: no_further_check,
};

pub(crate) fn encode(x: f64, mean: f64, std: f64) -> f32 {
    // A tiny deviation must not make an infinity of a number far from the mean.
    let limit = f64::from(f32::MAX);
    if std > 0.0 { ((x - mean) / std).clamp(-limit, limit) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_from_the_mean() {
        assert_eq!([1.0, 3.0, 7.0].map(|x| encode(x, 3.0, 2.0)), [-1.0, 0.0, 2.0]);
        assert_eq!(encode(1e38, 0.0, 1e-300), f32::MAX);
        assert_eq!(encode(-1e38, 0.0, f64::from_bits(1)), f32::MIN);
    }
}
