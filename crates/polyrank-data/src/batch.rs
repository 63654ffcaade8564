//! Encoded rows, column by column: what the network eats.

/// B encoded rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Number of rows (B).
    pub rows: usize,
    /// One entry a slot of the [`InputLayout`](crate::encode::InputLayout), in its order: rows of embedding tables.
    pub ids: Vec<Ids>,
    /// Numbers, `[B, W]` row by row; W is the layout's dense width.
    pub dense: Vec<f32>,
    /// Labels, `[B, T]` row by row; the index of the class for a task of several; NaN where a label is missing or the row
    /// is outside the task's space. Empty if the rows were encoded without labels.
    pub labels: Vec<f32>,
    /// Weights, `[B, T]` row by row, 0 or above; empty where all are 1, or without labels.
    pub weights: Vec<f32>,
    /// What each row's group is known by, `[B]`, [`NO_GROUP`](crate::encode::NO_GROUP) of none; empty if the
    /// configuration names no groups, or without labels.
    pub groups: Vec<u128>,
}

/// The ids of one slot for B rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Ids {
    /// One id a row, `[B]`.
    One(Vec<u32>),
    /// Any number of ids a row.
    Many {
        /// Where each row's ids begin and end, `[B + 1]`, from 0.
        offsets: Vec<u32>,
        /// All rows' ids, one row after the other.
        ids: Vec<u32>,
    },
}
