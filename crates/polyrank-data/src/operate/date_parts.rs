//! `date_parts`: year, month, hour, weekday, … of a moment, in UTC.
//!
//! A moment is a number, counted from 1970-01-01 in some unit, or an ISO 8601 text (`2024-03-05`, `2024-03-05 13:45:10`,
//! `2024-03-05T13:45:10.5+01:00`); without an offset it is in UTC. Leap seconds do not exist.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use arrow_cast::parse::string_to_timestamp_nanos;
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, check_columns};
use crate::encode::value::{Value, quote};
use crate::error::DataError;

/// What can be asked of a moment.
#[derive(Debug, Clone, Copy)]
enum Part {
    Year,
    Quarter,
    Month,
    Day,
    DayOfYear,
    Weekday,
    Hour,
    Minute,
    Second,
}

const PARTS: [(&str, Part); 9] = [
    ("year", Part::Year),
    ("quarter", Part::Quarter),
    ("month", Part::Month),
    ("day", Part::Day),
    ("day_of_year", Part::DayOfYear),
    ("weekday", Part::Weekday),
    ("hour", Part::Hour),
    ("minute", Part::Minute),
    ("second", Part::Second),
];

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "date_parts",
            doc: "year, month, hour, weekday, … of a moment, as columns COLUMN_PART",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "parts",
                    kind: OptionKind::Names,
                    default: OptionDefault::Required,
                    doc: "year, quarter, month, day, day_of_year, weekday (0 is Monday), hour, minute, second",
                },
                OptionSpec {
                    key: "unit",
                    kind: OptionKind::Name(&["day", "s", "ms", "us", "ns"]),
                    default: OptionDefault::Always(Literal::Text("s")),
                    doc: "what numbers count since 1970",
                },
            ],
            check,
        },
        steps,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    let parts = block.names("parts");
    let known = |part: &&String| PARTS.iter().any(|(name, _)| name == part);
    if parts.is_empty() {
        return Err("`parts` is empty".to_owned());
    }
    if let Some(part) = parts.iter().find(|part| !known(part)) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("`parts` has no {}; known: {}", quote(part), names.join(", ")));
    }
    check_columns(block, context)
}

fn steps(block: &Block) -> Vec<Step> {
    let made = |column: &String| block.names("parts").iter().map(|part| format!("{column}_{part}")).collect();
    block.names("columns").iter().map(|column| Step::new(vec![column.clone()], made(column))).collect()
}

#[derive(Debug)]
struct DateParts {
    parts: Vec<Part>,
    /// Nanoseconds of a unit.
    unit: i128,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let named = |name: &String| PARTS.iter().find(|(known, _)| known == name).map(|(_, part)| *part);
    let unit = match block.text("unit") {
        "day" => i128::from(DAY) * SECOND,
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        _ => SECOND,
    };
    Stage::ready(DateParts { parts: block.names("parts").iter().filter_map(named).collect(), unit })
}

/// Nanoseconds.
const SECOND: i128 = 1_000_000_000;
/// Seconds.
const DAY: i64 = 86_400;
/// Seconds from 1970 to where years have six digits, either way: beyond, a number was counted in another unit.
const MOST: i64 = 3_093_527_980_800;

impl DateParts {
    /// Seconds since 1970.
    fn seconds(&self, value: Value<'_>) -> Result<i64, String> {
        let counted = |n: i128| i64::try_from((n * self.unit).div_euclid(SECOND)).unwrap_or(i64::MAX);
        let seconds = match value {
            Value::Natural(n) => counted(i128::from(n)),
            Value::Negative(n) => counted(i128::from(n)),
            Value::Text(text) => match (text.trim().parse::<f64>(), string_to_timestamp_nanos(text.trim())) {
                (_, Ok(nanoseconds)) => nanoseconds.div_euclid(1_000_000_000),
                (Ok(x), _) if x.is_finite() => (x * (self.unit as f64 / SECOND as f64)).floor() as i64,
                _ => {
                    return Err(format!(
                        "{} is no moment; write it as 2024-03-05 13:45:10 or as a number",
                        quote(text)
                    ));
                }
            },
            Value::Missing => return Err("no value".to_owned()),
        };
        if !(-MOST..=MOST).contains(&seconds) {
            return Err(format!("`{value}` is more than 98,000 years from 1970; is `unit` right?"));
        }
        Ok(seconds)
    }
}

impl Transform for DateParts {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let mut columns: Vec<Vec<Option<i64>>> = vec![vec![None; rows.rows()]; self.parts.len()];
        rows.one_values(0, |row, value| {
            let seconds = self.seconds(value)?;
            for (column, part) in columns.iter_mut().zip(&self.parts) {
                column[row] = Some(part.of(seconds));
            }
            Ok(())
        })?;
        Ok(Output::Columns(columns.into_iter().map(|column| Arc::new(Int64Array::from(column)) as ArrayRef).collect()))
    }
}

impl Part {
    /// Of a moment in seconds since 1970.
    fn of(self, seconds: i64) -> i64 {
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        match self {
            Part::Year => year,
            Part::Quarter => (month + 2) / 3,
            Part::Month => month,
            Part::Day => day,
            Part::DayOfYear => {
                let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
                [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month as usize - 1]
                    + day
                    + if month > 2 { leap } else { 0 }
            }
            // 1970 began on a Thursday.
            Part::Weekday => (days + 3).rem_euclid(7),
            Part::Hour => second / 3600,
            Part::Minute => second / 60 % 60,
            Part::Second => second % 60,
        }
    }
}

/// Year, month and day, from 1, of a day since 1970 in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // From March on, so that the leap day ends a year; eras of 400 years are alike.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
