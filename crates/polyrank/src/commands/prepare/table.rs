//! The written rows as a schema: what `schema.pbtxt` beside them says.

use arrow_schema::{DataType, Schema as FileSchema};
use polyrank_data::encode::{Encoders, FeatureSummary};
use polyrank_schema::config::{Config, Feature, FeatureKind, Task, TaskKind};
use polyrank_schema::table::{Domain, SchemaError, ValueType};
use polyrank_schema::{Column, Schema, Tag};

/// The columns of a file, in its order. Columns of weights are left out: they are neither features nor labels.
pub(super) fn table(file: &FileSchema, config: &Config, encoders: &Encoders, raw: bool) -> Result<Schema, SchemaError> {
    let (known, summaries) = (config.table(), encoders.describe());
    let columns = file.fields().iter().filter_map(|field| {
        let name = field.name();
        if raw {
            let column = known.get(name)?;
            let read = Column { value_type: value_type(field.data_type()), ..Column::new(name.as_str()) };
            return Some(read.with(column));
        }
        if let Some(task) = config.tasks.iter().find(|task| task.name == *name) {
            return Some(label(task));
        }
        let feature = config.features.iter().find(|feature| feature.name == *name)?;
        let summary = summaries.iter().find(|summary| summary.name == *name && !summary.omitted)?;
        let tags = known.get(&feature.column).map(|column| column.tags.clone()).unwrap_or_default();
        Some(encoded(Column { tags, ..Column::new(name.as_str()) }, feature, summary, &summaries))
    });
    Schema::new(columns.collect())
}

/// What became of a feature's column; `column` has its name, and the tags that it had.
fn encoded(column: Column, feature: &Feature, summary: &FeatureSummary, all: &[FeatureSummary]) -> Column {
    if let Some(rows) = summary.table_rows {
        let last = i64::try_from(rows).unwrap_or(i64::MAX) - 1;
        let shares = |other: &FeatureSummary| other.table.as_deref() == Some(feature.name.as_str());
        let table = summary.table.clone().or_else(|| all.iter().any(shares).then(|| feature.name.clone()));
        let domain = Domain { name: table, ..Domain::ints(0, last) };
        let column = column.with_tags([Tag::Categorical]).with_type(ValueType::Int).with_domain(domain);
        return match &feature.kind {
            FeatureKind::Categorical { list: Some(list), .. } => {
                let max = list.max_length.and_then(|max| u64::try_from(max).ok());
                column.with_value_count(0, max)
            }
            _ => column,
        };
    }
    match &feature.kind {
        FeatureKind::Vector { size } => {
            let size = u64::try_from(*size).unwrap_or(u64::MAX);
            column.with_tags([Tag::Embedding]).with_type(ValueType::Float).with_value_count(size, Some(size))
        }
        _ => column.with_tags([Tag::Continuous]).with_type(ValueType::Float),
    }
}

/// A task's label, as the network learns it: of several classes its number.
fn label(task: &Task) -> Column {
    let column = Column::new(task.name.as_str()).with_tags([Tag::Target]);
    match &task.kind {
        TaskKind::Binary { .. } => column.with_tags([Tag::Binary]).with_type(ValueType::Float),
        TaskKind::Regression { .. } => column.with_tags([Tag::Regression]).with_type(ValueType::Float),
        TaskKind::MultiClass { classes } => {
            let last = i64::try_from(classes.len()).unwrap_or(i64::MAX) - 1;
            column.with_tags([Tag::MultiClass]).with_type(ValueType::Int).with_domain(Domain::ints(0, last))
        }
    }
}

fn value_type(of: &DataType) -> Option<ValueType> {
    match of {
        DataType::Boolean => Some(ValueType::Bool),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ValueType::Text),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            value_type(item.data_type())
        }
        DataType::Dictionary(_, value) => value_type(value),
        of if of.is_integer() => Some(ValueType::Int),
        of if of.is_floating() => Some(ValueType::Float),
        _ => None,
    }
}
