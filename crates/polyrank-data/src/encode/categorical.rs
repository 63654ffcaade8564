//! The encoders of categorical features behind one face, and ids of whole columns.

use std::fmt::Debug;

use arrow_array::Array;
use polyrank_schema::Block;

use super::MAX_ROWS;
use super::column::{BadCell, each_row};
use super::hash::{self, Hash};
use super::identity::{self, Identity, IdentityFit};
use super::list::{ListOptions, visit_items};
use super::row_name::RowName;
use super::together::Together;
use super::value::{Value, visit};
use super::vocabulary::{self, Key, Options, Vocabulary, VocabularyFit};
use crate::batch::Ids;

/// Turns values into rows of an embedding table.
pub(crate) trait IdEncoder: Debug + Send + Sync {
    /// The row of a value.
    fn id(&self, value: Value<'_>) -> u32;
    /// Rows of the table, reserved ones included.
    fn rows(&self) -> usize;
    /// Values or buckets that have rows of their own.
    fn cardinality(&self) -> usize;
    /// What each row from 2 on stands for.
    fn row_names(&self) -> Box<dyn Iterator<Item = RowName> + '_>;
}

/// Refuses tables that ids of 32 bits cannot address.
pub(crate) fn table_rows(rows: usize) -> Result<(), String> {
    if rows > MAX_ROWS {
        return Err(format!(
            "{rows} embedding rows, but a table has at most {MAX_ROWS}; raise min_count, set max_size or use `hash`"
        ));
    }
    Ok(())
}

/// An encoder that is being fitted.
#[derive(Debug)]
pub(crate) enum CategoricalFit {
    Vocabulary(Box<VocabularyFit>),
    Hash(Hash),
    Identity(IdentityFit),
}

impl CategoricalFit {
    /// `vocabulary` is that of the file which the block names, if it does.
    pub(crate) fn new(block: &Block, vocabulary: Option<Vec<Key>>) -> Result<CategoricalFit, String> {
        match block.kind.as_str() {
            kind if kind == vocabulary::SPEC.name => {
                Ok(CategoricalFit::Vocabulary(Box::new(VocabularyFit::new(Options::new(block)?, vocabulary))))
            }
            kind if kind == hash::SPEC.name => Ok(CategoricalFit::Hash(Hash::new(block)?)),
            kind if kind == identity::SPEC.name => Ok(CategoricalFit::Identity(IdentityFit::new(block)?)),
            kind => Err(format!("no encoder `{kind}` for categorical features")),
        }
    }

    /// Takes in a column; gives how many of its rows have a value.
    pub(crate) fn observe(&mut self, array: &dyn Array, list: Option<&ListOptions>) -> Result<u64, BadCell> {
        match self {
            CategoricalFit::Vocabulary(fit) => {
                let mut naturals = Together::new();
                let present = each_value(array, list, |value| {
                    match value {
                        Value::Natural(n) if !naturals.add(n) => {}
                        Value::Natural(_) => fit.observe_naturals(naturals.take()),
                        value => fit.observe(value),
                    }
                    Ok(())
                })?;
                fit.observe_naturals(naturals.take());
                Ok(present)
            }
            CategoricalFit::Hash(_) => each_value(array, list, |_| Ok(())),
            CategoricalFit::Identity(fit) => each_value(array, list, |value| fit.observe(value)),
        }
    }

    /// Two fits of one configuration; fits of different kinds are left as they are.
    pub(crate) fn merge(&mut self, other: CategoricalFit) {
        match (self, other) {
            (CategoricalFit::Vocabulary(fit), CategoricalFit::Vocabulary(other)) => fit.merge(*other),
            (CategoricalFit::Identity(fit), CategoricalFit::Identity(other)) => fit.merge(other),
            _ => {}
        }
    }

    pub(crate) fn finish(self) -> Result<Categorical, String> {
        match self {
            CategoricalFit::Vocabulary(fit) => fit.finish().map(Categorical::Vocabulary),
            CategoricalFit::Hash(hash) => Ok(Categorical::Hash(hash)),
            CategoricalFit::Identity(fit) => Ok(Categorical::Identity(fit.finish())),
        }
    }
}

/// Calls `f` with each value of a column; gives how many of its rows have one. Generic so that the loop calls the encoder
/// directly.
fn each_value(
    array: &dyn Array,
    list: Option<&ListOptions>,
    mut f: impl FnMut(Value<'_>) -> Result<(), String>,
) -> Result<u64, BadCell> {
    let mut present = 0;
    match list {
        None => visit(array, each_row(array.len()), |_, value| {
            present += u64::from(value != Value::Missing);
            f(value)
        })?,
        Some(list) => {
            let mut next = 0;
            visit_items(array, list, |row, value| {
                if row >= next {
                    present += 1;
                    next = row + 1;
                }
                f(value)
            })?;
        }
    }
    Ok(present)
}

/// A fitted encoder.
#[derive(Debug)]
pub(crate) enum Categorical {
    Vocabulary(Vocabulary),
    Hash(Hash),
    Identity(Identity),
}

impl Categorical {
    fn encoder(&self) -> &dyn IdEncoder {
        match self {
            Categorical::Vocabulary(encoder) => encoder,
            Categorical::Hash(encoder) => encoder,
            Categorical::Identity(encoder) => encoder,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.encoder().rows()
    }

    pub(crate) fn cardinality(&self) -> usize {
        self.encoder().cardinality()
    }

    pub(crate) fn row_names(&self) -> Box<dyn Iterator<Item = RowName> + '_> {
        self.encoder().row_names()
    }

    /// The ids of a column.
    pub(crate) fn ids(&self, array: &dyn Array, list: Option<&ListOptions>) -> Result<Ids, BadCell> {
        match self {
            Categorical::Vocabulary(encoder) => ids(encoder, array, list),
            Categorical::Hash(encoder) => ids(encoder, array, list),
            Categorical::Identity(encoder) => ids(encoder, array, list),
        }
    }
}

/// Generic so that the loop over values calls the encoder directly.
fn ids<E: IdEncoder>(encoder: &E, array: &dyn Array, list: Option<&ListOptions>) -> Result<Ids, BadCell> {
    let rows = array.len();
    let mut column = Column { encoder, naturals: Together::new(), ids: Vec::with_capacity(rows), length: 0 };
    let Some(list) = list else {
        visit(array, each_row(rows), |_, value| {
            column.push(value);
            Ok(())
        })?;
        return Ok(Ids::One(column.finish()));
    };
    let mut offsets = Vec::with_capacity(rows + 1);
    visit_items(array, list, |row, value| {
        let end = u32::try_from(column.length).ok().filter(|n| *n < u32::MAX);
        let end = end.ok_or("more than 2^32 list items in one batch; use smaller batches")?;
        while offsets.len() <= row {
            offsets.push(end);
        }
        column.push(value);
        Ok(())
    })?;
    offsets.resize(rows + 1, column.length as u32);
    Ok(Ids::Many { offsets, ids: column.finish() })
}

/// A column's ids as its values come.
struct Column<'a, E> {
    encoder: &'a E,
    /// Values whose ids come next.
    naturals: Together,
    ids: Vec<u32>,
    /// Values so far.
    length: usize,
}

impl<E: IdEncoder> Column<'_, E> {
    #[inline]
    fn push(&mut self, value: Value<'_>) {
        self.length += 1;
        match value {
            Value::Natural(n) if !self.naturals.add(n) => {}
            Value::Natural(_) => self.settle(),
            value => {
                self.settle();
                self.ids.push(self.encoder.id(value));
            }
        }
    }

    /// Looks up what waits.
    fn settle(&mut self) {
        let naturals = self.naturals.take().iter();
        self.ids.extend(naturals.map(|&n| self.encoder.id(Value::Natural(n))));
    }

    fn finish(mut self) -> Vec<u32> {
        self.settle();
        self.ids
    }
}
