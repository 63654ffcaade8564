//! Which columns a configuration reads.

use std::collections::BTreeSet;

use crate::config::{Config, Feature, FeatureKind, Side, Split, Task, TaskKind, Validation};
use crate::table::{Bounds, Column, Domain, Schema, Tag, ValueCount, ValueType};

impl Config {
    /// The columns that the features read and, `with_labels`, those of the tasks: each once, in the order declared.
    ///
    /// Splitting off validation rows may take one more, see [`Config::group_column`].
    pub fn columns_needed(&self, with_labels: bool) -> Vec<String> {
        let labels = self.tasks.iter().map(|t| &t.column).filter(|_| with_labels);
        let mut seen = BTreeSet::new();
        let columns = self.features.iter().map(|f| &f.column).chain(labels);
        columns.filter(|c| seen.insert(c.as_str())).cloned().collect()
    }

    /// The column whose values decide which training rows are set aside for validation, if one does.
    pub fn group_column(&self) -> Option<&str> {
        match &self.data.valid {
            Validation::Fraction { split: Split::Group(column), .. } => Some(column),
            _ => None,
        }
    }
}

impl Config {
    /// The table that the configuration reads, as far as it says what columns are: its `schema`, and what features and
    /// tasks tell of theirs.
    pub fn table(&self) -> Schema {
        let owners: BTreeSet<&str> = self.features.iter().filter_map(|feature| table_of(feature)).collect();
        let features = self.features.iter().map(|feature| of_feature(feature, &owners, &self.schema));
        let mut told: Vec<Column> = Vec::new();
        for column in features.chain(self.tasks.iter().map(of_task)) {
            // Where two read one column, the first says what it is.
            if !told.iter().any(|other| other.name == column.name) {
                told.push(column);
            }
        }
        // Names were checked, and what is told of each fits together.
        &Schema::new(told).unwrap_or_default() + &self.schema
    }
}

/// The feature whose table another one shares.
fn table_of(feature: &Feature) -> Option<&str> {
    match &feature.kind {
        FeatureKind::Categorical { table, .. } => table.as_deref(),
        _ => None,
    }
}

fn of_feature(feature: &Feature, owners: &BTreeSet<&str>, schema: &Schema) -> Column {
    let side = match feature.side {
        Side::Context => Tag::Context,
        Side::Item => Tag::Item,
    };
    // Whom a column describes is said better by the one who tagged it.
    let said = schema
        .get(&feature.column)
        .is_some_and(|column| column.tags.any(&[Tag::User, Tag::Session, Tag::Context, Tag::Item]));
    let column = Column::new(feature.column.as_str()).with_tags(Some(side).filter(|_| !said));
    match &feature.kind {
        FeatureKind::Categorical { encoder, list, table, .. } => {
            let size = i64::try_from(encoder.size("size")).unwrap_or(0);
            let bounds = match encoder.kind.as_str() {
                "identity" if size > 0 => Bounds::Int { min: Some(0), max: Some(size - 1) },
                _ => Bounds::Unknown,
            };
            let own = owners.contains(feature.name.as_str()).then_some(feature.name.as_str());
            let domain = Domain { name: table.as_deref().or(own).map(str::to_owned), bounds };
            let value_type = (bounds != Bounds::Unknown).then_some(ValueType::Int);
            let max = list.as_ref().and_then(|list| list.max_length).and_then(|max| u64::try_from(max).ok());
            Column {
                domain: Some(domain).filter(|domain| *domain != Domain::default()),
                value_type,
                value_count: list.as_ref().map(|_| ValueCount { min: 0, max }),
                ..column.with_tags([Tag::Categorical])
            }
        }
        FeatureKind::Dense { .. } | FeatureKind::Bucketized { .. } => {
            column.with_tags([Tag::Continuous]).with_type(ValueType::Float)
        }
        FeatureKind::Vector { size } => {
            let size = u64::try_from(*size).unwrap_or(0);
            column.with_tags([Tag::Embedding]).with_type(ValueType::Float).with_value_count(size, Some(size))
        }
    }
}

fn of_task(task: &Task) -> Column {
    let column = Column::new(task.column.as_str()).with_tags([Tag::Target]);
    match task.kind {
        TaskKind::Binary { .. } => column.with_tags([Tag::Binary]),
        TaskKind::Regression { .. } => column.with_tags([Tag::Regression]).with_type(ValueType::Float),
    }
}
