//! Which columns a configuration reads.

use std::collections::BTreeSet;

use crate::config::{Config, Feature, FeatureKind, Side, Split, Task, TaskKind, Validation};
use crate::flow::{Demand, trace};
use crate::table::{Bounds, Column, Domain, Schema, Tag, ValueCount, ValueType};

impl Config {
    /// The raw columns that features are made of and, `with_labels`, those that tasks are made of and that decide which
    /// rows are kept: each once, in the order declared.
    ///
    /// Fitting may take more, see [`Config::columns_to_fit`].
    pub fn columns_needed(&self, with_labels: bool) -> Vec<String> {
        self.trace_applied(with_labels).raw
    }

    /// The raw columns that training reads: those of [`Config::columns_needed`], and those that operators are fitted on
    /// and validation rows are split off by.
    pub fn columns_to_fit(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let columns = self.trace_applied(true).raw.into_iter().chain(self.trace_fitted().raw);
        columns.chain(self.group_columns()).filter(|column| seen.insert(column.clone())).collect()
    }

    /// The column whose values decide which training rows are set aside for validation, if one does.
    pub fn group_column(&self) -> Option<&str> {
        match &self.data.valid {
            Validation::Fraction { split: Split::Group(column), .. } => Some(column),
            _ => None,
        }
    }

    /// The raw columns that [`Config::group_column`] is made of.
    fn group_columns(&self) -> Vec<String> {
        let steps: Vec<_> = self.steps().map(|(_, step)| step).collect();
        trace(&steps, self.group_column(), |_| Demand::Apply).raw
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
    match &task.kind {
        TaskKind::MultiClass { classes } => {
            let column = column.with_tags([Tag::MultiClass]);
            let numbered = classes.iter().enumerate().all(|(i, class)| *class == i.to_string());
            let last = i64::try_from(classes.len()).unwrap_or(i64::MAX) - 1;
            if !numbered {
                return column;
            }
            let bounds = Bounds::Int { min: Some(0), max: Some(last) };
            Column { domain: Some(Domain { name: None, bounds }), ..column.with_type(ValueType::Int) }
        }
        TaskKind::Binary { .. } => column.with_tags([Tag::Binary]),
        TaskKind::Regression { .. } => column.with_tags([Tag::Regression]).with_type(ValueType::Float),
    }
}
