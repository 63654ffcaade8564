//! What a configuration asks of the encoders, checked once: a configuration may come from a bundle.

use arrow_array::{ArrayRef, RecordBatch};
use polyrank_schema::config::{Combiner, Config, Feature, FeatureKind, Task, TaskKind};

use super::column::bad_column;
use super::list::ListOptions;
use super::value::plain;
use crate::error::DataError;

/// The features and tasks to encode.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// As declared.
    pub(crate) features: Vec<Feature>,
    /// As declared.
    pub(crate) tasks: Vec<Task>,
    /// For each feature the one whose encoder and table it uses, most often itself.
    pub(crate) owner: Vec<usize>,
    /// The column of weights that all tasks share.
    pub(crate) weight_column: Option<String>,
    /// The column of groups.
    pub(crate) group_column: Option<String>,
    /// Whether items of lists in text are trimmed.
    trim: bool,
}

/// The most numbers of a vector.
const MAX_VECTOR: usize = 1 << 16;

impl Plan {
    pub(crate) fn new(config: &Config) -> Result<Plan, DataError> {
        let features = config.features.clone();
        let owner = (0..features.len()).map(|i| owner(&features, i)).collect::<Result<_, _>>()?;
        Ok(Plan {
            features,
            tasks: config.tasks.clone(),
            owner,
            weight_column: config.data.weight_column.clone(),
            group_column: config.data.group.as_ref().map(|group| group.column.clone()),
            trim: config.data.reading.trim,
        })
    }

    /// Whether rows can weigh other than 1.
    pub(crate) fn weighs(&self) -> bool {
        let of_classes =
            |task: &Task| task.class_weights.is_some() && !matches!(task.kind, TaskKind::Regression { .. });
        let mut tasks = self.tasks.iter();
        self.weight_column.is_some() || tasks.any(|task| !task.weight_columns.is_empty() || of_classes(task))
    }

    /// How the feature's list column is read; `None` if it has one value a row.
    pub(crate) fn list(&self, feature: usize) -> Option<ListOptions> {
        match &self.features[feature].kind {
            FeatureKind::Categorical { list: Some(list), .. } => {
                let last = matches!(list.combiner, Combiner::Sequence(_));
                let separator = list.separator.clone();
                Some(ListOptions { max_length: list.max_length, last, separator, trim: self.trim })
            }
            _ => None,
        }
    }
}

fn owner(features: &[Feature], i: usize) -> Result<usize, DataError> {
    let feature = &features[i];
    if features[..i].iter().any(|other| other.name == feature.name) {
        return Err(bad_column(&feature.column, format!("two features have the name `{}`", feature.name)));
    }
    match &feature.kind {
        FeatureKind::Vector { size } if !(1..=MAX_VECTOR).contains(size) => {
            Err(bad_column(&feature.column, format!("size must be from 1 to {MAX_VECTOR}, not {size}")))
        }
        FeatureKind::Categorical { table: Some(table), .. } => {
            let owns = |f: &Feature| f.name == *table && matches!(f.kind, FeatureKind::Categorical { table: None, .. });
            features.iter().position(owns).ok_or_else(|| {
                let problem = format!(
                    "feature `{}` has table = \"{table}\", but no categorical feature of that name has its own table",
                    feature.name
                );
                bad_column(&feature.column, problem)
            })
        }
        _ => Ok(i),
    }
}

/// A column of the rows by name, as values are read from it.
pub(crate) fn column(batch: &RecordBatch, name: &str) -> Result<ArrayRef, DataError> {
    match batch.column_by_name(name) {
        Some(array) => plain_column(array, name),
        None => Err(missing(name, batch.schema_ref().fields().iter().map(|f| f.name().as_str()))),
    }
}

/// A column as values are read from it.
pub(crate) fn plain_column(array: &ArrayRef, name: &str) -> Result<ArrayRef, DataError> {
    plain(array).map_err(|problem| bad_column(name, problem))
}

/// The error for a column that is not among those of the rows.
pub(crate) fn missing<'a>(name: &str, columns: impl Iterator<Item = &'a str>) -> DataError {
    let nearest = columns.map(|column| (strsim::jaro_winkler(column, name), column));
    let nearest = nearest.filter(|(alike, _)| *alike > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest.map(|(_, name)| format!("; did you mean `{name}`?")).unwrap_or_default();
    bad_column(name, format!("not in the rows{hint}"))
}
