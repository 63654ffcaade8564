//! ROC curves over the diagonal that chance gives.

use super::super::number;
use super::super::text::{escape, shorten};
use super::frame::Frame;
use super::scale::Axis;
use super::{Shape, figure, series_class};
use crate::metrics::RocPoint;

/// One task's curve.
pub(in super::super) struct RocCurve<'a> {
    pub(in super::super) task: &'a str,
    pub(in super::super) auc: Option<f64>,
    pub(in super::super) points: &'a [RocPoint],
}

/// The curves of all tasks; empty if none has one.
pub(in super::super) fn roc(curves: &[RocCurve<'_>]) -> String {
    if curves.is_empty() {
        return String::new();
    }
    let frame = Frame::new(460.0, 444.0);
    let (x, y) = (Axis::exactly(0.0, 1.0, 5), Axis::exactly(0.0, 1.0, 5));
    let mut plot = format!(
        "<line class=\"chance\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"><title>chance: AUC 0.5</title></line>",
        frame.left, frame.bottom, frame.right, frame.top
    );
    let mut legend = Vec::with_capacity(curves.len());
    for (at, curve) in curves.iter().enumerate() {
        let name = format!("{} (AUC {})", shorten(curve.task, 24), number::defined(curve.auc));
        plot += &format!("<g class=\"{}\"><path class=\"line\" d=\"", series_class(at));
        for (n, point) in curve.points.iter().enumerate() {
            let pen = if n == 0 { 'M' } else { 'L' };
            let (fpr, tpr) = (unit(point.false_positive_rate), unit(point.true_positive_rate));
            plot += &format!("{pen}{:.1} {:.1}", frame.x(&x, fpr), frame.y(&y, tpr));
        }
        plot += &format!("\"><title>{}</title></path></g>", escape(&name));
        legend.push(name);
    }
    let describes = "ROC curves: true positive rate over false positive rate";
    let svg = frame.draw(describes, &x, &y, "false positive rate", &plot);
    figure("ROC", &legend, Shape::Tall, &svg)
}

/// A rate, held to 0..=1; a point that is no number lies at the origin.
fn unit(rate: f64) -> f64 {
    if rate.is_nan() { 0.0 } else { rate.clamp(0.0, 1.0) }
}
