//! What a value has rows for: the batch's rows, or several things of each of them.

/// What a value has one row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// The rows of the batch.
    Rows,
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
            Space::Rows => 1,
            Space::Fields(fields) => fields,
            Space::List { most, extra, .. } => most + extra,
        }
    }

    /// The space's name in messages and tables.
    pub fn name(self) -> String {
        match self {
            Space::Rows => "rows".to_owned(),
            Space::Fields(fields) => format!("{fields} fields a row"),
            Space::List { slot, most, extra: 0 } => format!("up to {most} ids of slot {slot} a row"),
            Space::List { slot, most, extra } => format!("up to {most} ids of slot {slot} and {extra} more a row"),
        }
    }
}
