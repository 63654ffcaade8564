//! Whether a column holds several values a row: as a list column, or as text with a separator.

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use super::counts::Counts;

/// Texts that are looked at for separators.
const TEXTS: usize = 1000;
/// Bytes of a text that are looked at: those of a vector with as many numbers as there may be.
const TEXT_BYTES: usize = 1 << 16;
/// Items of those texts that are told apart.
const MOST: usize = 1 << 18;
/// Numbers in a vector at most.
const VECTOR: usize = 4096;
/// Separators that are tried; the first that fits is taken.
const SEPARATORS: &[&str] = &["|", ";", ",", "\t", " "];

/// The lists of a column.
#[derive(Debug)]
pub(super) struct Lists {
    texts: Vec<String>,
    /// Bytes of texts that may still be kept.
    room: usize,
    columns: u64,
    items: Counts,
    examples: Vec<String>,
    longest: usize,
    /// The one length of all lists, if they have one.
    length: Option<usize>,
    fractions: bool,
    bad: Option<String>,
}

/// What a column of lists holds.
#[derive(Debug)]
pub(super) struct Found {
    /// What separates the items, in text.
    pub(super) separator: Option<&'static str>,
    pub(super) longest: usize,
    pub(super) items: Counts,
    pub(super) examples: Vec<String>,
    /// Numbers in each row, where all have as many and some are not whole: a vector.
    pub(super) vector: Option<usize>,
    /// Why it cannot be a feature.
    pub(super) bad: Option<String>,
}

impl Lists {
    pub(super) fn new(most: usize, room: usize) -> Lists {
        let items = Counts::new(most);
        Lists {
            texts: Vec::new(),
            room,
            columns: 0,
            items,
            examples: Vec::new(),
            longest: 0,
            length: None,
            fractions: false,
            bad: None,
        }
    }

    /// Whether the column is one of lists.
    pub(super) fn are_columns(&self) -> bool {
        self.columns > 0
    }

    pub(super) fn observe_text(&mut self, text: &str) {
        let end = text.floor_char_boundary(TEXT_BYTES);
        if self.texts.len() < TEXTS && end <= self.room {
            self.room -= end;
            self.texts.push(text[..end].to_owned());
        }
    }

    pub(super) fn observe(&mut self, list: &ArrayRef) {
        self.columns += 1;
        self.longest = self.longest.max(list.len());
        if self.columns == 1 {
            self.length = Some(list.len());
        } else if self.length != Some(list.len()) {
            self.length = None;
        }
        let options = FormatOptions::default();
        let Ok(formatter) = ArrayFormatter::try_new(list, &options) else { return };
        for i in (0..list.len()).filter(|i| list.is_valid(*i)) {
            if let Some(x) = float(list, i) {
                self.fractions |= x.fract() != 0.0;
                if x.abs() > f64::from(f32::MAX) {
                    self.bad = Some("an item is a number beyond what a 32-bit float holds".to_owned());
                }
            }
            let item = formatter.value(i).to_string();
            if self.items.observe(&item) && self.examples.len() < 3 {
                self.examples.push(item);
            }
        }
    }

    /// The lists of a column whose texts hold several values each.
    pub(super) fn text_found(&self) -> Option<Found> {
        if self.texts.is_empty() { None } else { SEPARATORS.iter().find_map(|s| self.split(s)) }
    }

    /// The lists of a list column.
    pub(super) fn columns_found(&self) -> Found {
        let vector = self.length.filter(|n| self.fractions && (1..=VECTOR).contains(n));
        let ragged = (self.fractions && vector.is_none()).then(|| {
            "lists of fractional numbers, not equally long: make them so, or store numbers that are categories"
                .to_owned()
        });
        Found {
            separator: None,
            longest: self.longest,
            items: self.items.clone(),
            examples: self.examples.clone(),
            vector,
            bad: self.bad.clone().or(ragged),
        }
    }

    fn split(&self, separator: &'static str) -> Option<Found> {
        let with = self.texts.iter().filter(|t| t.contains(separator)).count();
        if 2 * with < self.texts.len() {
            return None;
        }
        let (mut items, mut wholes, mut examples) = (Counts::new(MOST), Counts::new(TEXTS), Vec::new());
        let (mut longest, mut integers, mut numbers, mut bracketed) = (0, true, true, 0);
        let mut lengths = (usize::MAX, 0);
        for text in &self.texts {
            wholes.observe(text);
            let brackets = text.starts_with(['[', '(', '{']) && text.ends_with([']', ')', '}']);
            bracketed += usize::from(brackets);
            let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
            let mut length = 0;
            for item in inner.split(separator).map(str::trim).filter(|item| !item.is_empty()) {
                length += 1;
                integers &= item.parse::<i128>().is_ok();
                numbers &= item.parse::<f64>().is_ok_and(|x| x.abs() <= f64::from(f32::MAX));
                if items.observe(item) && examples.len() < 3 {
                    examples.push(item.chars().take(64).collect());
                }
            }
            longest = longest.max(length);
            lengths = (lengths.0.min(length), lengths.1.max(length));
        }
        let equal = lengths.0 == lengths.1 && lengths.0 >= 2;
        let vector = (numbers && !integers && equal).then_some(lengths.0);
        // A word or a number that comes back in other company is an item; one that does not is part of a name or a title.
        let reused =
            wholes.distinct() > items.distinct() || 2 * items.distinct() <= items.total && wholes.distinct() > 20;
        let strong = matches!(separator, "|" | ";") || (integers && separator != "\t");
        if vector.is_none() && !strong && !reused {
            return None;
        }
        let bad = (vector.is_none() && 2 * bracketed > self.texts.len()).then(|| {
            "lists written with brackets: write the items with a separator alone, as 3|5|7, or as a list column"
                .to_owned()
        });
        Some(Found { separator: Some(separator), longest, items, examples, vector, bad })
    }
}

fn float(list: &ArrayRef, i: usize) -> Option<f64> {
    match list.data_type() {
        DataType::Float32 => Some(list.as_primitive::<arrow_array::types::Float32Type>().value(i).into()),
        DataType::Float64 => Some(list.as_primitive::<arrow_array::types::Float64Type>().value(i)),
        _ => None,
    }
    .filter(|x| !x.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn separator(texts: &[String]) -> Option<&'static str> {
        let mut lists = Lists::new(1000, 1 << 20);
        texts.iter().for_each(|t| lists.observe_text(t));
        lists.text_found().and_then(|found| found.separator)
    }

    #[test]
    fn items_come_back_in_other_company_and_words_of_names_do_not() {
        let genres = ["drama", "comedy", "war", "crime", "film noir", "western"];
        let pairs = |s: &str| -> Vec<String> {
            genres.iter().flat_map(|a| genres.iter().map(move |b| format!("{a}{s}{b}"))).collect()
        };
        assert_eq!(separator(&pairs("|")), Some("|"));
        assert_eq!(separator(&pairs(", ")), Some(","));
        assert_eq!(separator(&["New York", "Los Angeles", "San José"].map(str::to_owned)), None);
        let titles: Vec<String> = (0..500).map(|i| format!("Title{i} of part{i}")).collect();
        assert_eq!(separator(&titles), None);
        assert_eq!(separator(&["plain".to_owned(), "text".to_owned()]), None);
    }

    #[test]
    fn equally_many_fractional_numbers_are_a_vector() {
        let mut lists = Lists::new(1000, 1 << 20);
        ["[0.5, 1, 2]", "[1.5, 2, 3]"].iter().for_each(|t| lists.observe_text(t));
        let found = lists.text_found().map(|f| (f.vector, f.bad));
        assert_eq!(found, Some((Some(3), None)));
    }
}
