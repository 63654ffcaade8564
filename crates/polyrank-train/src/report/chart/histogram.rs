//! Histograms of several sets over the same bins, each as parts of its own rows: positives are often few.

use super::super::number;
use super::super::text::escape;
use super::frame::Frame;
use super::scale::{Axis, drawable};
use super::{Shape, figure, series_class};
use crate::metrics::Histogram;

/// A chart of one task's histogram; empty if there is nothing to draw.
pub(in super::super) fn histogram(caption: &str, x_name: &str, histogram: &Histogram) -> String {
    let Histogram { low, high, series } = histogram;
    let bins = series.iter().map(|one| one.counts.len()).max().unwrap_or(0);
    if bins == 0 || !drawable(*low) || !drawable(*high) || low >= high {
        return String::new();
    }
    let totals: Vec<f64> = series.iter().map(|one| one.counts.iter().map(|n| *n as f64).sum()).collect();
    let part = |at: usize, bin: usize| match series[at].counts.get(bin) {
        Some(count) if totals[at] > 0.0 => *count as f64 / totals[at],
        _ => 0.0,
    };
    let all_parts = (0..series.len()).flat_map(|at| (0..bins).map(move |bin| (at, bin))).map(|(at, bin)| part(at, bin));
    let (x, y) = (Axis::exactly(*low, *high, 6), Axis::around(all_parts.chain([0.0]), 4));
    let border = |bin: usize| low + (high - low) * bin as f64 / bins as f64;
    let frame = Frame::new(460.0, 210.0);
    let mut plot = String::new();
    for at in 0..series.len() {
        plot += &format!("<path class=\"area {}\" d=\"M{:.1} {:.1}", series_class(at), frame.left, frame.bottom);
        for bin in 0..bins {
            let height = frame.y(&y, part(at, bin));
            plot += &format!("V{height:.1}H{:.1}", frame.x(&x, border(bin + 1)));
        }
        plot += &format!("V{:.1}Z\"/>", frame.bottom);
    }
    for bin in 0..bins {
        let (from, to) = (frame.x(&x, border(bin)), frame.x(&x, border(bin + 1)));
        let (from_text, to_text) = (number::value(border(bin)), number::value(border(bin + 1)));
        plot += &format!(
            "<rect class=\"hover\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{:.1}\">\
             <title>{from_text} to {to_text}",
            frame.top,
            to - from,
            frame.bottom - frame.top
        );
        for (at, one) in series.iter().enumerate() {
            let rows = number::count(one.counts.get(bin).copied().unwrap_or(0));
            plot += &format!("\n{}: {rows} rows, {:.1} %", escape(&one.name), 100.0 * part(at, bin));
        }
        plot += "</title></rect>";
    }
    let legend: Vec<String> = series
        .iter()
        .zip(&totals)
        .map(|(one, total)| format!("{} ({} rows)", one.name, number::count(*total as u64)))
        .collect();
    figure(caption, &legend, Shape::Cell, &frame.draw(&format!("histogram of {caption}"), &x, &y, x_name, &plot))
}
