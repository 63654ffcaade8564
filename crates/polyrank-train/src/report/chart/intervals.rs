//! Means with their confidence intervals, one a place on the x axis, and a mark for a figure to compare with.

use super::super::number;
use super::super::text::{escape, shorten};
use super::frame::Frame;
use super::scale::{Axis, drawable};
use super::{Shape, figure};

/// One mean.
pub(crate) struct Bar<'a> {
    pub(crate) name: &'a str,
    pub(crate) mean: f64,
    /// Half the interval; not drawn if infinite.
    pub(crate) half: f64,
    /// A figure from elsewhere.
    pub(crate) other: Option<f64>,
}

/// A chart of intervals; empty if there is nothing to draw. `other` says what the marks are.
pub(crate) fn intervals(caption: &str, other: &str, bars: &[Bar<'_>]) -> String {
    let shown: Vec<&Bar<'_>> = bars.iter().filter(|bar| drawable(bar.mean)).collect();
    if shown.is_empty() {
        return String::new();
    }
    let half = |bar: &Bar<'_>| if bar.half.is_finite() { bar.half } else { 0.0 };
    let values =
        shown.iter().flat_map(|bar| [bar.mean - half(bar), bar.mean + half(bar), bar.other.unwrap_or(bar.mean)]);
    let y = Axis::around(values.chain([0.0]), 5);
    let x = Axis::exactly(0.0, shown.len() as f64, 0);
    let frame = Frame::new(460.0, 240.0);
    let mut plot = String::new();
    for (i, bar) in shown.iter().enumerate() {
        let at = frame.x(&x, i as f64 + 0.5);
        let (low, high) = (frame.y(&y, bar.mean - half(bar)), frame.y(&y, bar.mean + half(bar)));
        plot += &format!(
            "<g class=\"s0\"><path class=\"line\" d=\"M{at:.1} {low:.1}V{high:.1}M{:.1} {low:.1}H{:.1}M{:.1} {high:.1}H{:.1}\"/>\
             <circle cx=\"{at:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}: {} ± {}</title></circle></g>",
            at - 8.0,
            at + 8.0,
            at - 8.0,
            at + 8.0,
            frame.y(&y, bar.mean),
            escape(bar.name),
            number::value(bar.mean),
            number::value(half(bar))
        );
        if let Some(value) = bar.other.filter(|value| drawable(*value)) {
            let place = frame.y(&y, value);
            plot += &format!(
                "<g class=\"s1\"><path class=\"line\" d=\"M{:.1} {place:.1}H{:.1}\"/><circle cx=\"{at:.1}\" cy=\"{place:.1}\" \
                 r=\"3\"><title>{}: {}</title></circle></g>",
                at - 14.0,
                at + 14.0,
                escape(other),
                number::value(value)
            );
        }
        plot += &format!(
            "<g class=\"ticks\"><text class=\"mid\" x=\"{at:.1}\" y=\"{:.1}\">{}</text></g>",
            frame.bottom + 17.0,
            escape(&shorten(bar.name, 20))
        );
    }
    let legend = match shown.iter().any(|bar| bar.other.is_some()) {
        true => vec!["here, with the 95 % interval".to_owned(), other.to_owned()],
        false => vec!["here, with the 95 % interval".to_owned()],
    };
    figure(caption, &legend, Shape::Cell, &frame.draw(caption, &x, &y, "", &plot))
}
