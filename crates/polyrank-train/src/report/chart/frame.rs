//! The part that all charts over two axes share: size, grid, ticks.

use super::super::text::escape;
use super::scale::Axis;

/// Where a chart's plot lies in its drawing, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// A frame with room for tick texts at the left and below.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Frame { width, height, left: 52.0, right: width - 12.0, top: 10.0, bottom: height - 38.0 }
    }

    pub(super) fn x(&self, axis: &Axis, value: f64) -> f64 {
        axis.place(value, self.left, self.right)
    }

    pub(super) fn y(&self, axis: &Axis, value: f64) -> f64 {
        axis.place(value, self.bottom, self.top)
    }

    /// The drawing: grid and ticks below, `plot` above.
    pub(super) fn draw(&self, describes: &str, x: &Axis, y: &Axis, x_name: &str, plot: &str) -> String {
        let Frame { width, height, left, right, bottom, .. } = *self;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\"><g class=\"grid\">",
            escape(describes)
        );
        for tick in &y.ticks {
            let at = self.y(y, *tick);
            svg += &format!("<line x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
        }
        svg += &format!("</g><line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>");
        svg += "<g class=\"ticks\">";
        for tick in &y.ticks {
            let (at, text) = (self.y(y, *tick) + 3.5, y.text(*tick));
            svg += &format!("<text class=\"end\" x=\"{:.1}\" y=\"{at:.1}\">{text}</text>", left - 8.0);
        }
        for tick in &x.ticks {
            let (at, text) = (self.x(x, *tick), x.text(*tick));
            svg += &format!(
                "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/>\
                 <text class=\"mid\" x=\"{at:.1}\" y=\"{:.1}\">{text}</text>",
                bottom + 4.0,
                bottom + 17.0
            );
        }
        let (middle, below) = ((left + right) / 2.0, height - 4.0);
        svg += &format!("<text class=\"mid\" x=\"{middle:.1}\" y=\"{below:.1}\">{}</text></g>", escape(x_name));
        svg + plot + "</svg>"
    }
}
