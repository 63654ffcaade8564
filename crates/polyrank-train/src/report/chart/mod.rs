//! Charts as inline SVG, one kind a file; colours and type come from the page's style sheet.

mod frame;
mod heat_map;
mod histogram;
mod intervals;
mod line;
mod roc;
mod scale;

pub(super) use heat_map::heat_map;
pub(super) use histogram::histogram;
pub(crate) use intervals::{Bar, intervals};
pub(crate) use line::{Line, lines};
pub(super) use roc::{RocCurve, roc};

use super::text::{escape, shorten};

/// How many colours the style sheet has; further series repeat them with dashes.
const COLOURS: usize = 8;

/// The style class of the series at this position.
fn series_class(at: usize) -> String {
    let dashed = if at % (2 * COLOURS) >= COLOURS { " dashed" } else { "" };
    format!("s{}{dashed}", at % COLOURS)
}

/// How much of the page's grid a chart takes.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Cell,
    Wide,
    Tall,
}

/// A chart with its caption and its legend.
fn figure(caption: &str, legend: &[String], shape: Shape, svg: &str) -> String {
    let keys: String = legend
        .iter()
        .enumerate()
        .map(|(at, name)| {
            format!(
                "<span class=\"key\" title=\"{}\"><i class=\"{}\"></i>{}</span>",
                escape(name),
                series_class(at),
                escape(&shorten(name, 32))
            )
        })
        .collect();
    let class = match shape {
        Shape::Cell => "",
        Shape::Wide => " class=\"wide\"",
        Shape::Tall => " class=\"tall\"",
    };
    format!(
        "<figure{class}><figcaption><b>{}</b><span class=\"legend\">{keys}</span></figcaption>{svg}</figure>",
        escape(caption)
    )
}
