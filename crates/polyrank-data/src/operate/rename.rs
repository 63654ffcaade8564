//! `rename`: columns get other names; the old ones are no longer there.

use polyrank_schema::operator::never;
use polyrank_schema::spec::{OptionDefault, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, check_columns, renamed};
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "rename",
            doc: "columns get other names",
            options: &[
                COLUMNS,
                OptionSpec {
                    default: OptionDefault::Required,
                    doc: "the new names, one for each of `columns`",
                    ..INTO
                },
            ],
            check: |block, context| {
                let columns = block.names(COLUMNS.key);
                if block.names(INTO.key).iter().any(|name| columns.contains(name)) {
                    return Err("`into` has a name of `columns`; rename in two operators".to_owned());
                }
                check_columns(block, context)
            },
        },
        steps: |block| {
            let step = |(column, made): (&String, String)| Step {
                drops: vec![column.clone()],
                ..Step::new(vec![column.clone()], vec![made])
            };
            renamed(block).map(step).collect()
        },
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

#[derive(Debug)]
struct Rename;

fn new(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(Rename)
}

impl Transform for Rename {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        Ok(Output::Columns(vec![rows.read(0).clone()]))
    }
}
