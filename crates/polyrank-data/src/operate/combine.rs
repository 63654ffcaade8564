//! `combine`: the values of several columns become one text, so that each combination is a category of its own.
//!
//! Canonical texts stand in the order of the columns between separators; a separator or backslash in a value is preceded
//! by a backslash, so that no two combinations share a text. A missing value is an empty part; where all are missing, so
//! is their combination.

use arrow_array::StringArray;
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::output::one;
use crate::error::DataError;

/// The columns that are combined.
pub(super) const TOGETHER: OptionSpec = OptionSpec {
    key: "columns",
    kind: OptionKind::Columns,
    default: OptionDefault::Required,
    doc: "two or more columns",
};

/// What the combination is called.
pub(super) const NAME: OptionSpec = OptionSpec {
    key: "into",
    kind: OptionKind::Column,
    default: OptionDefault::Required,
    doc: "the name of what is made",
};

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "combine",
            doc: "the values of several columns become one text",
            options: &[
                TOGETHER,
                NAME,
                OptionSpec {
                    key: "separator",
                    kind: OptionKind::Text,
                    default: OptionDefault::Always(Literal::Text("_")),
                    doc: "the character between values",
                },
            ],
            check: |block, context| {
                separator(block)?;
                check_together(block, context)
            },
        },
        steps: together,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

fn separator(block: &Block) -> Result<char, String> {
    let mut chars = block.text("separator").chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c != '\\' => Ok(c),
        _ => Err("`separator` must be one character, and no backslash".to_owned()),
    }
}

/// What must hold of [`TOGETHER`].
pub(super) fn check_together(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    match block.names(TOGETHER.key).len() {
        0 | 1 => Err("give two or more `columns` to combine".to_owned()),
        _ => Ok(()),
    }
}

/// One step: all columns into one.
pub(super) fn together(block: &Block) -> Vec<Step> {
    vec![Step::new(block.names(TOGETHER.key).to_vec(), vec![block.text(NAME.key).to_owned()])]
}

#[derive(Debug)]
struct Combine {
    separator: char,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let separator = separator(block).map_err(|fault| super::operator::problem(block, fault))?;
    Stage::ready(Combine { separator })
}

impl Transform for Combine {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        one(StringArray::from(combined(rows, self.separator)?))
    }
}

/// The combination of each row's values.
pub(super) fn combined(rows: &Input<'_>, separator: char) -> Result<Vec<Option<String>>, DataError> {
    let mut texts = vec![String::new(); rows.rows()];
    let mut present = vec![false; rows.rows()];
    for i in 0..rows.reads() {
        if i > 0 {
            texts.iter_mut().for_each(|text| text.push(separator));
        }
        rows.one_values(i, |row, value| {
            present[row] = true;
            let plain = value.to_string();
            for c in plain.chars() {
                if c == separator || c == '\\' {
                    texts[row].push('\\');
                }
                texts[row].push(c);
            }
            Ok(())
        })?;
    }
    Ok(texts.into_iter().zip(present).map(|(text, present)| present.then_some(text)).collect())
}
