//! `categorify`: values become ids, as the encoder `vocabulary` gives them: 1 missing, then rows for values that are rare
//! or unseen, then the values by falling frequency. Items of lists become lists of ids.

use std::sync::Arc;

use polyrank_schema::operator::{always, never};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::operator::{Fit, Operator, Output, Setting, Stage, Transform, problem};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column, renamed};
use super::output::whole_numbers;
use super::saved::{Saved, Saver};
use crate::encode::categorical::IdEncoder;
use crate::encode::vocabulary::{Key, MAX_SIZE, MIN_COUNT, OOV_BUCKETS, Options, Vocabulary, VocabularyFit};
use crate::error::DataError;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "categorify",
            doc: "values become ids by falling frequency in the training rows",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "joint",
                    kind: OptionKind::Bool,
                    default: OptionDefault::Always(Literal::Bool(false)),
                    doc: "whether the columns have one vocabulary together",
                },
                MIN_COUNT,
                MAX_SIZE,
                OOV_BUCKETS,
                INTO,
                SUFFIX,
            ],
            check,
        },
        steps,
        fits: always,
        hides_labels: never,
    },
    new,
    load: Some(load),
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    check_columns(block, context)
}

fn steps(block: &Block) -> Vec<Step> {
    if !block.flag("joint") {
        return each_column(block);
    }
    let (reads, writes) = renamed(block).map(|(column, made)| (column.clone(), made)).unzip();
    vec![Step::new(reads, writes)]
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let options = Options::new(block).map_err(|fault| problem(block, fault))?;
    Stage::fit(CategorifyFit { block: block.clone(), fit: VocabularyFit::new(options, None) })
}

/// A fitted vocabulary on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    values: Vec<(Key, u64)>,
}

fn load(block: &Block, _: &Step, saved: &Saved<'_>) -> Result<Arc<dyn Transform>, DataError> {
    let State { values } = saved.json()?;
    let options = Options::new(block).map_err(|fault| problem(block, fault))?;
    let vocabulary = Vocabulary::restore(&options, values).map_err(|fault| saved.refuse(fault))?;
    Ok(Arc::new(Categorify(vocabulary)))
}

#[derive(Debug)]
struct CategorifyFit {
    block: Block,
    fit: VocabularyFit,
}

impl Fit for CategorifyFit {
    fn observe(&mut self, rows: &Input<'_>) -> Result<(), DataError> {
        (0..rows.reads()).try_for_each(|i| {
            rows.values(i, |_, value| {
                self.fit.observe(value);
                Ok(())
            })
        })
    }

    fn merge(&mut self, other: Self) -> Result<(), DataError> {
        self.fit.merge(other.fit);
        Ok(())
    }

    fn finish(self) -> Result<Arc<dyn Transform>, DataError> {
        let vocabulary = self.fit.finish().map_err(|fault| problem(&self.block, fault))?;
        Ok(Arc::new(Categorify(vocabulary)))
    }
}

#[derive(Debug)]
struct Categorify(Vocabulary);

impl Transform for Categorify {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let ids = |i| whole_numbers(rows, i, |value| Some(i64::from(self.0.id(value))));
        Ok(Output::Columns((0..rows.reads()).map(ids).collect::<Result<_, _>>()?))
    }

    fn save(&self, saver: &mut Saver<'_>) -> Result<(), DataError> {
        saver.json(&State { values: self.0.values() })
    }

    fn describe(&self) -> String {
        format!("{} values", self.0.cardinality())
    }
}
