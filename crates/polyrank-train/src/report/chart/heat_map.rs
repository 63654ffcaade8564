//! Heat map of gate weights: which task leans on which expert.

use super::super::run::GateReport;
use super::super::text::{escape, shorten};
use super::{Shape, figure};

const LEFT: f64 = 140.0;
const TOP: f64 = 26.0;
const ROW: f64 = 38.0;
const WIDTH: f64 = 720.0;

/// A chart of one layer's gates; empty if there is nothing to draw.
pub(in super::super) fn heat_map(gate: &GateReport) -> String {
    let columns = gate.weights.iter().map(Vec::len).max().unwrap_or(0);
    if columns == 0 {
        return String::new();
    }
    let cell = ((WIDTH - LEFT) / columns as f64).min(96.0);
    let (width, height) = (LEFT + cell * columns as f64, TOP + ROW * gate.weights.len() as f64);
    let largest = gate.weights.iter().flatten().copied().filter(|w| w.is_finite()).fold(0.0, f64::max);
    let name = |names: &[String], at: usize| names.get(at).cloned().unwrap_or_else(|| at.to_string());
    let mut svg = format!(
        "<svg class=\"heat\" viewBox=\"0 0 {width:.1} {height:.1}\" style=\"max-width:{width:.0}px\" role=\"img\" \
         aria-label=\"mean gate weights of {}\">",
        escape(&gate.name)
    );
    svg += "<g class=\"ticks\">";
    if cell >= 40.0 {
        for column in 0..columns {
            let text = name(&gate.experts, column);
            let at = LEFT + cell * (column as f64 + 0.5);
            svg += &format!(
                "<text class=\"mid\" x=\"{at:.1}\" y=\"16\">{}<title>{}</title></text>",
                escape(&shorten(&text, (cell / 7.0) as usize)),
                escape(&text)
            );
        }
    }
    for row in 0..gate.weights.len() {
        let text = name(&gate.gates, row);
        svg += &format!(
            "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}<title>{}</title></text>",
            LEFT - 12.0,
            TOP + ROW * (row as f64 + 0.5) + 4.0,
            escape(&shorten(&text, 18)),
            escape(&text)
        );
    }
    svg += "</g>";
    for (row, weights) in gate.weights.iter().enumerate() {
        for (column, weight) in weights.iter().enumerate() {
            let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
            let strength = if largest > 0.0 { weight / largest } else { 0.0 };
            let (x, y) = (LEFT + cell * column as f64, TOP + ROW * row as f64);
            svg += &format!(
                "<g><title>{} → {}: {weight:.4}</title>\
                 <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\" \
                 fill-opacity=\"{:.3}\"/>",
                escape(&name(&gate.gates, row)),
                escape(&name(&gate.experts, column)),
                x + 1.5,
                y + 1.5,
                (cell - 3.0).max(1.0),
                ROW - 3.0,
                0.06 + 0.94 * strength
            );
            if cell >= 34.0 {
                let class = if strength > 0.55 { "mid strong" } else { "mid" };
                let (middle, line) = (x + cell / 2.0, y + ROW / 2.0 + 4.5);
                svg += &format!("<text class=\"{class}\" x=\"{middle:.1}\" y=\"{line:.1}\">{weight:.2}</text>");
            }
            svg += "</g>";
        }
    }
    figure(&gate.name, &[], Shape::Wide, &(svg + "</svg>"))
}
