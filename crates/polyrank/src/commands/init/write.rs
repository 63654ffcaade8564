//! The configuration's text.

use super::Findings;
use super::decide::Entry;
use super::toml::{number, string, strings};

/// Columns of a line that a comment fills.
const WIDTH: usize = 116;

pub(super) fn text(findings: &Findings) -> String {
    let mut out = String::new();
    let about = if findings.total.exact { "" } else { "about " };
    comment(
        &mut out,
        &format!(
            "Suggested from the first {} of {about}{} rows: read it through, and change what you know better.",
            number(findings.seen),
            number(findings.total.rows)
        ),
    );
    data(&mut out, findings);
    columns(&mut out, findings);
    for task in &findings.tasks {
        out.push('\n');
        task.notes.iter().for_each(|note| comment(&mut out, note));
        out += "[[tasks]]\n";
        let kind = if task.binary { "binary" } else { "regression" };
        let mut keys = vec![("name", string(&task.name), None), ("kind", string(kind), None)];
        if task.name != task.column {
            keys.push(("column", string(&task.column), Some("a task cannot be named mean")));
        }
        keys.extend(task.positive.iter().map(|p| ("positive", string(p), None)));
        out += &aligned(&keys, "");
    }
    findings.features.iter().for_each(|entry| feature(&mut out, entry));
    network(&mut out, findings);
    out
}

fn data(out: &mut String, findings: &Findings) {
    let reading = &findings.reading;
    let mut keys = vec![("train", strings(&findings.paths), Some("paths or globs, relative to this file"))];
    if let Some(columns) = &reading.columns {
        keys.push(("columns", strings(columns), Some("of text files without a header")));
    }
    keys.extend(reading.separator.map(|c| ("separator", string(&c.to_string()), None)));
    if !reading.null_values.is_empty() {
        keys.push((
            "null_values",
            strings(&reading.null_values),
            Some("stand among numbers; they mean missing in every column"),
        ));
    }
    keys.push(("valid_fraction", "0.1".to_owned(), Some("of the rows, to measure on while training")));
    let in_order = matches!(findings.time, Some((_, true)));
    let why = if in_order {
        "the last rows: they are the latest"
    } else {
        "rows drawn at random; also \"tail\" or \"group:COLUMN\""
    };
    keys.push(("split", string(if in_order { "tail" } else { "random" }), Some(why)));
    *out += "\n[data]\n";
    *out += &aligned(&keys, "");
    if let Some((name, false)) = &findings.time {
        let what = super::toml::shown(name);
        comment(
            out,
            &format!(
                "Rows are not in the order of {what}: sort them by it and set split = \"tail\" to measure on the latest."
            ),
        );
    }
}

/// What columns are, those of the same tags together.
fn columns(out: &mut String, findings: &Findings) {
    let mut groups: Vec<(&[&str], Vec<&str>)> = Vec::new();
    for entry in findings.features.iter().filter(|entry| !entry.tags.is_empty()) {
        match groups.iter_mut().find(|(tags, _)| *tags == entry.tags) {
            Some((_, names)) => names.push(&entry.name),
            None => groups.push((&entry.tags, vec![&entry.name])),
        }
    }
    for (i, (tags, names)) in groups.into_iter().enumerate() {
        out.push('\n');
        if i == 0 {
            comment(out, "What columns are, by their names: `select` in [[features]] and `polyrank schema` go by it.");
        }
        *out += "[[columns]]\n";
        *out += &aligned(&[("names", strings(names), None), ("tags", strings(tags), None)], "");
    }
}

fn feature(out: &mut String, entry: &Entry) {
    out.push('\n');
    if let Some(why) = &entry.left_out {
        comment(out, &format!("{} is left out: {why}.", super::toml::shown(&entry.name)));
    }
    entry.notes.iter().for_each(|note| comment(out, note));
    if entry.keys.is_empty() || (!entry.is_used() && super::decide::name_fault(&entry.name).is_some()) {
        return;
    }
    let before = if entry.is_used() { "" } else { "# " };
    let mut keys = vec![("name", string(&entry.name), None)];
    keys.extend(entry.keys.iter().cloned());
    *out += before;
    *out += "[[features]]\n";
    *out += &aligned(&keys, before);
}

fn network(out: &mut String, findings: &Findings) {
    let several = findings.tasks.len() > 1;
    let block =
        if several { "{ type = \"mmoe\", experts = 3, expert_units = [128, 64] }" } else { "{ type = \"single\" }" };
    let why = if several { "experts shared by all tasks, a gate a task" } else { "one task has nothing to share" };
    *out += "\n[model]\n";
    let towers = if several { "{ units = [32] }" } else { "{ units = [128, 64] }" };
    let towers_why = "hidden layers of each task's network";
    *out +=
        &aligned(&[("multi_task", block.to_owned(), Some(why)), ("towers", towers.to_owned(), Some(towers_why))], "");
    let batch = match findings.total.rows {
        0..50_000 => 256,
        50_000..1_000_000 => 1024,
        _ => 4096,
    };
    *out += "\n[train]\n";
    *out += &aligned(
        &[
            ("batch_size", batch.to_string(), Some("rows a step")),
            ("epochs", "3".to_owned(), Some("passes over the rows; the best one on the validation rows is kept")),
            ("optimizer", "{ type = \"adam\", learning_rate = 0.001 }".to_owned(), None),
        ],
        "",
    );
}

/// `key = value` lines with their signs below each other.
fn aligned(keys: &[(&str, String, Option<&str>)], before: &str) -> String {
    let width = keys.iter().map(|(key, ..)| key.len()).max().unwrap_or(0);
    let line = |(key, value, why): &(&str, String, Option<&str>)| {
        let why = why.map_or(String::new(), |why| format!("  # {why}"));
        format!("{before}{key:<width$} = {value}{why}\n")
    };
    keys.iter().map(line).collect()
}

/// A comment, over several lines if it is long. Its texts from the data were made safe before.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > 1 {
            *out += &line;
            *out += "\n";
            line = String::from("#");
        }
        line.push(' ');
        line += word;
    }
    *out += &line;
    *out += "\n";
}
