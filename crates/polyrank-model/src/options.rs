//! From a configuration to the engine's training settings.

use polyrank_engine::{Normaliser, TrainerOptions};
use polyrank_schema::Config;
use polyrank_schema::config::{Normaliser as Configured, PenaltyScope};

use crate::optimizer::optimizer;

/// The engine's settings for a configuration.
pub fn trainer_options(config: &Config, threads: usize) -> TrainerOptions {
    let (model, train) = (&config.model, &config.train);
    TrainerOptions {
        optimizer: optimizer(&train.optimizer),
        embedding_optimizer: optimizer(&train.embedding_optimizer),
        normaliser: match train.normaliser {
            Configured::WeightSum => Normaliser::WeightSum,
            Configured::Count => Normaliser::Count,
            Configured::Batch => Normaliser::Batch,
            Configured::Sum => Normaliser::Sum,
        },
        layer_penalty: (model.l1, model.l2),
        embedding_penalty: (model.l1_embedding, model.l2_embedding),
        penalise_whole_tables: model.embedding_penalty == PenaltyScope::Table,
        clip_norm: train.clip_norm,
        seed: train.seed,
        threads,
    }
}
