//! What a column's tags, type and domain decide about a feature or a task, where nobody says otherwise.

use super::{Bounds, Column, Tag, ValueType};
use crate::config::Side;
use crate::named::{Goal, Kind};

/// A choice, and the words that say why.
pub(crate) type Decision<T> = (T, String);

/// Rows of an identity table at most: a column whose numbers go further is better off with a vocabulary.
const IDENTITY_ROWS: u64 = 1 << 24;

/// How a categorical column's values become ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// They are ids below this number.
    Identity(u64),
    /// They are looked up; rarer ones than this have no row of their own.
    Vocabulary(u64),
}

fn tag(tag: &Tag) -> String {
    format!("tag {tag}")
}

/// The first of `tags` that the column has.
fn first<'t>(column: &Column, tags: &'t [Tag]) -> Option<&'t Tag> {
    tags.iter().find(|tag| column.tags.has(tag))
}

/// What a column is to the network; nothing if it does not say.
pub(crate) fn kind(column: &Column) -> Option<Decision<Kind>> {
    let several = column.value_count.is_some();
    let vector = |because: String| match column.value_count.and_then(|count| count.fixed()) {
        Some(count) => (Kind::Vector, format!("{because}, {count} values a row")),
        None => (Kind::Dense, because),
    };
    if column.tags.has(&Tag::Embedding) {
        return Some((Kind::Vector, tag(&Tag::Embedding)));
    }
    if let Some(found) = first(column, &[Tag::Categorical, Tag::Id]) {
        return Some((Kind::Categorical, tag(found)));
    }
    if column.tags.has(&Tag::Continuous) {
        return Some(vector(tag(&Tag::Continuous)));
    }
    match column.value_type {
        Some(ValueType::Float) if !several || column.value_count.is_some_and(|count| count.fixed().is_some()) => {
            return Some(vector("type float".to_owned()));
        }
        Some(ValueType::Text) => return Some((Kind::Categorical, "type text".to_owned())),
        Some(ValueType::Bool) => return Some((Kind::Categorical, "type bool".to_owned())),
        _ => {}
    }
    if let Some(found) = first(column, &[Tag::Sequence, Tag::List, Tag::Text, Tag::Tokenized]) {
        return Some((Kind::Categorical, tag(found)));
    }
    column.tags.has(&Tag::Time).then(|| (Kind::Dense, tag(&Tag::Time)))
}

/// Whom it describes.
pub(crate) fn side(column: &Column) -> Option<Decision<Side>> {
    let item = first(column, &[Tag::Item]).map(|found| (Side::Item, tag(found)));
    item.or_else(|| first(column, &[Tag::User, Tag::Session, Tag::Context]).map(|found| (Side::Context, tag(found))))
}

/// How its values become ids, if it is categorical.
pub(crate) fn encoding(column: &Column) -> Option<Decision<Encoding>> {
    match (column.domain.as_ref().map(|domain| domain.bounds), column.cardinality()) {
        (Some(Bounds::Int { .. }), Some(size)) if size <= IDENTITY_ROWS => {
            Some((Encoding::Identity(size), format!("domain to {}", size - 1)))
        }
        _ if column.tags.has(&Tag::Id) => {
            Some((Encoding::Vocabulary(2), "tag id: one seen once trains the row of unseen ones".to_owned()))
        }
        _ => None,
    }
}

/// What is learned of a label; nothing if it does not say.
pub(crate) fn goal(column: &Column) -> Option<Decision<Goal>> {
    if column.tags.has(&Tag::Regression) {
        return Some((Goal::Regression, tag(&Tag::Regression)));
    }
    if column.tags.has(&Tag::MultiClass) {
        return Some((Goal::MultiClass, tag(&Tag::MultiClass)));
    }
    if column.tags.has(&Tag::Binary) {
        return Some((Goal::Binary, tag(&Tag::Binary)));
    }
    if column.value_type == Some(ValueType::Bool) {
        return Some((Goal::Binary, "type bool".to_owned()));
    }
    if column.int_bounds() == Some((0, 1)) {
        return Some((Goal::Binary, "domain 0 to 1".to_owned()));
    }
    if column.tags.has(&Tag::Continuous) {
        return Some((Goal::Regression, tag(&Tag::Continuous)));
    }
    if let Some(found) = first(column, &[Tag::Classification, Tag::Categorical]) {
        return Some((Goal::MultiClass, tag(found)));
    }
    (column.value_type == Some(ValueType::Float)).then(|| (Goal::Regression, "type float".to_owned()))
}
