//! `fill`: a missing value becomes a constant, or the median of the training rows.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, StringArray};
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec, OptionValue};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, renamed};
use super::output::{numbers, scalar_text};
use super::saved::{Saved, Saver};
use crate::encode::ranks::Ranks;
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "fill",
            doc: "missing values become a constant, or the median of the training rows",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "value",
                    kind: OptionKind::Scalar,
                    default: OptionDefault::Absent,
                    doc: "what a missing value becomes: a number (0 if left out), or a text where values are categories",
                },
                OptionSpec {
                    key: "median",
                    kind: OptionKind::Bool,
                    default: OptionDefault::Always(Literal::Bool(false)),
                    doc: "instead of `value`: the median of the training rows' numbers",
                },
                OptionSpec {
                    key: "indicator",
                    kind: OptionKind::Text,
                    default: OptionDefault::Absent,
                    doc: "also makes a column that says whether the value was missing: what its name ends in",
                },
                INTO,
                SUFFIX,
            ],
            check,
        },
        steps,
        fits: |block| block.flag("median"),
        hides_labels: never,
    },
    new,
    load: Some(load),
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if block.flag("median") && block.has("value") {
        return Err("give `value` or `median`, not both".to_owned());
    }
    if block.has("indicator") && block.text("indicator").is_empty() {
        return Err("`indicator` is empty; write what its name ends in, as \"_missing\"".to_owned());
    }
    check_columns(block, context)
}

fn steps(block: &Block) -> Vec<Step> {
    let indicator = |column: &str| block.has("indicator").then(|| format!("{column}{}", block.text("indicator")));
    let step = |(column, made): (&String, String)| {
        Step::new(vec![column.clone()], std::iter::once(made).chain(indicator(column)).collect())
    };
    renamed(block).map(step).collect()
}

/// What a missing value becomes.
#[derive(Debug)]
enum With {
    Number(f64),
    Text(String),
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let indicator = block.has("indicator");
    if block.flag("median") {
        return Stage::fit(MedianFit { numbers: Ranks::new(), indicator });
    }
    let with = match block.options.get("value") {
        Some(value @ (OptionValue::Text(_) | OptionValue::Bool(_))) => With::Text(scalar_text(value)),
        _ => With::Number(block.float("value")),
    };
    Stage::ready(Fill { with, indicator, fitted: None })
}

fn load(block: &Block, step: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    if !block.flag("median") {
        let setting = Setting { base: std::path::Path::new("."), reading: &Default::default(), tasks: &[] };
        return match new(block, step, &setting)? {
            Stage::Ready(transform) => Ok(transform),
            Stage::Fit(_) => Err(saved.refuse("was fitted, and its fit is not saved")),
        };
    }
    let fitted: Median = saved.json()?;
    if !(fitted.median.is_finite() && fitted.median.abs() <= f64::from(f32::MAX)) {
        return Err(saved.refuse("the median is no number that a 32-bit float holds"));
    }
    Ok(Arc::new(Fill { with: With::Number(fitted.median), indicator: block.has("indicator"), fitted: Some(fitted) }))
}

#[derive(Debug)]
struct MedianFit {
    numbers: Ranks,
    indicator: bool,
}

/// A fitted median on disk.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Median {
    median: f64,
    /// Numbers that it is of.
    count: u64,
}

impl Fit for MedianFit {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        rows.numbers(0, |_, x| x.into_iter().for_each(|x| self.numbers.observe(x, 1)))
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.numbers.merge(other.numbers);
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        let sorted = self.numbers.finish();
        let count: u64 = sorted.iter().map(|(_, n)| n).sum();
        let at = |place: u64| {
            let mut below = 0;
            let found = sorted.iter().find(|(_, n)| {
                below += n;
                place < below
            });
            found.map_or(0.0, |(x, _)| *x)
        };
        // Of an even number of numbers the mean of the two in the middle; of none, 0.
        let median = at(count.saturating_sub(1) / 2) / 2.0 + at(count / 2) / 2.0;
        let fitted = Median { median, count };
        Ok(Arc::new(Fill { with: With::Number(median), indicator: self.indicator, fitted: Some(fitted) }))
    }
}

#[derive(Debug)]
struct Fill {
    with: With,
    indicator: bool,
    fitted: Option<Median>,
}

impl Transform for Fill {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let filled: ArrayRef = match &self.with {
            With::Number(value) => {
                let filled: Float64Array = numbers(rows, |x| Some(x.unwrap_or(*value)))?;
                Arc::new(filled)
            }
            With::Text(value) => {
                let mut texts: Vec<Option<String>> = vec![None; rows.rows()];
                rows.one_values(0, |row, found| {
                    texts[row] = Some(found.to_string());
                    Ok(())
                })?;
                let filled = texts.iter().map(|text| Some(text.as_deref().unwrap_or(value)));
                Arc::new(filled.collect::<StringArray>())
            }
        };
        let mut columns = vec![filled];
        if self.indicator {
            let mut missing = vec![true; rows.read(0).len()];
            rows.one_values(0, |row, _| {
                missing[row] = false;
                Ok(())
            })?;
            columns.push(Arc::new(BooleanArray::from(missing)));
        }
        Ok(Output::Columns(columns))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        self.fitted.map_or(Ok(()), |fitted| saver.json(&fitted))
    }

    fn describe(&self) -> String {
        self.fitted.map_or(String::new(), |fitted| format!("median {}", fitted.median))
    }
}
