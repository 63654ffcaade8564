//! The page: sections in the order of the questions that a run raises.

use super::chart::{Line, RocCurve, heat_map, histogram, lines, roc};
use super::number;
use super::run::{EpochTask, RunReport, TaskReport};
use super::table;
use super::text::escape;
use crate::metrics::{Better, METRICS};

const STYLE: &str = include_str!("style.css");

/// The report as one HTML file that loads nothing.
pub fn html(report: &RunReport) -> String {
    shell(&report.title, &subtitle(report), &body(report))
}

/// A whole page around its sections; `subtitle` and `body` are markup.
pub(crate) fn shell(title: &str, subtitle: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<header><h1>{title}</h1>{subtitle}</header>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn body(report: &RunReport) -> String {
    let mut page = tiles(&report.tasks);
    if !report.tasks.is_empty() {
        page += &section(
            "Results",
            "on the validation rows, with the weights that were kept",
            &table::metrics(&report.tasks),
        );
    }
    page += &figures("Learning curves", "the dashed line marks the epoch whose weights were kept", &curves(report));
    let with_roc: Vec<RocCurve<'_>> = report
        .tasks
        .iter()
        .filter(|task| !task.roc.is_empty())
        .map(|task| RocCurve { task: &task.name, auc: task.metrics.get("auc"), points: &task.roc })
        .collect();
    let histograms = report.tasks.iter().filter_map(|task| {
        let x_name = if task.kind == "regression" { "value" } else { "score" };
        task.histogram.as_ref().map(|counts| histogram(&task.name, x_name, counts))
    });
    let ranking: String = [roc(&with_roc)].into_iter().chain(histograms).collect();
    page += &figures("Scores", "ROC curves; then each task's histogram, each set as parts of its own rows", &ranking);
    let gates: String = report.gates.iter().map(heat_map).collect();
    page += &figures("Gates", "mean weight that each task gives to each expert", &gates);
    if !report.trained.is_empty() {
        page += &section("What was trained", "", &table::entries(&report.trained));
    }
    if !report.dataset.is_empty() {
        page += &section("Data", "", &table::entries(&report.dataset));
    }
    if !report.features.is_empty() {
        page += &section("Features", "", &table::features(&report.features));
    }
    page
}

fn subtitle(report: &RunReport) -> String {
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if !report.tasks.is_empty() {
        parts.push(plural(report.tasks.len(), "task"));
    }
    if !report.features.is_empty() {
        parts.push(plural(report.features.len(), "feature"));
    }
    if !report.epochs.is_empty() {
        parts.push(plural(report.epochs.len(), "epoch"));
    }
    if let Some(best) = report.best_epoch {
        parts.push(format!("best epoch {best}"));
    }
    format!("<p>{}</p>", parts.join(" · "))
}

/// Each task's first metric in large type.
fn tiles(tasks: &[TaskReport]) -> String {
    let tiles: String = tasks
        .iter()
        .filter_map(|task| {
            let (name, value) = task.metrics.iter().next()?;
            Some(format!(
                "<div class=\"tile\"><span>{}</span><strong>{}</strong><small>{}</small></div>",
                escape(&task.name),
                number::metric(name, value),
                escape(&number::label(name))
            ))
        })
        .collect();
    if tiles.is_empty() { tiles } else { format!("<div class=\"tiles\">{tiles}</div>\n") }
}

/// Losses, then each metric that has a better side, over epochs.
fn curves(report: &RunReport) -> String {
    let by_task = |value: &dyn Fn(&EpochTask) -> Option<f64>| -> Vec<Line> {
        let all = report.tasks.iter().enumerate().map(|(at, task)| Line {
            name: task.name.clone(),
            values: report.epochs.iter().map(|epoch| epoch.tasks.get(at).and_then(value)).collect(),
        });
        all.filter(|line| line.values.iter().any(Option::is_some)).collect()
    };
    let total = Line { name: "all tasks".into(), values: report.epochs.iter().map(|epoch| epoch.train_loss).collect() };
    let mut charts = lines("training loss", "epoch", &[total], report.best_epoch);
    charts += &lines("training loss by task", "epoch", &by_task(&|task| task.train_loss), report.best_epoch);
    charts += &lines("validation loss by task", "epoch", &by_task(&|task| task.valid_loss), report.best_epoch);
    for metric in METRICS.iter().filter(|metric| metric.better != Better::Neither) {
        let caption = number::label(metric.name);
        charts += &lines(&caption, "epoch", &by_task(&|task| task.metrics.get(metric.name)), report.best_epoch);
    }
    charts
}

pub(crate) fn figures(title: &str, note: &str, figures: &str) -> String {
    if figures.is_empty() {
        String::new()
    } else {
        section(title, note, &format!("<div class=\"figures\">{figures}</div>"))
    }
}

pub(crate) fn section(title: &str, note: &str, content: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("<p class=\"note\">{note}</p>") };
    format!("<section><h2>{title}</h2>{note}{content}</section>\n")
}
