//! What the rows looked at hold, column by column, in memory that does not grow with them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use polyrank_data::read::Source;

use super::counts::Counts;
use super::estimate::is_binary;
use super::lists::Lists;
use crate::failure::Failure;

/// Rows read at a time.
const READ_ROWS: usize = 8192;
/// Values told apart over all columns; each column gets its part.
const TOLD_APART: usize = 16 << 20;
/// Bytes of text that are kept to look for lists in, over all columns.
const LIST_BYTES: usize = 256 << 20;
/// Values told apart within one column.
const MOST: usize = 1 << 20;
/// Different values of a column that are kept as they stand.
const EXAMPLES: usize = 8;
/// Characters of a value that are kept.
const KEPT: usize = 256;
/// Texts that often stand for a missing value.
const NULLS: &[&str] =
    &["NULL", "null", "Null", "NA", "N/A", "#N/A", "None", "none", "\\N", "nan", "NaN", "NAN", "-", "?"];

/// What was seen of one column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) rows: u64,
    /// Null or empty cells.
    pub(super) missing: u64,
    /// Bytes of text.
    pub(super) bytes: u64,
    /// Values, those of `null_texts` aside.
    pub(super) values: Counts,
    /// The first different values and how often they came.
    pub(super) examples: Vec<(String, u64)>,
    /// Cells that hold whole numbers.
    pub(super) whole: u64,
    /// Cells that hold other numbers.
    pub(super) fractions: u64,
    /// Cells that hold true or false.
    pub(super) bools: u64,
    /// Cells that hold other text.
    pub(super) texts: u64,
    /// Texts of a text file that may stand for a missing value, and how often.
    pub(super) null_texts: BTreeMap<&'static str, u64>,
    /// A number that the network cannot take, or that no category can be.
    pub(super) bad_number: Option<String>,
    pub(super) numbers: Numbers,
    /// Texts that look like a date or a time.
    pub(super) dates: u64,
    /// Whether the values never fall from row to row.
    pub(super) ascending: bool,
    last: Option<Last>,
    pub(super) lists: Lists,
    /// Whether `null_values` would apply.
    from_text: bool,
}

#[derive(Debug, PartialEq, PartialOrd)]
enum Last {
    Number(f64),
    Text(String),
}

/// Moments of the numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    count: f64,
    mean: f64,
    second: f64,
    third: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Numbers {
    fn observe(&mut self, x: f64) {
        if self.count == 0.0 {
            (self.min, self.max) = (x, x);
        }
        (self.min, self.max) = (self.min.min(x), self.max.max(x));
        // One-pass central moments: sums of powers would lose every digit of a large mean.
        let before = self.count;
        self.count += 1.0;
        let delta = x - self.mean;
        let step = delta / self.count;
        let term = delta * step * before;
        self.mean += step;
        self.third += term * step * (self.count - 2.0) - 3.0 * step * self.second;
        self.second += term;
    }

    pub(super) fn deviation(&self) -> f64 {
        (self.second / self.count.max(1.0)).sqrt()
    }

    /// The third standardised moment; infinite where the numbers are too large to tell.
    pub(super) fn skew(&self) -> f64 {
        let skew = self.count.sqrt() * self.third / self.second.powf(1.5);
        if skew.is_finite() { skew } else { f64::INFINITY }
    }
}

impl Column {
    fn new(name: &str, most: usize, list_bytes: usize, from_text: bool) -> Column {
        Column {
            name: name.to_owned(),
            rows: 0,
            missing: 0,
            bytes: 0,
            values: Counts::new(most),
            examples: Vec::new(),
            whole: 0,
            fractions: 0,
            bools: 0,
            texts: 0,
            null_texts: BTreeMap::new(),
            bad_number: None,
            numbers: Numbers::default(),
            dates: 0,
            ascending: true,
            last: None,
            lists: Lists::new(most, list_bytes),
            from_text,
        }
    }

    /// Whether every value is a number.
    pub(super) fn is_numeric(&self) -> bool {
        self.whole + self.fractions > 0 && self.texts + self.bools == 0 && !self.lists.are_columns()
    }

    /// Cells that hold texts which may stand for a missing value.
    pub(super) fn nulls(&self) -> u64 {
        self.null_texts.values().sum()
    }

    /// Different values, as training would see them.
    pub(super) fn distinct(&self) -> u64 {
        self.values.distinct() + if self.is_numeric() { 0 } else { self.null_texts.len() as u64 }
    }

    /// Share of the cells without a value.
    pub(super) fn missing_share(&self) -> f64 {
        let nulls = if self.is_numeric() { self.nulls() } else { 0 };
        (self.missing + nulls) as f64 / self.rows.max(1) as f64
    }

    fn observe(&mut self, array: &ArrayRef) {
        self.rows += array.len() as u64;
        let rows = (0..array.len()).filter(|row| array.is_valid(*row));
        self.missing += array.null_count() as u64;
        match array.data_type() {
            DataType::Boolean => {
                let bools = array.as_boolean();
                rows.for_each(|row| self.boolean(bools.value(row)));
            }
            DataType::Int64 => {
                let ints = array.as_primitive::<Int64Type>();
                rows.for_each(|row| self.integer(ints.value(row).into()));
            }
            DataType::UInt64 => {
                let ints = array.as_primitive::<UInt64Type>();
                rows.for_each(|row| self.integer(ints.value(row).into()));
            }
            DataType::Float32 => {
                let floats = array.as_primitive::<Float32Type>();
                rows.for_each(|row| self.float(floats.value(row).into(), floats.value(row).to_string(), 24));
            }
            DataType::Float64 => {
                let floats = array.as_primitive::<Float64Type>();
                rows.for_each(|row| self.float(floats.value(row), floats.value(row).to_string(), 53));
            }
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                rows.for_each(|row| self.text(texts.value(row)));
            }
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                rows.for_each(|row| {
                    self.bytes += 8 * lists.value_length(row) as u64;
                    self.lists.observe(&lists.value(row));
                });
            }
            // A batch of a JSON lines file in which the column has no value.
            _ => self.missing += (array.len() - array.null_count()) as u64,
        }
    }

    fn boolean(&mut self, value: bool) {
        self.bools += 1;
        self.value(value, || value.to_string());
    }

    fn integer(&mut self, value: i128) {
        self.bytes += 1 + value.unsigned_abs().checked_ilog10().map_or(0, u64::from);
        self.whole += 1;
        self.number(value as f64);
        self.value(value, || value.to_string());
    }

    /// `text` is the float's shortest text; `bits` those that it has for whole numbers.
    fn float(&mut self, value: f64, text: String, bits: i32) {
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        self.bytes += text.len() as u64;
        if value.abs() > f64::from(f32::MAX) {
            self.bad_number.get_or_insert_with(|| format!("{value:e} is beyond what a 32-bit float holds"));
        }
        if value.fract() != 0.0 || value.is_infinite() {
            self.fractions += 1;
        } else {
            self.whole += 1;
            if value.abs() > 2f64.powi(bits) && super::words::says_identity(&self.name) {
                let problem =
                    format!("{value} is stored as a float, which holds whole numbers exactly only up to 2^{bits}");
                self.bad_number.get_or_insert(problem + "; store ids as integers or text");
            }
        }
        self.number(value);
        // −0 and 0 are one value.
        self.value((value + 0.0).to_bits(), || if value == 0.0 { "0".to_owned() } else { text });
    }

    fn text(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        if text.is_empty() {
            self.missing += 1;
            return;
        }
        if let Some(null) = NULLS.iter().find(|null| self.from_text && **null == text) {
            *self.null_texts.entry(null).or_insert(0) += 1;
            return;
        }
        match number(text) {
            Some(Written::Whole(value)) => {
                self.whole += 1;
                self.number(value);
            }
            Some(Written::Other(value)) => {
                *(if value.fract() == 0.0 { &mut self.whole } else { &mut self.fractions }) += 1;
                self.number(value);
            }
            None if matches!(text.to_ascii_lowercase().as_str(), "true" | "false") => self.bools += 1,
            None => {
                self.texts += 1;
                self.dates += u64::from(is_date(text));
                if self.ascending {
                    self.follow(Last::Text(text.chars().take(KEPT).collect()));
                }
            }
        }
        self.lists.observe_text(text);
        self.value(text, || text.chars().take(KEPT).collect());
    }

    fn number(&mut self, value: f64) {
        self.numbers.observe(value);
        self.follow(Last::Number(value));
    }

    fn follow(&mut self, next: Last) {
        self.ascending &= self.last.as_ref().is_none_or(|last| *last <= next);
        self.last = Some(next);
    }

    fn value(&mut self, value: impl std::hash::Hash, text: impl FnOnce() -> String) {
        let new = self.values.observe(value);
        // While there are few, each is counted by name.
        if self.values.distinct() <= EXAMPLES as u64 {
            let text = text();
            match self.examples.iter_mut().find(|(example, _)| *example == text) {
                Some((_, count)) => *count += 1,
                None => self.examples.push((text, 1)),
            }
        } else if new && self.examples.len() < EXAMPLES {
            self.examples.push((text(), 1));
        }
    }
}

enum Written {
    /// A whole number in canonical form.
    Whole(f64),
    Other(f64),
}

/// The number that a text is; `None` for texts with leading zeros too, which are codes.
fn number(text: &str) -> Option<Written> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    if !digits.first()?.is_ascii_digit() && digits.first() != Some(&b'.') && digits.first() != Some(&b'+') {
        return None;
    }
    if digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit() {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|x: &f64| x.abs() <= f64::from(f32::MAX))?;
    Some(if digits.iter().all(u8::is_ascii_digit) { Written::Whole(value) } else { Written::Other(value) })
}

/// Whether a text looks like `2024-01-31`, `31/01/2024 23:59` or the like.
fn is_date(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let marks = text.bytes().filter(|b| matches!(b, b'-' | b'/' | b':' | b'.')).count();
    let other =
        text.bytes().filter(|b| !matches!(b, b'0'..=b'9' | b'-' | b'/' | b':' | b'.' | b' ' | b'T' | b'Z' | b'+'));
    (4..=26).contains(&digits) && marks >= 2 && other.count() == 0
}

/// Looks at the first `most` rows; also says whether those are all.
pub(super) fn scan(source: &Source, names: &[String], most: u64) -> Result<(Vec<Column>, bool), Failure> {
    let from_text = !source.files().all(is_binary);
    let list_bytes = LIST_BYTES / names.len().max(1);
    let each = (TOLD_APART / names.len().max(1)).clamp(1024, MOST);
    let mut columns: Vec<Column> = names.iter().map(|name| Column::new(name, each, list_bytes, from_text)).collect();
    let mut left = most;
    // No further than asked: a later row may be malformed.
    let at_once = usize::try_from(most).unwrap_or(READ_ROWS).min(READ_ROWS);
    for raw in source.rows(names, at_once)? {
        if left == 0 {
            return Ok((columns, false));
        }
        let raw = raw?;
        let batch = raw.batch.slice(0, raw.batch.num_rows().min(usize::try_from(left).unwrap_or(usize::MAX)));
        left -= batch.num_rows() as u64;
        columns.iter_mut().zip(batch.columns()).for_each(|(column, array)| column.observe(array));
        if batch.num_rows() < raw.batch.num_rows() {
            return Ok((columns, false));
        }
    }
    Ok((columns, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbers_or_codes_or_dates() {
        assert!(["7", "-7", "7.5", "1e3", ".5", "0", "0.5"].iter().all(|t| number(t).is_some()));
        assert!(["007", "7a", "inf", "nan", "", "-", "1e39", "--1", "٧"].iter().all(|t| number(t).is_none()));
        assert!(["2024-01-31", "31/01/2024 23:59", "2024-01-31T10:00:00Z"].iter().all(|t| is_date(t)));
        assert!(["2024", "a-b-c", "1-2", "555-1234"].iter().all(|t| !is_date(t)));
    }

    #[test]
    fn moments_match_their_definitions() {
        let values = [1.0, 2.0, 2.0, 3.0, 50.0];
        let mut numbers = Numbers::default();
        values.iter().for_each(|x| numbers.observe(*x));
        let mean = values.iter().sum::<f64>() / 5.0;
        let moment = |p: i32| values.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / 5.0;
        assert!((numbers.deviation() - moment(2).sqrt()).abs() < 1e-9);
        assert!((numbers.skew() - moment(3) / moment(2).powf(1.5)).abs() < 1e-9);
        assert_eq!((numbers.min, numbers.max), (1.0, 50.0));
    }
}
