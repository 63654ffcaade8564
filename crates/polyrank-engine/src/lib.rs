//! A static-graph training engine for ranking networks.
//!
//! A [`graph::Graph`] says which values there are and which op makes each; a [`network::Network`] holds its numbers;
//! [`exec::train::Trainer`] and [`exec::score::Scorer`] run it over micro-batches that stay in cache. Results depend on
//! rows, seed and settings, never on threads or batch neighbours.
//!
//! Letters: B rows, D embedding dimension, T tasks, E experts.

pub mod exec;
pub mod graph;
mod kernels;
pub mod loss;
pub mod network;
pub mod ops;
pub mod optim;
mod params;
mod plan;
mod real;
mod rng;
mod table;

pub use exec::feed::{Feed, FeedError, SlotIds};
pub use exec::held;
pub use exec::score::Scorer;
pub use exec::targets::Targets;
pub use exec::train::{StepReport, Trainer, TrainerOptions};
pub use graph::{Graph, GraphError, Init, Layer, NodeSummary, Pooling, Precision, Space, Stretch, Table, Value};
pub use kernels::{Isa, Lying, copying, peak};
pub use loss::{Loss, Normaliser};
pub use network::{Network, Tensor, TensorError};
pub use ops::activation::Function;
pub use ops::collect::Collecting;
pub use ops::fold::Along;
pub use ops::gru::Update;
pub use ops::neighbour::Neighbour;
pub use optim::Optimizer;
pub use real::Real;
