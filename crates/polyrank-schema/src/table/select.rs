//! Which columns of a schema.

use super::{Column, Tag};

/// A choice among columns: those that any of its conditions holds for, but for those that it excludes.
///
/// Without a condition all columns are chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Select {
    /// Columns with any of these tags.
    pub tags: Vec<Tag>,
    /// Columns with every one of these tags.
    pub all_tags: Vec<Tag>,
    /// Columns of these names.
    pub names: Vec<String>,
    /// What is left out of them: whatever one of these takes.
    pub exclude: Vec<Select>,
}

impl Select {
    /// Columns with any of `tags`.
    pub fn tags(tags: impl IntoIterator<Item = Tag>) -> Select {
        Select { tags: tags.into_iter().collect(), ..Select::default() }
    }

    /// Columns with every one of `tags`.
    pub fn all_tags(tags: impl IntoIterator<Item = Tag>) -> Select {
        Select { all_tags: tags.into_iter().collect(), ..Select::default() }
    }

    /// Columns of these names.
    pub fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Select {
        Select { names: names.into_iter().map(Into::into).collect(), ..Select::default() }
    }

    /// These but for those of `other`, besides what is excluded already.
    pub fn excluding(mut self, other: Select) -> Select {
        self.exclude.push(other);
        self
    }

    /// Whether `column` is chosen.
    pub fn takes(&self, column: &Column) -> bool {
        let all = self.tags.is_empty() && self.all_tags.is_empty() && self.names.is_empty();
        let chosen = all
            || column.tags.any(&self.tags)
            || (!self.all_tags.is_empty() && column.tags.all(&self.all_tags))
            || self.names.contains(&column.name);
        chosen && !self.exclude.iter().any(|exclude| exclude.takes(column))
    }

    /// Every name that it mentions, those that it excludes too.
    pub fn mentioned(&self) -> Vec<&str> {
        let inner = self.exclude.iter().flat_map(|exclude| exclude.mentioned());
        self.names.iter().map(String::as_str).chain(inner).collect()
    }
}
