//! The input block: one field a feature, context columns before item columns.
//!
//! Context first, so that serving can compute the context's part of the first layer once a request.

use polyrank_data::encode::TableLayout;
use polyrank_engine::{GraphError, Init, Pooling, Table, Value};
use polyrank_schema::config::{AutoDim, Combiner, EmbeddingInit, FeatureKind, Side};

use crate::build::Builder;
use crate::{number, sequence};

/// Whose input it is: networks with different prefixes share nothing, tables included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Starts the names of its tables, values and layers.
    pub prefix: String,
    /// The tasks that read it: each of them gets the logits that an interaction adds.
    pub tasks: Vec<usize>,
}

/// One feature as the network reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The feature.
    pub feature: String,
    /// `[B, D]`.
    pub value: Value,
    /// Whether it is an embedding, and not a number or a vector as it stands.
    pub embedding: bool,
}

/// All features of a scope.
#[derive(Debug, Clone)]
pub struct Input {
    /// Whose they are.
    pub scope: Scope,
    /// One a feature (F of them).
    pub fields: Vec<Field>,
    /// All fields side by side, `[B, W]`.
    pub value: Value,
}

impl Builder<'_> {
    /// What all tasks share.
    pub fn everyone(&self) -> Scope {
        Scope { prefix: String::new(), tasks: (0..self.config.tasks.len()).collect() }
    }

    /// What a task has for itself; its names start with the task's.
    pub fn alone(&self, task: usize) -> Scope {
        Scope { prefix: format!("{}/", self.config.tasks[task].name), tasks: vec![task] }
    }

    /// What a multi-task block reads: the features after the configured interaction, `[B, W]`.
    pub fn input(&mut self, scope: &Scope) -> Result<Value, GraphError> {
        let input = self.features(scope)?;
        crate::interaction::build(self, &input)
    }

    /// How embedding rows start.
    pub(crate) fn embedding_init(&self) -> Init {
        match self.config.model.embedding_init {
            EmbeddingInit::Normal { std } => Init::Normal(std),
            EmbeddingInit::Uniform { limit } => Init::Uniform(limit),
        }
    }

    /// The features of a scope, each a field, before any interaction.
    pub fn features(&mut self, scope: &Scope) -> Result<Input, GraphError> {
        let prefix = &scope.prefix;
        let init = self.embedding_init();
        let layout = self.layout;
        let (mut tables, mut dims) = (Vec::new(), Vec::new());
        for table in &layout.tables {
            let dim = table.dim.unwrap_or_else(|| auto_dim(self.config.model.auto_dim, table));
            dims.push(dim);
            let declared = self.graph.table(&format!("{prefix}table.{}", table.name), table.rows, dim, init)?;
            let feature = self.config.features.iter().find(|feature| feature.name == table.name);
            if feature.and_then(|feature| feature.pretrained.as_ref()).is_some_and(|vectors| !vectors.trainable) {
                self.graph.freeze(declared);
            }
            tables.push(declared);
        }
        let mut fields = Vec::new();
        for side in [Side::Context, Side::Item] {
            for slot in (0..layout.slots.len()).filter(|&slot| layout.slots[slot].side == side) {
                let value = self.embedding(prefix, slot, &tables)?;
                // A sequence encoder may give more than one embedding's dimensions.
                let embedding = self.graph.width(value) == dims[layout.slots[slot].table];
                fields.push(Field { feature: layout.slots[slot].feature.clone(), value, embedding });
            }
            let mut from = 0;
            for dense in &layout.dense {
                if dense.side == side {
                    let value = self.graph.dense(&format!("{prefix}dense.{}", dense.feature), from, dense.width)?;
                    let block = self.config.features.iter().find_map(|feature| match &feature.kind {
                        FeatureKind::Dense { embedding, .. } if feature.name == dense.feature => embedding.as_ref(),
                        _ => None,
                    });
                    let value = match block {
                        Some(block) => number::build(self, block, prefix, &dense.feature, value)?,
                        None => value,
                    };
                    fields.push(Field { feature: dense.feature.clone(), value, embedding: block.is_some() });
                }
                from += dense.width;
            }
        }
        if fields.is_empty() {
            return Err(GraphError { block: "input".to_owned(), problem: "there are no features".to_owned() });
        }
        let values: Vec<Value> = fields.iter().map(|field| field.value).collect();
        let value = self.graph.concat(&format!("{prefix}input"), &values)?;
        Ok(Input { scope: scope.clone(), fields, value })
    }

    /// The embedding of a slot's id or ids, `[B, D]`.
    fn embedding(&mut self, prefix: &str, slot: usize, tables: &[Table]) -> Result<Value, GraphError> {
        let layout = &self.layout.slots[slot];
        let name = format!("{prefix}embedding.{}", layout.feature);
        let pooling = match &layout.combiner {
            None => Pooling::One,
            Some(Combiner::Sum) => Pooling::Sum,
            Some(Combiner::Mean) => Pooling::Mean,
            Some(Combiner::Max) => Pooling::Max,
            Some(Combiner::Sequence(block)) => return sequence::build(self, block, prefix, slot, tables),
        };
        self.graph.lookup(&name, slot, tables[layout.table], pooling)
    }

    /// The fields at one embedding dimension D, `F × [B, D]`, for interactions that need equal ones: the largest of the
    /// embeddings' dimensions, and a linear projection without bias (`fields.FEATURE`) for each field of another width.
    /// A number thus becomes a vector times the number (AutoInt, Song et al. 2019, Eq. 4).
    pub fn equal_fields(&mut self, input: &Input) -> Result<Vec<Value>, GraphError> {
        let prefix = &input.scope.prefix;
        let dims = input.fields.iter().filter(|field| field.embedding).map(|field| self.graph.width(field.value));
        let dim = dims.max().unwrap_or(DIM_OF_NUMBERS);
        let mut values = Vec::new();
        for field in &input.fields {
            let as_it_is = field.embedding && self.graph.width(field.value) == dim;
            values.push(if as_it_is {
                field.value
            } else {
                self.project(&format!("{prefix}fields.{}", field.feature), field.value, dim)?
            });
        }
        Ok(values)
    }
}

/// Embedding dimension of numbers where no feature has an embedding.
const DIM_OF_NUMBERS: usize = 8;

fn auto_dim(rule: AutoDim, table: &TableLayout) -> usize {
    match rule {
        AutoDim::Four => 4,
        // ceil(2·card^0.25), up to a multiple of 8.
        AutoDim::Root => ((2.0 * (table.rows as f64).powf(0.25)).ceil() as usize).next_multiple_of(8),
    }
}
