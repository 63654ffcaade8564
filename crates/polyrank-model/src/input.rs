//! The input block: embeddings ⧺ dense, context columns before item columns, `[B, W]`.
//!
//! Context first, so that serving can compute the context's part of the first layer once a request.

use polyrank_data::encode::TableLayout;
use polyrank_engine::{GraphError, Init, Pooling, Value};
use polyrank_schema::config::{AutoDim, Combiner, EmbeddingInit, Side};

use crate::build::Builder;

impl Builder<'_> {
    /// The network's input after the configured interaction. `prefix` starts the names of its tables and values: inputs
    /// with different prefixes share nothing.
    pub fn input(&mut self, prefix: &str) -> Result<Value, GraphError> {
        let init = match self.config.model.embedding_init {
            EmbeddingInit::Normal { std } => Init::Normal(std),
            EmbeddingInit::Uniform { limit } => Init::Uniform(limit),
        };
        let layout = self.layout;
        let mut tables = Vec::new();
        for table in &layout.tables {
            let dim = table.dim.unwrap_or_else(|| auto_dim(self.config.model.auto_dim, table));
            tables.push(self.graph.table(&format!("{prefix}table.{}", table.name), table.rows, dim, init)?);
        }
        let mut parts = Vec::new();
        for side in [Side::Context, Side::Item] {
            for (slot, part) in layout.slots.iter().enumerate().filter(|(_, s)| s.side == side) {
                let pooling = match part.combiner {
                    None => Pooling::One,
                    Some(Combiner::Sum) => Pooling::Sum,
                    Some(Combiner::Mean) => Pooling::Mean,
                    Some(Combiner::Max) => Pooling::Max,
                };
                let name = format!("{prefix}embedding.{}", part.feature);
                parts.push(self.graph.lookup(&name, slot, tables[part.table], pooling)?);
            }
            let mut from = 0;
            for dense in &layout.dense {
                if dense.side == side {
                    parts.push(self.graph.dense(&format!("{prefix}dense.{}", dense.feature), from, dense.width)?);
                }
                from += dense.width;
            }
        }
        if parts.is_empty() {
            return Err(GraphError { block: "input".to_owned(), problem: "there are no features".to_owned() });
        }
        let input = self.graph.concat(&format!("{prefix}input"), &parts)?;
        crate::interaction::build(self, prefix, input)
    }
}

fn auto_dim(rule: AutoDim, table: &TableLayout) -> usize {
    match rule {
        AutoDim::Four => 4,
        // ceil(2·card^0.25), up to a multiple of 8.
        AutoDim::Root => ((2.0 * (table.rows as f64).powf(0.25)).ceil() as usize).next_multiple_of(8),
    }
}
