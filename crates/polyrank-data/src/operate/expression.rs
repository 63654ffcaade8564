//! `expression`: a column computed from others, row by row.

use polyrank_schema::expression::{Expression, Type};
use polyrank_schema::operator::never;
use polyrank_schema::spec::{OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::combine::NAME;
use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform, problem};
use crate::error::DataError;
use crate::expression::{values, values_as};

/// The expression.
pub(super) const EXPRESSION: OptionSpec = OptionSpec {
    key: "expression",
    kind: OptionKind::Text,
    default: OptionDefault::Required,
    doc: "the expression, as play_time / duration",
};

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "expression",
            doc: "a column computed from others, row by row",
            options: &[
                EXPRESSION,
                NAME,
                OptionSpec {
                    key: "as",
                    kind: OptionKind::Name(&["integer", "float", "text", "boolean"]),
                    default: OptionDefault::Absent,
                    doc: "the type that values are turned into; left as they are without it",
                },
            ],
            check: |block, _| read(block).map(|_| ()),
        },
        steps: |block| {
            let columns = read(block).map(|expression| expression.columns().to_vec()).unwrap_or_default();
            vec![Step::new(columns, vec![block.text(NAME.key).to_owned()])]
        },
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

/// The block's expression, which must read a column.
pub(super) fn read(block: &Block) -> Result<Expression, String> {
    let expression = Expression::parse(block.text(EXPRESSION.key)).map_err(|error| format!("`expression`: {error}"))?;
    if expression.columns().is_empty() {
        return Err("`expression` reads no column".to_owned());
    }
    Ok(expression)
}

#[derive(Debug)]
struct Computed {
    expression: Expression,
    to: Option<Type>,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let expression = read(block).map_err(|fault| problem(block, fault))?;
    let to = match block.text("as") {
        "integer" => Some(Type::Integer),
        "float" => Some(Type::Float),
        "text" => Some(Type::Text),
        "boolean" => Some(Type::Boolean),
        _ => None,
    };
    Stage::ready(Computed { expression, to })
}

impl Transform for Computed {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let batch = rows.batch()?;
        let column = match self.to {
            Some(to) => values_as(&self.expression, &batch, to)?,
            None => values(&self.expression, &batch)?,
        };
        Ok(Output::Columns(vec![column]))
    }
}
