//! What is wrong with a configuration: every problem, each with its place, its key and what to do.

use std::fmt;

/// Problems that are listed; the rest of a hopeless file is only counted.
const LISTED: usize = 1000;

/// Characters of a user's text that a message repeats.
const SHOWN: usize = 80;

/// One problem of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, from 1, where there is one.
    pub line: Option<usize>,
    /// Column of the line in characters, from 1; only for text that is not valid TOML or JSON.
    pub column: Option<usize>,
    /// The key of the `--set` that the value came from.
    pub set: Option<String>,
    /// The key, as `model.multi_task.experts`; empty where the text has none.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// Whether it says of another entry's key what was said of this one's, at one place.
    fn repeats(&self, other: &Problem) -> bool {
        let last = |problem: &Problem| problem.key.rsplit('.').next().map(str::to_owned);
        self.line == other.line
            && self.column == other.column
            && self.set == other.set
            && self.message == other.message
            && self.hint == other.hint
            && last(self) == last(other)
    }
}

/// Every problem of a configuration, in the order of the lines; prints as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// What was read, as the file's name.
    pub origin: String,
    /// The problems, at least one.
    pub problems: Vec<Problem>,
}

impl ConfigErrors {
    /// The origin is told in full, for a cut path helps nobody, but on one line.
    pub(crate) fn new(origin: &str, problems: Vec<Problem>) -> ConfigErrors {
        ConfigErrors { origin: one_line(origin.chars()), problems }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            match (&problem.set, problem.line, problem.column) {
                (Some(set), ..) => write!(f, "--set {set}: ")?,
                (None, Some(line), Some(column)) => write!(f, "{}:{line}:{column}: ", self.origin)?,
                (None, Some(line), None) => write!(f, "{}:{line}: ", self.origin)?,
                (None, None, _) => write!(f, "{}: ", self.origin)?,
            }
            if !problem.key.is_empty() && problem.set.as_ref() != Some(&problem.key) {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}", problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(f, "; {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    listed: Vec<Problem>,
    found: usize,
    /// Said once already.
    repeated: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.found += 1;
        // One written value stands for every column that an entry selects.
        if problem.line.is_some() && self.listed.iter().any(|listed| problem.repeats(listed)) {
            self.repeated += 1;
        } else if self.listed.len() < LISTED {
            self.listed.push(problem);
        }
    }

    pub(crate) fn found(&self) -> usize {
        self.found
    }

    /// Whether a further problem would only be counted, so that its hint need not be worked out.
    pub(crate) fn full(&self) -> bool {
        self.listed.len() >= LISTED
    }

    pub(crate) fn into_result(mut self, origin: &str) -> Result<(), ConfigErrors> {
        if self.found == 0 {
            return Ok(());
        }
        self.listed.sort_by_key(|p| (p.set.is_some(), p.line.unwrap_or(0)));
        let more = self.found - self.repeated - self.listed.len();
        if more > 0 {
            let message = format!("{more} more problems");
            self.listed.push(Problem { line: None, column: None, set: None, key: String::new(), message, hint: None });
        }
        Err(ConfigErrors::new(origin, self.listed))
    }
}

/// A user's text as a message may repeat it: on one line, and not for pages.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = one_line(text.chars().take(SHOWN));
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn one_line(text: impl Iterator<Item = char>) -> String {
    let mut shown = String::new();
    for c in text {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// How names are quoted in messages: keys as `key`, values as "value".
#[derive(Debug, Clone, Copy)]
pub(crate) enum Quote {
    Key,
    Value,
}

impl Quote {
    pub(crate) fn around(self, name: &str) -> String {
        let name = printable(name);
        match self {
            Quote::Key => format!("`{name}`"),
            Quote::Value => format!("\"{name}\""),
        }
    }
}

/// `did you mean …?` if a known name is near.
pub(crate) fn correction(word: &str, known: &[&str], quote: Quote) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean {}?", quote.around(near)))
}

/// `did you mean …?` if a known name is near, else the known names.
pub(crate) fn suggestion(word: &str, known: &[&str], quote: Quote) -> Option<String> {
    let near = correction(word, known, quote);
    if near.is_some() {
        return near;
    }
    match known.len() {
        0 => None,
        1 => Some(format!("known: {}", quote.around(known[0]))),
        _ => Some(format!("known: {}", one_of(known, quote))),
    }
}

/// The names, quoted, between commas; a long list is cut.
pub(crate) fn one_of(known: &[&str], quote: Quote) -> String {
    let mut text = known.iter().take(40).map(|k| quote.around(k)).collect::<Vec<_>>().join(", ");
    if known.len() > 40 {
        text.push_str(", …");
    }
    text
}

/// The known name that a typing slip would turn into `word`.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let length = word.chars().count();
    if length == 0 || length > 64 {
        return None;
    }
    let allowed = 1 + length / 4;
    let word = word.to_lowercase();
    known
        .iter()
        .take(1000)
        .filter(|k| k.len() <= 128)
        .filter_map(|k| {
            let lower = k.to_lowercase();
            let begins = length >= 3 && (lower.starts_with(&word) || (lower.len() >= 3 && word.starts_with(&lower)));
            let distance = strsim::damerau_levenshtein(&word, &lower);
            // A beginning is a weaker sign than a slip, so it counts as the largest slip allowed.
            let distance = if begins { distance.min(allowed) } else { distance };
            (distance <= allowed && distance < length.max(2)).then_some((distance, *k))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_wins_and_far_words_get_the_list() {
        let known = ["experts", "expert_units", "gate_units"];
        assert_eq!(nearest("expert", &known), Some("experts"));
        assert_eq!(nearest("gate_unit", &known), Some("gate_units"));
        assert_eq!(nearest("Experts", &known), Some("experts"));
        assert_eq!(nearest("x", &known), None);
        assert_eq!(nearest("learning_rate", &known), None);
        assert_eq!(suggestion("zzzzz", &["a", "b"], Quote::Key).as_deref(), Some("known: `a`, `b`"));
    }

    #[test]
    fn printed_text_stays_on_one_line_and_short() {
        assert_eq!(printable("a\nb\u{1b}"), "a\\nb\\u{1b}");
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), 81);
    }

    #[test]
    fn beyond_a_thousand_problems_are_counted() {
        let mut problems = Problems::default();
        for line in (1..=1500).rev() {
            let p =
                Problem { line: Some(line), column: None, set: None, key: "k".into(), message: "m".into(), hint: None };
            problems.push(p);
        }
        let Err(errors) = problems.into_result("f.toml") else { panic!("1500 problems") };
        assert_eq!(errors.problems.len(), 1001);
        assert!(errors.to_string().ends_with("\nf.toml: 500 more problems"));
        assert!(errors.to_string().starts_with("f.toml:501: k: m\n"));
    }
}
