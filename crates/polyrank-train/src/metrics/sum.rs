//! Sums that depend on the values and their order alone, and hardly lose a bit over a billion rows.

/// Neumaier's compensated sum.
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut total = 0.0_f64;
    let mut lost = 0.0_f64;
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    total + lost
}

/// The mean of values by their weights; `None` if nothing weighs anything.
pub(super) fn weighted_mean(values: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let weight = sum(values.clone().map(|(_, weight)| weight));
    (weight > 0.0).then(|| sum(values.map(|(value, weight)| value * weight)) / weight)
}

/// The mean; `None` of nothing.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| sum(values) / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_survive_beside_large_ones() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100].into_iter()), 2.0);
        let tenths = std::iter::repeat_n(0.1, 10_000_000);
        assert_eq!(sum(tenths), 1_000_000.0);
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean(std::iter::empty::<f64>().collect::<Vec<_>>().into_iter()), None);
        assert_eq!(mean([1.0, 2.0].into_iter()), Some(1.5));
    }
}
