//! Cells of a column, and the error that names one.

use crate::error::DataError;

/// Which cells to visit: (row of the batch, index into the array), in order.
pub(crate) trait Cells: Iterator<Item = (usize, usize)> {}
impl<I: Iterator<Item = (usize, usize)>> Cells for I {}

/// All `n` cells of a column with one value a row.
pub(crate) fn each_row(n: usize) -> impl Cells {
    (0..n).map(|i| (i, i))
}

/// A cell that its feature or label cannot take.
#[derive(Debug)]
pub(crate) struct BadCell {
    /// Row of the batch, from 0.
    pub(crate) row: usize,
    /// What is wrong and what to do.
    pub(crate) problem: String,
}

impl BadCell {
    pub(crate) fn of(self, column: &str) -> DataError {
        DataError::BadCell { column: column.to_owned(), row: self.row, problem: self.problem }
    }
}

/// A problem with a whole column.
pub(crate) fn bad_column(column: &str, problem: impl Into<String>) -> DataError {
    DataError::BadValue { column: column.to_owned(), problem: problem.into() }
}
