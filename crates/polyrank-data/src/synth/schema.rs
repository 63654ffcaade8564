//! A design from a schema: tags say what a column is of, domains what it may hold, value counts how long lists are.

use polyrank_schema::table::{Bounds, Column as TableColumn, Schema, Tag, ValueType};

use super::design::{Column, Content, Design, Form, Knobs, Owner, Task, TaskKind};
use crate::DataError;

/// Values of a category whose domain is not known.
const VALUES: u64 = 1000;
/// Users and items where the domain of their id is not known.
const USERS: u64 = 20_000;
const ITEMS: u64 = 5_000;
/// Longest list, where the value count leaves it open.
const LONGEST: u64 = 20;
/// Classes of a label, at most.
const MOST_CLASSES: u64 = 64;
/// Part of rows with label 1, where the schema does not say.
const RATE: f64 = 0.1;

impl Design {
    /// Rows of a schema: its targets are the labels, all else describes the user, the item or the row, as tagged.
    ///
    /// A target may have the properties `rate` (the part of rows with label 1, a number's mean) and `after` (the task
    /// whose label must be 1 first), one of several classes `rates` (the part of each). Of an id's domain three quarters appear from the start; the others are newcomers.
    ///
    /// # Errors
    /// No target, a target of several classes without a domain, a list as a target, or a vector without a fixed length.
    pub fn of(schema: &Schema) -> Result<Design, DataError> {
        let items = schema.columns().iter().find(|column| !column.is_list() && owns(column, Tag::Item));
        let users = schema.columns().iter().find(|column| !column.is_list() && owns(column, Tag::User));
        let count = |id: Option<&TableColumn>, unknown: u64| match id.and_then(int_domain) {
            Some((_, values)) => (values - values / 4).max(1),
            None => unknown,
        };
        let (targets, features) = (schema.targets(), schema.filter(|column| !column.is_target()));
        if targets.is_empty() {
            return Err(DataError::Synth("the schema has no column tagged `target`; tag the labels".to_owned()));
        }
        Ok(Design {
            columns: features.columns().iter().map(|c| column(c, items)).collect::<Result<_, _>>()?,
            tasks: targets.columns().iter().map(task).collect::<Result<_, _>>()?,
            users: count(users, USERS),
            items: count(items, ITEMS),
            knobs: Knobs::default(),
        })
    }
}

fn column(of: &TableColumn, items: Option<&TableColumn>) -> Result<Column, DataError> {
    let named = |problem: &str| DataError::Synth(format!("column `{}`: {problem}", of.name));
    let owner = match () {
        () if of.tags.has(&Tag::User) => Owner::User,
        () if of.tags.has(&Tag::Item) => Owner::Item,
        () => Owner::Context,
    };
    let list = of.is_list().then(|| {
        let count = of.value_count.unwrap_or_default();
        (narrow(count.min), narrow(count.max.unwrap_or(LONGEST.max(count.min))))
    });
    let whole = |unknown: Form| match of.value_type {
        Some(ValueType::Text) => Form::Text,
        Some(ValueType::Float) => Form::Float32,
        Some(ValueType::Int) => Form::Int64,
        Some(ValueType::Bool) => Form::Int8,
        None => unknown,
    };
    if of.tags.has(&Tag::Embedding) {
        let Some(size) = of.value_count.and_then(|count| count.fixed()) else {
            return Err(named("a vector needs a value count whose min and max are one number"));
        };
        let content = Content::Vector { size: narrow(size) };
        return Ok(Column { name: of.name.clone(), owner, content, form: Form::Float32, list: None });
    }
    let category = || {
        let (first, values) = int_domain(of).unwrap_or((0, VALUES));
        Content::Category { first, values }
    };
    let (owner, content, form) = if is_history(of, items) {
        let first = items.and_then(int_domain).map_or(0, |(first, _)| first);
        (Owner::User, Content::History { first }, whole(Form::Int64))
    } else if of.tags.has(&Tag::Time) {
        (Owner::Context, Content::Time, whole(Form::Int64))
    } else if !of.is_list() && [Tag::User, Tag::Item, Tag::Session].into_iter().any(|tag| owns(of, tag)) {
        let (first, limit) = int_domain(of).map_or((0, None), |(first, values)| (first, Some(values)));
        (owner, Content::Id { first, limit }, whole(Form::Int64))
    } else if of.tags.has(&Tag::Continuous)
        || (of.value_type == Some(ValueType::Float) && !of.tags.has(&Tag::Categorical))
    {
        let (min, max) = bounds(of).unwrap_or((0.0, 1.0));
        (owner, Content::Number { min, max }, whole(Form::Float32))
    } else {
        (owner, category(), whole(Form::Int64))
    };
    Ok(Column { name: of.name.clone(), owner, content, form, list })
}

fn task(of: &TableColumn) -> Result<Task, DataError> {
    let bad = |problem: &str| Err(DataError::Synth(format!("column `{}`: {problem}", of.name)));
    let integer = of.value_type == Some(ValueType::Int);
    let two_classes = of.int_bounds().is_none_or(|bounds| bounds == (0, 1));
    let rate = of.properties.get("rate").and_then(|rate| rate.as_f64());
    if of.is_list() {
        return bad("a label is one value a row; leave the list out");
    }
    let (kind, form) = if of.tags.has(&Tag::Regression) {
        let form = if integer { Form::Int64 } else { Form::Float32 };
        match bounds(of) {
            Some((min, max)) => (TaskKind::Bounded { mean: rate.unwrap_or((min + max) / 2.0), min, max }, form),
            None => (TaskKind::Amount { mean: rate.unwrap_or(1.0) }, form),
        }
    } else if of.tags.has(&Tag::MultiClass) || !(two_classes || of.tags.has(&Tag::Binary)) {
        let Some((first, classes)) = int_domain(of) else {
            return bad(
                "labels of several classes are the numbers of a domain; give it one, as `{ min = 0, max = 4 }`",
            );
        };
        if !(2..=MOST_CLASSES).contains(&classes) {
            return bad(&format!("its domain has {classes} numbers; from 2 to {MOST_CLASSES} classes can be made up"));
        }
        let equal = || (0..classes).map(|_| Some(1.0 / classes as f64)).collect();
        let rates = of.properties.get("rates").map_or_else(equal, |rates| {
            rates.as_array().map_or(Vec::new(), |rates| rates.iter().map(|rate| rate.as_f64()).collect())
        });
        let shares: Vec<f64> = rates.iter().copied().flatten().collect();
        if rate.is_some() || shares.len() as u64 != classes {
            return bad(&format!("several classes have `rates`, a list with the part of each, {classes} numbers"));
        }
        let form = match of.value_type {
            Some(ValueType::Text) => Form::Text,
            Some(ValueType::Float) => Form::Float32,
            _ => Form::Int64,
        };
        (TaskKind::Classes { first, shares }, form)
    } else {
        let form = if of.value_type == Some(ValueType::Float) { Form::Float32 } else { Form::Int8 };
        (TaskKind::Binary { rate: rate.unwrap_or(RATE) }, form)
    };
    let after = of.properties.get("after").and_then(|after| after.as_str()).map(str::to_owned);
    Ok(Task { name: of.name.clone(), kind, after, form })
}

/// Whether a column is the id of the user, item or session.
fn owns(column: &TableColumn, of: Tag) -> bool {
    column.tags.all(&[of, Tag::Id])
}

/// Whether a list holds the ids of items: tagged so, or of one domain with the item's id.
fn is_history(column: &TableColumn, items: Option<&TableColumn>) -> bool {
    let same = |items: &TableColumn| items.domain_name().is_some() && items.domain_name() == column.domain_name();
    column.is_list() && items.is_some_and(|items| same(items) || owns(column, Tag::Item))
}

/// The smallest whole number of a domain, and how many there are.
fn int_domain(column: &TableColumn) -> Option<(i64, u64)> {
    let (min, max) = column.int_bounds()?;
    let values = u64::try_from(i128::from(max) - i128::from(min) + 1).ok()?;
    Some((min, values))
}

/// The bounds of a domain of any numbers.
fn bounds(column: &TableColumn) -> Option<(f64, f64)> {
    match column.domain.as_ref()?.bounds {
        Bounds::Int { min: Some(min), max: Some(max) } => Some((min as f64, max as f64)),
        Bounds::Float { min: Some(min), max: Some(max) } => Some((min, max)),
        _ => None,
    }
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
