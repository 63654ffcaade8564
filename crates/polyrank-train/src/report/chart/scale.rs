//! Axes with round ticks.

/// Beyond this a value is not drawn: ranges must not overflow.
const LARGEST: f64 = 1e30;

/// An axis from `low` to `high`, `low < high`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<f64>,
    step: f64,
}

/// Whether a value can be drawn at all.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

impl Axis {
    /// An axis with about `count` ticks that begins and ends on one.
    pub(super) fn around(values: impl Iterator<Item = f64>, count: usize) -> Self {
        let (low, high) = range(values);
        let step = round_step((high - low) / count.max(1) as f64);
        Axis::with_step((low / step).floor() * step, (high / step).ceil() * step, step)
    }

    /// An axis over exactly this range, with about `count` ticks in it.
    pub(super) fn exactly(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = range([low, high].into_iter());
        Axis::with_step(low, high, round_step((high - low) / count.max(1) as f64))
    }

    /// An axis of whole numbers from `first` to `last`, half a unit of room at both ends if they are the same.
    pub(super) fn whole(first: usize, last: usize) -> Self {
        let (low, high) =
            if first == last { (first as f64 - 0.5, first as f64 + 0.5) } else { (first as f64, last as f64) };
        Axis::with_step(low, high, round_step((high - low) / 8.0).max(1.0))
    }

    fn with_step(low: f64, high: f64, step: f64) -> Self {
        let first = (low / step - 1e-9).ceil();
        let ticks = (0..64).map(|k| (first + f64::from(k)) * step).take_while(|tick| *tick <= high + step * 1e-9);
        Axis { low, high, ticks: ticks.collect(), step }
    }

    /// Where a value lies between `from` (at `low`) and `to` (at `high`), in pixels.
    pub(super) fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        from + (value - self.low) / (self.high - self.low) * (to - from)
    }

    /// A tick's text, with as many digits as tell neighbours apart.
    pub(super) fn text(&self, tick: f64) -> String {
        let size = self.low.abs().max(self.high.abs());
        if !(1e-3..1e6).contains(&size) {
            return if tick.abs() < self.step * 1e-6 { "0".to_string() } else { format!("{tick:.1e}") };
        }
        let digits = (-self.step.log10().floor()).clamp(0.0, 8.0) as usize;
        // Rounding can leave a negative zero.
        let text = format!("{tick:.digits$}");
        if text.trim_start_matches(['-', '0', '.']).is_empty() {
            text.trim_start_matches('-').to_string()
        } else {
            text
        }
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| drawable(*value)) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return (0.0, 1.0);
    }
    // Room around a range that arithmetic could not divide.
    let least = low.abs().max(high.abs()).max(1e-6) * 1e-6;
    if high - low < least { (low - least, high + least) } else { (low, high) }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= step * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.text(*tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let axis = Axis::around([0.613, 0.742].into_iter(), 4);
        assert_eq!(texts(&axis), ["0.60", "0.65", "0.70", "0.75"]);
        assert!((axis.place(0.60, 200.0, 0.0) - 200.0).abs() < 1e-9);
        assert_eq!(texts(&Axis::around([-1.0, 1.0].into_iter(), 4)), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(texts(&Axis::whole(1, 3)), ["1", "2", "3"]);
        assert_eq!(texts(&Axis::whole(1, 1)), ["1"]);
        assert_eq!(texts(&Axis::exactly(0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn any_values_make_an_axis_with_a_few_ticks() {
        for values in [
            vec![],
            vec![0.0],
            vec![f64::NAN, f64::INFINITY],
            vec![1e30, -1e30],
            vec![1e-300, 2e-300],
            vec![1e9, 1e9 + 1e-3],
            vec![-5.0; 3],
        ] {
            let axis = Axis::around(values.iter().copied(), 5);
            assert!(axis.low < axis.high, "{values:?}: {axis:?}");
            assert!((1..=64).contains(&axis.ticks.len()), "{values:?}: {axis:?}");
            assert!(axis.ticks.iter().all(|tick| tick.is_finite()));
        }
    }
}
