//! Architectures composed of engine ops, the bundle on disk, and the predictor.
//!
//! [`build::network_graph`] turns a configuration and an input layout into a graph; [`bundle`] writes and reads what
//! training made; [`predictor::Predictor`] scores raw rows with it, offline and served alike.

pub mod build;
pub mod bundle;
mod error;
pub mod feed;
pub mod input;
pub mod interaction;
mod layer;
pub mod matching;
pub mod memory;
pub mod multi_task;
pub mod number;
pub mod optimizer;
pub mod options;
pub mod predictor;
pub mod sequence;
pub mod tensors;
mod tower;

pub use build::{Builder, compose, network_graph};
pub use error::ModelError;
pub use predictor::{Predictor, Scores};

use polyrank_schema::Registry;

/// Every block that a configuration can name.
pub fn registry() -> Registry<'static> {
    Registry {
        operators: polyrank_data::operate::SPECS,
        categorical_encoders: polyrank_data::encode::CATEGORICAL,
        dense_encoders: polyrank_data::encode::DENSE,
        number_embeddings: number::SPECS,
        sequences: sequence::SPECS,
        interactions: interaction::SPECS,
        multi_tasks: multi_task::SPECS,
        optimizers: optimizer::SPECS,
    }
}
