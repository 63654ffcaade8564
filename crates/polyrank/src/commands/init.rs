//! `polyrank init`: a commented configuration from a look at the data.

mod counts;
mod decide;
mod estimate;
mod file;
mod label;
mod lists;
mod paths;
mod scan;
mod toml;
mod words;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow_schema::DataType;
use clap::Args;
use polyrank_data::DataError;
use polyrank_data::read::Source;
use polyrank_model::registry;
use polyrank_schema::config::Reading;

use crate::failure::Failure;
use crate::output;
use decide::Entry;
use scan::Column;
use words::{says_event, says_outcome};

/// Columns that are looked at: as many features as a configuration can have.
const MOST_COLUMNS: usize = 10_000;

/// Rows that are looked at where nobody says how many.
const ROWS: u64 = 100_000;

/// Looks at data and writes a commented configuration.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Paths or globs of the training rows
    #[arg(required = true)]
    data: Vec<String>,
    /// A column to learn; NAME=POSITIVE also says which of its values is the positive one. Without it, every column of 0
    /// and 1 (or false and true) that is named after an event, as click or is_like
    #[arg(long, value_name = "NAME")]
    task: Vec<String>,
    /// The configuration to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrites the configuration if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Column names of text files without a header
    #[arg(long, value_delimiter = ',', value_name = "a,b,c")]
    columns: Option<Vec<String>>,
    /// Separator of text files, instead of the one that the file's name implies; \t is a tab
    #[arg(long, value_name = "C")]
    separator: Option<String>,
    /// Rows to look at, the first ones
    #[arg(long, default_value_t = ROWS, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rows: u64,
}

/// What was found out about the data.
struct Findings {
    /// Paths as the configuration has them.
    paths: Vec<String>,
    reading: Reading,
    /// Rows looked at.
    seen: u64,
    /// Rows in all files, as far as known.
    total: estimate::Total,
    tasks: Vec<label::Label>,
    features: Vec<Entry>,
    /// The column that orders rows in time, and whether the rows looked at are in its order.
    time: Option<(String, bool)>,
}

/// A column that cannot be a feature, and why.
struct Unreadable {
    name: String,
    why: String,
}

impl Init {
    /// A look at `data` as the command has it by default.
    pub(super) fn of(data: Vec<String>, task: Vec<String>) -> Init {
        Init { data, task, output: None, force: false, columns: None, separator: None, rows: ROWS }
    }

    pub(crate) fn run(self) -> Result<(), Failure> {
        let text = self.suggested()?;
        match &self.output {
            None => output::data(text.trim_end()),
            Some(path) => {
                file::write(path, self.force, &text)?;
                let shown = path.display();
                output::message(&format!(
                    "wrote {shown}; read it, then try\n  polyrank explain {shown}\n  polyrank train {shown}"
                ));
                Ok(())
            }
        }
    }

    /// The configuration's text; what the user should hear besides is said.
    pub(super) fn suggested(&self) -> Result<String, Failure> {
        let separator = separator(self.separator.clone())?;
        let reading = Reading { columns: self.columns.clone(), separator, ..Reading::default() };
        let source = Source::open(&self.data, Path::new("."), &reading)?;
        let paths = paths::relative(&self.data, &source, self.output.as_deref(), &reading)?;
        if let Some(path) = &self.output {
            file::check(path, self.force, &source)?;
        }
        let mut wanted = label::wanted(&self.task, &source)?;
        let labels: Vec<String> = wanted.iter().map(|w| w.column.clone()).collect();
        let (names, unreadable) = readable(&source, &labels)?;
        if names.len() > MOST_COLUMNS {
            let problem = format!("{} columns, where a configuration takes up to {MOST_COLUMNS}", names.len());
            return Err(Failure::input(problem + "; write the ones that matter to files of their own"));
        }
        let (columns, ended) = scan::scan(&source, &names, self.rows)?;
        let seen = columns.first().map_or(0, |c| c.rows);
        if seen == 0 {
            return Err(DataError::Empty("the files have no rows to look at".to_owned()).into());
        }
        if wanted.is_empty() {
            wanted = label::guessed(&columns)?;
            let names: Vec<String> = wanted.iter().map(|w| toml::shown(&w.column)).collect();
            output::message(&format!("tasks by their names: {}; others with --task", names.join(", ")));
        }
        let total = estimate::total(&source, &columns, seen, ended)?;
        let findings = findings(paths, reading, seen, total, &wanted, &columns, unreadable)?;
        let text = write::text(&findings);
        // What training would refuse is not worth writing; every way to get here has its own message above, or in here.
        let origin = self.output.as_ref().map_or("the configuration".to_owned(), |p| p.display().to_string());
        polyrank_schema::parse(&text, &origin, &registry(), &[])?;
        findings.tasks.iter().filter_map(|t| t.warning.as_deref()).for_each(output::message);
        Ok(text)
    }
}

fn separator(text: Option<String>) -> Result<Option<char>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let text = if text == "\\t" { "\t" } else { text.as_str() };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(Some(c)),
        _ => Err(Failure::input(format!("--separator {}: use one character, or \\t for a tab", toml::shown(text)))),
    }
}

/// The columns that can be read in every file, and the others. All `labels` must be among the first.
fn readable(source: &Source, labels: &[String]) -> Result<(Vec<String>, Vec<Unreadable>), Failure> {
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let columns = source.columns()?;
    let twice: BTreeSet<String> =
        columns.iter().filter(|(n, _)| !seen.insert(n.clone())).map(|(n, _)| n.clone()).collect();
    for (name, kind) in columns {
        let why = match &kind {
            _ if name.is_empty() => "the column has no name; give it one to use it".to_owned(),
            _ if twice.contains(&name) => "two columns have this name; rename one to use them".to_owned(),
            kind if !is_plain(kind) => {
                format!("values of type {kind} cannot be read; write them as numbers, text or lists")
            }
            _ => {
                names.push(name);
                continue;
            }
        };
        if labels.contains(&name) {
            return Err(Failure::input(format!("--task {}: {why}", toml::shown(&name))));
        }
        if left_out.last().is_none_or(|u: &Unreadable| u.name != name) {
            left_out.push(Unreadable { name, why });
        }
    }
    loop {
        match source.check_columns(&names) {
            Ok(()) => return Ok((names, left_out)),
            Err(DataError::MissingColumn { path, column, .. }) if !labels.contains(&column) => {
                names.retain(|n| *n != column);
                let why = format!("{} has no such column", toml::shown(&path.display().to_string()));
                left_out.push(Unreadable { name: column, why });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_plain(kind: &DataType) -> bool {
    use DataType as T;
    match kind {
        T::List(item) => !matches!(item.data_type(), T::List(_)) && is_plain(item.data_type()),
        T::Boolean | T::Int64 | T::UInt64 | T::Float32 | T::Float64 | T::Utf8 => true,
        _ => false,
    }
}

fn findings(
    paths: Vec<String>,
    mut reading: Reading,
    seen: u64,
    total: estimate::Total,
    wanted: &[label::Wanted],
    columns: &[Column],
    unreadable: Vec<Unreadable>,
) -> Result<Findings, Failure> {
    let mut nulls: BTreeSet<&str> = BTreeSet::new();
    let mut tasks = Vec::new();
    for task in wanted {
        let Some(column) = columns.iter().find(|c| c.name == task.column) else { continue };
        let mut label = label::decide(task, column)?;
        label.notes.extend(task.why.iter().map(|why| (*why).to_owned()));
        if label.nulls {
            nulls.extend(column.null_texts.keys());
        }
        tasks.push(label);
    }
    let is_task = |name: &str| wanted.iter().any(|task| task.column == name);
    let names = columns.iter().map(|column| column.name.as_str());
    let labels: Vec<&str> = names.filter(|name| is_task(name) || says_event(name) || says_outcome(name)).collect();
    let mut features = Vec::new();
    let mut time: Option<(String, bool)> = None;
    for column in columns {
        if is_task(&column.name) {
            continue;
        }
        if column.is_numeric() {
            nulls.extend(column.null_texts.keys());
        }
        if time.is_none() && decide::is_time(column) {
            time = Some((column.name.clone(), column.ascending));
        }
        features.push(decide::feature(column, &labels, &total));
    }
    features.extend(unreadable.into_iter().map(Entry::from));
    if !features.iter().any(Entry::is_used) {
        let reasons: Vec<String> = features.iter().map(Entry::reason).collect();
        let why = if reasons.is_empty() { "there is none".to_owned() } else { reasons.join("\n") };
        return Err(Failure::input(format!("no column besides the tasks can be a feature:\n{why}")));
    }
    let positive: BTreeSet<&str> = tasks.iter().filter_map(|t| t.positive.as_deref()).collect();
    reading.null_values = nulls.into_iter().filter(|n| !positive.contains(n)).map(str::to_owned).collect();
    Ok(Findings { paths, reading, seen, total, tasks, features, time })
}
