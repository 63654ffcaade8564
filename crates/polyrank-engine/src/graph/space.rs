//! What a value has rows for: the batch's rows, several things of each of them, or all of them at once.

/// What a value has one row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// The rows of the batch.
    Rows,
    /// All rows at once: numbers that belong to no row, `[1, width]`.
    Once,
    /// So many things of each row: its feature fields, or the dimensions of an embedding.
    Fields(usize),
    /// Each row's list of ids in a slot, in order.
    List {
        /// The slot.
        slot: usize,
        /// Ids a row, at most.
        most: usize,
        /// Things that follow each row's ids (the target at the end of a history).
        extra: usize,
    },
}

impl Space {
    /// Rows of the value for a row of the batch, at most.
    pub fn most(self) -> usize {
        match self {
            Space::Rows | Space::Once => 1,
            Space::Fields(fields) => fields,
            Space::List { most, extra, .. } => most + extra,
        }
    }

    /// As [`Space::most`], but 0 for what all rows share: what a row costs.
    pub fn each(self) -> usize {
        if self == Space::Once { 0 } else { self.most() }
    }

    /// The space's name in messages and tables.
    pub fn name(self) -> String {
        match self {
            Space::Rows => "rows".to_owned(),
            Space::Once => "all rows at once".to_owned(),
            Space::Fields(fields) => format!("{fields} fields a row"),
            Space::List { slot, most, extra: 0 } => format!("up to {most} ids of slot {slot} a row"),
            Space::List { slot, most, extra } => format!("up to {most} ids of slot {slot} and {extra} more a row"),
        }
    }
}
