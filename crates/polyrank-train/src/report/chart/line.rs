//! Lines over epochs, or over parts of a run.

use super::super::number;
use super::super::text::{escape, shorten};
use super::frame::Frame;
use super::scale::{Axis, drawable};
use super::{Shape, figure, series_class};

/// One value an epoch; `None` where there is none.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<f64>>,
}

/// More points than this get no dots of their own.
const MOST_DOTS: usize = 60;

/// A chart of lines over epochs (or whatever `unit` says; counted from 1), the best epoch marked; empty if there is nothing to draw.
pub(crate) fn lines(caption: &str, unit: &str, lines: &[Line], best_epoch: Option<usize>) -> String {
    let values = || lines.iter().flat_map(|line| line.values.iter().flatten().copied()).filter(|v| drawable(*v));
    if values().next().is_none() {
        return String::new();
    }
    let epochs = lines.iter().map(|line| line.values.len()).max().unwrap_or(1);
    let (x, y) = (Axis::whole(1, epochs), Axis::around(values(), 5));
    let frame = Frame::new(460.0, 240.0);
    let mut plot = String::new();
    if let Some(best) = best_epoch.filter(|best| (1..=epochs).contains(best)) {
        let at = frame.x(&x, best as f64);
        plot += &format!(
            "<line class=\"best\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{}\" y2=\"{}\">\
             <title>best epoch: {best}</title></line>",
            frame.top, frame.bottom
        );
    }
    for (at, line) in lines.iter().enumerate() {
        let points: Vec<(usize, f64)> = line
            .values
            .iter()
            .enumerate()
            .filter_map(|(epoch, value)| value.filter(|v| drawable(*v)).map(|value| (epoch + 1, value)))
            .collect();
        plot += &format!("<g class=\"{}\"><path class=\"line\" d=\"", series_class(at));
        let mut previous = None;
        for &(epoch, value) in &points {
            // An epoch without a value leaves a gap rather than a line through what nobody measured.
            let pen = if previous == Some(epoch - 1) { 'L' } else { 'M' };
            plot += &format!("{pen}{:.1} {:.1}", frame.x(&x, epoch as f64), frame.y(&y, value));
            previous = Some(epoch);
        }
        plot += "\"/>";
        let every = points.len().div_ceil(MOST_DOTS).max(1);
        for (epoch, value) in points.iter().step_by(every) {
            plot += &format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}, {unit} {epoch}: {}</title></circle>",
                frame.x(&x, *epoch as f64),
                frame.y(&y, *value),
                escape(&shorten(&line.name, 80)),
                number::value(*value)
            );
        }
        plot += "</g>";
    }
    // One line needs no key.
    let names: Vec<String> = lines.iter().map(|line| line.name.clone()).filter(|_| lines.len() > 1).collect();
    figure(caption, &names, Shape::Cell, &frame.draw(&format!("{caption} by {unit}"), &x, &y, unit, &plot))
}
