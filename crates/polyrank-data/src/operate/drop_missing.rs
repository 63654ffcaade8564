//! `drop_missing`: rows without a value in one of some columns are left out of training and evaluation.

use polyrank_schema::operator::{Effect, never};
use polyrank_schema::spec::{OptionDefault, OptionKind, OptionSpec, no_further_check};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::Input;
use super::operator::{Operator, Output, Setting, Stage, Transform};
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "drop_missing",
            doc: "rows without a value in one of the columns are left out, except by `predict`",
            options: &[OptionSpec {
                key: "columns",
                kind: OptionKind::Columns,
                default: OptionDefault::Required,
                doc: "the columns that must have a value (of lists: an item)",
            }],
            check: no_further_check,
        },
        steps: |block| vec![Step { reads: block.names("columns").to_vec(), effect: Effect::Rows, ..Step::default() }],
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

#[derive(Debug)]
struct DropMissing;

fn new(_: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    Stage::ready(DropMissing)
}

impl Transform for DropMissing {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let mut keep = vec![true; rows.rows()];
        for i in 0..rows.reads() {
            let mut present = vec![false; rows.rows()];
            rows.values(i, |row, _| {
                present[row] = true;
                Ok(())
            })?;
            keep.iter_mut().zip(present).for_each(|(keep, present)| *keep &= present);
        }
        Ok(Output::Rows(keep))
    }
}
