//! What the network is told about its input: tables, slots and dense columns.

/// What a fitted set of encoders gives the network, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct InputLayout {
    /// The embedding tables.
    pub tables: Vec<TableLayout>,
    /// The slots: columns of ids, `Batch::ids` in the same order.
    pub slots: Vec<SlotLayout>,
    /// The dense inputs, `Batch::dense` in the same order.
    pub dense: Vec<DenseLayout>,
}

/// One embedding table to be.
#[derive(Debug, Clone, PartialEq)]
pub struct TableLayout {
    /// The feature that owns it.
    pub name: String,
    /// Its rows: reserved ids (padding, missing, out-of-vocabulary) and values.
    pub rows: usize,
    /// Its dimension (D), if the configuration gives one.
    pub dim: Option<usize>,
}

/// One column of ids.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotLayout {
    /// The feature.
    pub feature: String,
    /// Index of its table in [`InputLayout::tables`].
    pub table: usize,
    /// How several ids of a row become one vector; `None` for exactly one id a row.
    pub combiner: Option<polyrank_schema::config::Combiner>,
    /// What it describes.
    pub side: polyrank_schema::config::Side,
}

/// One or more columns of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseLayout {
    /// The feature.
    pub feature: String,
    /// Number of columns.
    pub width: usize,
    /// What it describes.
    pub side: polyrank_schema::config::Side,
}
