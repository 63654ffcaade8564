//! What a column is to the network.

use super::Unreadable;
use super::counts::Counts;
use super::estimate::Total;
use super::lists::Found;
use super::scan::Column;
use super::toml::{number, shown};
use super::words::{
    says_id, says_identity, says_item, says_outcome, says_quantity, says_session, says_time, says_truth, says_user,
};

/// Whole numbers with up to this many different values are categories unless their name says how much or how many.
const FEW: u64 = 50;
/// More different values than this are hashed: a vocabulary would outgrow what it helps.
const HASHED: u64 = 1_000_000;
/// Buckets at most: an embedding row each.
const MOST_BUCKETS: u64 = 1 << 22;
/// Fewer rows say nothing about values being unique.
const ENOUGH: u64 = 20;
/// Items of a list that are kept at most.
const KEPT_ITEMS: usize = 50;
/// Characters that a column's name can have in a configuration.
const NAME_CHARS: usize = 255;

/// One column as a feature, or why it is none.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// What was seen, a line each.
    pub(super) notes: Vec<String>,
    /// `key = value`, with a comment if the value needs one.
    pub(super) keys: Vec<(&'static str, String, Option<&'static str>)>,
    pub(super) left_out: Option<String>,
    /// What its name says it is, beyond what its keys do.
    pub(super) tags: Vec<&'static str>,
}

impl Entry {
    pub(super) fn left_out(name: String, why: String) -> Entry {
        Entry { name, notes: Vec::new(), keys: Vec::new(), left_out: Some(why), tags: Vec::new() }
    }

    pub(super) fn is_used(&self) -> bool {
        self.left_out.is_none()
    }

    pub(super) fn reason(&self) -> String {
        format!("column {}: {}", shown(&self.name), self.left_out.as_deref().unwrap_or_default())
    }
}

impl From<Unreadable> for Entry {
    fn from(unreadable: Unreadable) -> Entry {
        Entry::left_out(unreadable.name, unreadable.why)
    }
}

/// Why a configuration cannot name the column.
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("the column has no name; give it one to use it")
    } else if name.chars().count() > NAME_CHARS {
        Some("the name is longer than 255 characters; rename the column to use it")
    } else if name.chars().any(char::is_control) {
        Some("the name holds a control character; rename the column to use it")
    } else if name.trim() != name {
        Some("spaces stand around the name; rename the column to use it")
    } else {
        None
    }
}

/// Whether the column says when a row was made.
pub(super) fn is_time(column: &Column) -> bool {
    if name_fault(&column.name).is_some() || !says_time(&column.name) {
        return false;
    }
    if column.is_numeric() {
        let (min, max) = (column.numbers.min, column.numbers.max);
        // From 1973 on: seconds, milliseconds, microseconds or nanoseconds of the epoch, or 19730101 and on.
        let epoch = [1.0, 1e3, 1e6, 1e9].iter().any(|unit| min >= 1e8 * unit && max <= 5e9 * unit);
        return column.fractions == 0 && (epoch || (min >= 19_000_101.0 && max <= 22_001_231.0));
    }
    column.texts > 0 && column.dates == column.texts && column.bools == 0
}

/// `labels` are the columns that are labels, or may be.
pub(super) fn feature(column: &Column, labels: &[&str], total: &Total) -> Entry {
    let name = column.name.clone();
    let list = if column.lists.are_columns() { Some(column.lists.columns_found()) } else { column.lists.text_found() };
    let list = list.filter(|_| !column.is_numeric() && column.dates < column.texts.max(1));
    let mut entry = match &list {
        Some(found) => list_entry(found, total),
        None => single_entry(column, total),
    };
    entry.name = name;
    entry.notes.insert(0, seen(column, list.as_ref(), total));
    let side = if says_item(&column.name) { "item" } else { "context" };
    if let Some(at) = entry.keys.iter().position(|(key, ..)| *key == "kind") {
        entry.keys.insert(at + 1, ("side", super::toml::string(side), None));
    }
    let found = list.as_ref();
    entry.left_out = left_out(column, labels, found);
    entry.tags = tags(column, &entry);
    entry
}

/// Whom the column describes, and whether its values are names or times.
fn tags(column: &Column, entry: &Entry) -> Vec<&'static str> {
    if is_time(column) {
        return vec!["time"];
    }
    if !entry.is_used() {
        return Vec::new();
    }
    let name = &column.name;
    let whom = [("item", says_item(name)), ("user", says_user(name)), ("session", says_session(name))];
    let mut tags: Vec<&str> = whom.into_iter().filter(|(_, says)| *says).map(|(tag, _)| tag).collect();
    let categorical = entry.keys.iter().any(|(key, value, _)| *key == "kind" && value == "\"categorical\"");
    if categorical && says_id(name) {
        tags.push("id");
    }
    tags
}

/// What was seen, in a line.
fn seen(column: &Column, list: Option<&Found>, total: &Total) -> String {
    let (counts, distinct, examples): (&Counts, u64, Vec<&String>) = match list {
        Some(found) => (&found.items, found.items.distinct(), found.examples.iter().collect()),
        None => (&column.values, column.distinct(), column.examples.iter().map(|(text, _)| text).collect()),
    };
    let what = match (list.is_some(), distinct) {
        (true, _) => "different items",
        (false, 1) => "value",
        (false, _) => "different values",
    };
    let at_least = if counts.full { "at least " } else { "" };
    let mut line = format!("{at_least}{} {what}", number(distinct));
    let expected = counts.expected(total.grown);
    if expected > distinct && list.is_none() && column.fractions == 0 {
        line += &format!(" (about {} in all rows)", number(expected));
    }
    if let Some(found) = list {
        line += &format!(", up to {} a row", number(found.longest as u64));
    }
    if column.is_numeric() {
        line += &format!(", from {} to {}", column.numbers.min, column.numbers.max);
    }
    line += &format!(", {} missing", percent(column.missing_share()));
    let examples: Vec<String> = examples.into_iter().take(3).map(|text| shown(text)).collect();
    if examples.is_empty() { line } else { format!("{line}; such as {}", examples.join(", ")) }
}

fn percent(share: f64) -> String {
    match share {
        0.0 => "none".to_owned(),
        s if s < 0.0005 => "under 0.1 %".to_owned(),
        s => format!("{:.1} %", 100.0 * s),
    }
}

fn left_out(column: &Column, labels: &[&str], list: Option<&Found>) -> Option<String> {
    if let Some(fault) = name_fault(&column.name) {
        return Some(fault.to_owned());
    }
    if let Some(bad) = &column.bad_number {
        return Some(bad.clone());
    }
    if let Some(found) = list {
        return found.bad.clone();
    }
    let given = column.values.total + if column.is_numeric() { 0 } else { column.nulls() };
    if given == 0 {
        return Some("no row looked at has a value".to_owned());
    }
    if column.distinct() == 1 && column.missing_share() == 0.0 {
        return Some("constant: every row looked at has this value".to_owned());
    }
    if is_time(column) {
        return Some("a point in time: later rows hold times that training never saw".to_owned());
    }
    if says_truth(&column.name, labels) {
        return Some("what a label was drawn from, by its name: it gives the answer away".to_owned());
    }
    if says_outcome(&column.name) {
        return Some(
            "known only afterwards, by its name: it gives answers away; `--task` makes it one to learn".to_owned(),
        );
    }
    let unique = given >= ENOUGH && column.values.single() == column.values.distinct();
    let amount = column.fractions > 0 || (says_quantity(&column.name) && !says_identity(&column.name));
    if unique && !(column.is_numeric() && amount) {
        return Some("a different value in every row: there is nothing to learn about any one of them".to_owned());
    }
    None
}

fn single_entry(column: &Column, total: &Total) -> Entry {
    let (keys, note) = if !column.is_numeric() || is_category(column) {
        let note =
            column.is_numeric().then_some("whole numbers that tell things apart, so looked up rather than scaled");
        let distinct = column.values.expected(total.grown);
        (categorical(distinct, column.values.single() > 0 || column.values.full, total), note)
    } else {
        let (encoder, why) = scale(column);
        (
            vec![("kind", "\"dense\"".to_owned(), None), ("encoder", format!("{{ type = \"{encoder}\" }}"), Some(why))],
            None,
        )
    };
    let mut notes: Vec<String> = note.map(str::to_owned).into_iter().collect();
    let mut values: Vec<&str> = column.examples.iter().map(|(text, _)| text.as_str()).collect();
    values.sort_unstable();
    if column.distinct() == 2 && (values == ["0", "1"] || column.bools > 0) {
        notes.push("remove it if it is known only after the event: then it gives answers away".to_owned());
    }
    Entry { name: String::new(), notes, keys, left_out: None, tags: Vec::new() }
}

/// Whether a column of numbers holds categories.
fn is_category(column: &Column) -> bool {
    if column.fractions > 0 {
        return false;
    }
    let distinct = column.distinct();
    if says_identity(&column.name) || distinct <= 2 {
        return true;
    }
    if says_quantity(&column.name) {
        return false;
    }
    let (min, max) = (column.numbers.min, column.numbers.max);
    // Hashes and serial numbers: large, and all about as long.
    let serial = min >= 1e5 && max.log10().floor() == min.log10().floor() && distinct * 10 > column.values.total;
    distinct <= FEW || serial || max > f64::from(u32::MAX)
}

/// How a number is scaled, and why.
fn scale(column: &Column) -> (&'static str, &'static str) {
    let numbers = &column.numbers;
    let skew = numbers.skew();
    // Below 10 or so a logarithm changes little.
    if skew.abs() > 2.0 && numbers.max.abs().max(numbers.min.abs()) > 10.0 {
        return ("log", "a few values are far larger than the rest");
    }
    if numbers.max - numbers.min <= 6.0 * numbers.deviation() {
        ("min_max", "values fill their range")
    } else {
        ("standard", "values gather around their mean")
    }
}

/// `rare`: some values were seen once, or too many to tell.
fn categorical(distinct: u64, rare: bool, total: &Total) -> Vec<(&'static str, String, Option<&'static str>)> {
    let mut keys = vec![("kind", "\"categorical\"".to_owned(), None)];
    if distinct > HASHED {
        let buckets = distinct.next_power_of_two().min(MOST_BUCKETS);
        let encoder = format!("{{ type = \"hash\", buckets = {buckets} }}");
        keys.push(("dim", "16".to_owned(), None));
        keys.push(("encoder", encoder, Some("too many values to list; some share a row")));
    } else if rare {
        let min_count = match total.rows {
            0..1_000_000 => 2,
            1_000_000..10_000_000 => 5,
            _ => 10,
        };
        let encoder = format!("{{ type = \"vocabulary\", min_count = {min_count} }}");
        keys.push(("encoder", encoder, Some("rarer values train the row that unseen ones get")));
    } else {
        keys.push(("encoder", "{ type = \"vocabulary\" }".to_owned(), None));
    }
    keys
}

fn list_entry(found: &Found, total: &Total) -> Entry {
    let mut entry =
        Entry { name: String::new(), notes: Vec::new(), keys: Vec::new(), left_out: None, tags: Vec::new() };
    if let Some(size) = found.vector {
        entry.keys = vec![("kind", "\"vector\"".to_owned(), None), ("size", size.to_string(), None)];
        entry.notes.push("the same number of numbers in every row; they enter the network as they stand".to_owned());
        return entry;
    }
    let rare = found.items.single() > 0 || found.items.full;
    entry.keys = categorical(found.items.expected(total.grown), rare, total);
    let mut options = vec!["combiner = \"mean\"".to_owned()];
    if found.longest > KEPT_ITEMS {
        options.push(format!("max_length = {KEPT_ITEMS}"));
    }
    options.extend(found.separator.map(|s| format!("separator = {}", super::toml::string(s))));
    let comment = (found.longest > KEPT_ITEMS).then_some("keeps the first items");
    entry.keys.push(("list", format!("{{ {} }}", options.join(", ")), comment));
    entry
}
