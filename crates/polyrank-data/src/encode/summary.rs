//! What fitting found out about the features, for `explain` and the report.

use polyrank_schema::config::FeatureKind;

use super::encoders::Encoders;

/// What is known about a fitted feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSummary {
    /// The feature.
    pub name: String,
    /// The column that it reads.
    pub column: String,
    /// The encoder's name; `vector` for vectors.
    pub encoder: String,
    /// The feature whose encoder and table it uses, if not its own.
    pub table: Option<String>,
    /// Values or buckets that have embedding rows of their own; `None` for numbers.
    pub cardinality: Option<usize>,
    /// Rows of the embedding table, reserved ones included; `None` for numbers.
    pub table_rows: Option<usize>,
    /// Rows that the encoder was fitted on.
    pub rows_seen: u64,
    /// Share of these rows without a value (of list columns: without an item), 0 to 1.
    pub missing: f64,
    /// Whether an operator found it of no use, so that the network does not see it.
    pub omitted: bool,
    /// Range, mean and spread of the numbers; `None` for categories, vectors, and columns without any number.
    pub numbers: Option<NumberSummary>,
}

/// Range, mean and spread of a column of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberSummary {
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The population's standard deviation.
    pub std: f64,
}

impl Encoders {
    /// One summary a feature, as declared.
    pub fn describe(&self) -> Vec<FeatureSummary> {
        let features = self.plan.features.iter().zip(&self.columns).enumerate();
        features
            .map(|(i, (feature, column))| {
                let owner = &self.plan.features[self.plan.owner[i]];
                let encoder = match &owner.kind {
                    FeatureKind::Categorical { encoder, .. }
                    | FeatureKind::Dense { encoder, .. }
                    | FeatureKind::Bucketized { encoder, .. } => encoder.kind.clone(),
                    FeatureKind::Vector { .. } => "vector".to_owned(),
                };
                let (seen, moments, table) = (&column.seen, &column.seen.moments, column.encoder.table());
                FeatureSummary {
                    name: feature.name.clone(),
                    column: feature.column.clone(),
                    encoder,
                    table: (self.plan.owner[i] != i).then(|| owner.name.clone()),
                    cardinality: table.map(|(cardinality, _)| cardinality),
                    table_rows: table.map(|(_, rows)| rows),
                    rows_seen: seen.rows,
                    missing: if seen.rows == 0 { 0.0 } else { seen.missing as f64 / seen.rows as f64 },
                    omitted: self.omitted[i],
                    numbers: (moments.count > 0).then(|| NumberSummary {
                        min: moments.min,
                        max: moments.max,
                        mean: moments.mean,
                        std: moments.std(),
                    }),
                }
            })
            .collect()
    }
}
