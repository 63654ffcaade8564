//! Tables of the report.

use polyrank_schema::WEIGHTED;

use super::number::{count, label, metric};
use super::run::{Entry, FeatureReport, TaskReport};
use super::text::escape;
use crate::metrics::{Better, METRICS};

/// Keys and values.
pub(super) fn entries(entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(&entry.key), escape(&entry.value))
    });
    format!("<div class=\"scroll\"><table class=\"entries\">{}</table></div>", rows.collect::<String>())
}

/// One row a task, one column a metric that any task has.
pub(super) fn metrics(tasks: &[TaskReport]) -> String {
    let weighted = METRICS.iter().map(|metric| format!("{WEIGHTED}{}", metric.name));
    let names: Vec<String> = METRICS
        .iter()
        .map(|metric| metric.name.to_owned())
        .chain(weighted)
        .filter(|name| tasks.iter().any(|task| task.metrics.iter().any(|(other, _)| other == name)))
        .collect();
    let head = names.iter().map(|name| {
        let (doc, arrow) = crate::metrics::find(name).map_or(("", ""), |metric| {
            let arrow = match metric.better {
                Better::Higher => "&nbsp;<span class=\"arrow\">↑</span>",
                Better::Lower => "&nbsp;<span class=\"arrow\">↓</span>",
                Better::Neither => "",
            };
            (metric.doc, arrow)
        });
        format!("<th scope=\"col\" title=\"{}\">{}{arrow}</th>", escape(doc), escape(&label(name)))
    });
    let rows = tasks.iter().map(|task| {
        let cells = names.iter().map(|name| format!("<td>{}</td>", metric(name, task.metrics.get(name))));
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"word\">{}</td>{}</tr>",
            escape(&task.name),
            escape(&task.kind),
            cells.collect::<String>()
        )
    });
    format!(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">task</th><th scope=\"col\" class=\"word\">kind</th>\
         {}</tr></thead><tbody>{}</tbody></table></div>",
        head.collect::<String>(),
        rows.collect::<String>()
    )
}

/// One row a feature.
pub(super) fn features(features: &[FeatureReport]) -> String {
    let number = |value: Option<u64>| value.map_or_else(|| "–".to_string(), count);
    let rows = features.iter().map(|feature| {
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"word\">{}</td><td class=\"word\">{}</td>\
             <td>{}</td><td>{}</td></tr>",
            escape(&feature.name),
            escape(&feature.kind),
            escape(&feature.encoder),
            number(feature.rows),
            number(feature.width)
        )
    });
    format!(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">feature</th>\
         <th scope=\"col\" class=\"word\">kind</th><th scope=\"col\" class=\"word\">encoder</th>\
         <th scope=\"col\">table rows</th><th scope=\"col\">width</th></tr></thead><tbody>{}</tbody></table></div>",
        rows.collect::<String>()
    )
}
