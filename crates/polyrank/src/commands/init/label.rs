//! The tasks: which columns are labels, and what is learned of each.

use polyrank_data::read::Source;

use super::decide::name_fault;
use super::scan::Column;
use super::toml::shown;
use super::words::says_event;
use crate::failure::Failure;

/// A task as the command line names it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) column: String,
    pub(super) positive: Option<String>,
    /// Why it is a task, where nobody asked for it.
    pub(super) why: Option<&'static str>,
}

/// A task as the configuration has it.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) name: String,
    pub(super) column: String,
    pub(super) binary: bool,
    /// The positive value, where it is not plainly 1 or true.
    pub(super) positive: Option<String>,
    /// Whether texts that often stand for a missing value do so here.
    pub(super) nulls: bool,
    /// What was seen, a line each.
    pub(super) notes: Vec<String>,
    /// What the user should hear besides.
    pub(super) warning: Option<String>,
}

/// The columns that `--task` names.
pub(super) fn wanted(tasks: &[String], source: &Source) -> Result<Vec<Wanted>, Failure> {
    let columns: Vec<String> = source.columns()?.into_iter().map(|(name, _)| name).collect();
    let mut found: Vec<Wanted> = Vec::new();
    for task in tasks {
        // A name may hold the very sign that ends it.
        let ends = task.match_indices('=').map(|(at, _)| at);
        let parts = ends.map(|at| (&task[..at], Some(&task[at + 1..])));
        let mut ways = std::iter::once((task.as_str(), None)).chain(parts);
        let Some((column, positive)) = ways.find(|(name, _)| columns.iter().any(|c| c == name)) else {
            let name = task.split_once('=').map_or(task.as_str(), |(name, _)| name);
            // The reader's own error names the file and the nearest column.
            source.check_columns(&[name.to_owned()])?;
            return Err(Failure::input(format!("--task {}: the data have no such column", shown(name))));
        };
        if let Some(fault) = name_fault(column) {
            return Err(Failure::input(format!("--task {}: {fault}", shown(column))));
        }
        if found.iter().any(|w| w.column == column) {
            return Err(Failure::input(format!("--task {}: is named twice; name it once", shown(column))));
        }
        if positive == Some("") {
            return Err(Failure::input(format!("--task {}=: name the positive value after the =", shown(column))));
        }
        found.push(Wanted { column: column.to_owned(), positive: positive.map(str::to_owned), why: None });
    }
    Ok(found)
}

/// The columns that look like labels, where the command line names none.
pub(super) fn guessed(columns: &[Column]) -> Result<Vec<Wanted>, Failure> {
    let why = Some("a task because its name is an event's; remove the entry if it is none");
    let found: Vec<Wanted> = columns
        .iter()
        .filter(|column| is_event(column) && name_fault(&column.name).is_none())
        .map(|column| Wanted { column: column.name.clone(), positive: None, why })
        .collect();
    if found.is_empty() {
        let hint = "name what is to be learned with --task NAME";
        return Err(Failure::input(format!("no column of 0 and 1 is named after an event, as click or like; {hint}")));
    }
    Ok(found)
}

/// Whether it is named after an event and holds both 0 and 1, or false and true, and nothing else.
fn is_event(column: &Column) -> bool {
    let both = column.values.distinct() == 2 && !column.values.full && column.examples.len() == 2;
    let alone = column.null_texts.is_empty() || column.is_numeric() || column.bools > 0;
    says_event(&column.name) && both && alone && column.examples.iter().all(|(text, _)| plain(text).is_some())
}

/// What is learned of a column.
pub(super) fn decide(wanted: &Wanted, column: &Column) -> Result<Label, Failure> {
    let fail = |problem: String| Err(Failure::input(format!("--task {}: {problem}", shown(&column.name))));
    if column.lists.are_columns() {
        return fail("the column holds lists; a label is one value a row".to_owned());
    }
    if let Some(bad) = &column.bad_number {
        return fail(bad.clone());
    }
    if column.values.total == 0 {
        return fail("no row looked at has a label; look at more with --rows".to_owned());
    }
    // Beside one other text alone, as + beside -, such a text is a value like any other.
    let numeric = column.is_numeric();
    let nulls = numeric || column.bools > 0 || column.values.distinct() > 1;
    let mut examples = column.examples.clone();
    if !nulls {
        examples.extend(column.null_texts.iter().map(|(text, count)| ((*text).to_owned(), *count)));
    }
    let distinct = column.values.distinct().max(examples.len() as u64);
    let given = column.values.total + if nulls { 0 } else { column.nulls() };
    let examples = &examples;
    let listed = || examples.iter().take(5).map(|(text, _)| shown(text)).collect::<Vec<_>>().join(", ");
    let share = |count: u64| format!("{:.1} %", 100.0 * count as f64 / given as f64);
    let count_of = |value: &str| examples.iter().find(|(text, _)| text == value).map_or(0, |(_, count)| *count);
    let few = distinct <= 2 && !column.values.full;
    let mut label = Label {
        // The name stands for the mean over tasks wherever a metric is named.
        name: if column.name == "mean" { "mean_label".to_owned() } else { column.name.clone() },
        column: column.name.clone(),
        binary: true,
        positive: None,
        nulls,
        notes: Vec::new(),
        warning: None,
    };
    if let Some(positive) = &wanted.positive {
        let positive = if numeric { as_number(positive, examples) } else { positive.clone() };
        let count = count_of(&positive);
        if count > 0 && distinct <= examples.len() as u64 {
            label.notes.push(format!("{} is positive: {} of the labels seen", shown(&positive), share(count)));
        } else if count > 0 {
            label.notes.push(format!("{} is positive", shown(&positive)));
        } else if distinct <= examples.len() as u64 {
            let problem = format!("no row looked at has the positive value {}; it has {}", shown(&positive), listed());
            label.warning = Some(format!("warning: --task {}: {problem}", shown(&column.name)));
            label.notes.push(problem);
        }
        label.positive = Some(positive);
        return Ok(label);
    }
    let plain = examples.iter().all(|(text, _)| matches!(plain(text), Some(0 | 1)));
    if few && plain {
        let ones = examples.iter().filter(|(text, _)| plain_is_one(text)).map(|(_, count)| count).sum();
        label.notes.push(format!("0 or 1 (false or true): {} positive", share(ones)));
        return Ok(label);
    }
    if numeric {
        if few && examples.len() == 2 {
            let larger = usize::from(parse(&examples[1].0) > parse(&examples[0].0));
            return Ok(two(label, &examples[larger], "the larger of two", &share));
        }
        label.binary = false;
        label.notes.push(format!(
            "numbers from {} to {}; such as {}",
            column.numbers.min,
            column.numbers.max,
            listed()
        ));
        return Ok(label);
    }
    match examples.as_slice() {
        // A tie goes to the text that sorts last: yes and true do, beside no and false.
        [a, b] if few => {
            let rarer = if (a.1, &b.0) < (b.1, &a.0) { a } else { b };
            let tied = a.1 == b.1;
            let rarer = if tied { std::cmp::max_by_key(a, b, |e| &e.0) } else { rarer };
            Ok(two(label, rarer, if tied { "one of two equally frequent" } else { "the rarer of two" }, &share))
        }
        _ => fail(format!("its values are no numbers ({}); name the positive one, as --task NAME=VALUE", listed())),
    }
}

fn two(mut label: Label, positive: &(String, u64), why: &str, share: &dyn Fn(u64) -> String) -> Label {
    label.notes.push(format!("{} is positive, {why}: {} of the labels seen", shown(&positive.0), share(positive.1)));
    label.positive = Some(positive.0.clone());
    label
}

fn parse(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// 0 or 1 if the text is one of them, or false or true.
fn plain(text: &str) -> Option<u8> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(1),
        "false" => Some(0),
        other if parse(other) == 1.0 => Some(1),
        other if parse(other) == 0.0 => Some(0),
        _ => None,
    }
}

fn plain_is_one(text: &str) -> bool {
    plain(text) == Some(1)
}

/// The text in which the column has this number: `1.0` on the command line is 1 in a column of integers.
fn as_number(positive: &str, examples: &[(String, u64)]) -> String {
    let same = |text: &str| text == positive || parse(text) == parse(positive);
    examples.iter().map(|(text, _)| text).find(|text| same(text)).cloned().unwrap_or_else(|| positive.to_owned())
}
