//! `split`: a text becomes the list of what stands between its separators; empty parts are left out.

use std::sync::Arc;

use arrow_array::StringArray;
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::{list_of, one};
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "split",
            doc: "a text becomes the list of what stands between its separators",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "separator",
                    kind: OptionKind::Text,
                    default: OptionDefault::Always(Literal::Text("|")),
                    doc: "the text between items, 1 to 16 characters",
                },
                OptionSpec {
                    key: "trim",
                    kind: OptionKind::Bool,
                    default: OptionDefault::Always(Literal::Bool(true)),
                    doc: "whether spaces around items are dropped",
                },
                INTO,
                SUFFIX,
            ],
            check,
        },
        steps: each_column,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    match block.text("separator").chars().count() {
        1..=16 => check_columns(block, context),
        _ => Err("`separator` must have 1 to 16 characters".to_owned()),
    }
}

#[derive(Debug)]
struct Split {
    separator: String,
    trim: bool,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(Split { separator: block.text("separator").to_owned(), trim: block.flag("trim") })
}

impl Transform for Split {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let (mut lengths, mut items) = (vec![0; rows.rows()], Vec::new());
        rows.one_values(0, |row, value| {
            let text = value.to_string();
            let parts = text.split(self.separator.as_str()).map(|part| if self.trim { part.trim() } else { part });
            for part in parts.filter(|part| !part.is_empty()) {
                lengths[row] += 1;
                items.push(part.to_owned());
            }
            Ok(())
        })?;
        one(list_of(lengths, Arc::new(StringArray::from(items))))
    }
}
