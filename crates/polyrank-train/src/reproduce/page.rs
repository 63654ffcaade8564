//! A study as a page.

use super::{Study, Table};
use crate::report::chart::{Bar, Line, intervals, lines};
use crate::report::page::{figures, section, shell};
use crate::report::text::escape;

/// The study as one HTML file that loads nothing.
pub fn html(study: &Study) -> String {
    let notes: String = study.notes.iter().map(|note| format!("<p>{}</p>", escape(note))).collect();
    let mut body = section("How", "", &notes);
    for table in &study.tables {
        body += &section("Results", &escape(&table.caption), &markup(table));
    }
    let bars: String = study
        .intervals
        .iter()
        .map(|one| {
            let bars: Vec<Bar<'_>> = (one.bars.iter())
                .map(|bar| Bar { name: &bar.name, mean: bar.mean, half: bar.half, other: bar.paper })
                .collect();
            intervals(&one.caption, "the paper", &bars)
        })
        .collect();
    body += &figures("Means", "over the seeds", &bars);
    let curves: String = study
        .curves
        .iter()
        .map(|one| {
            let lines_of = one.lines.iter();
            let all: Vec<Line> = lines_of
                .map(|(name, values)| Line { name: name.clone(), values: values.iter().map(|v| Some(*v)).collect() })
                .collect();
            lines(&one.caption, "part of the run", &all, None)
        })
        .collect();
    body += &figures("Learning curves", "means over the seeds, evenly over each run", &curves);
    if !study.claims.is_empty() {
        let rows = study.claims.iter().map(|claim| {
            let found = if claim.holds { "found" } else { "not found" };
            vec![claim.text.clone(), claim.evidence.clone(), found.to_owned()]
        });
        let header = ["claim", "measured", "here"].map(str::to_owned).to_vec();
        body += &section(
            "The paper's claims",
            "",
            &markup(&Table { caption: String::new(), header, rows: rows.collect() }),
        );
    }
    shell(&study.title, "", &body)
}

fn markup(table: &Table) -> String {
    let head: String = table.header.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let rows: String = table
        .rows
        .iter()
        .map(|row| {
            format!("<tr>{}</tr>", row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect::<String>())
        })
        .collect();
    format!("<div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}
