//! Which columns a configuration reads.

use std::collections::BTreeSet;

use crate::config::{Config, Split, Validation};

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
