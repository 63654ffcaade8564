//! The subcommands, one file each.

mod bench;
mod demo;
mod embeddings;
mod evaluate;
mod explain;
mod init;
mod predict;
mod prepare;
mod reproduce;
mod schema;
mod synth;
mod train;
mod write;

use clap::Subcommand;

use crate::failure::Failure;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole main job on made-up rows: learn encoders, train, evaluate, write a bundle and a report
    Demo(demo::Demo),
    /// Looks at data and writes a commented configuration
    Init(init::Init),
    /// Trains a configuration; writes bundle, checkpoints, log and report
    Train(train::Train),
    /// Measures a bundle on labelled rows
    Evaluate(evaluate::Evaluate),
    /// Scores rows with a bundle
    Predict(predict::Predict),
    /// Writes a bundle's embedding tables as Parquet
    Embeddings(embeddings::Embeddings),
    /// Writes rows after operators and encoders: for other programs, or to train on
    Prepare(prepare::Prepare),
    /// Shows the network of a configuration or a bundle, and what is in force
    Explain(explain::Explain),
    /// Writes what a configuration or a bundle says of its columns as a schema.pbtxt
    Schema(schema::Schema),
    /// Runs a paper's experiment again and compares
    Reproduce(reproduce::Reproduce),
    /// Makes up rows whose labels can be learned
    Synth(synth::Synth),
    /// Measures throughput
    Bench(bench::Bench),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Demo(command) => command.run(),
            Command::Init(command) => command.run(),
            Command::Train(command) => command.run(),
            Command::Evaluate(command) => command.run(),
            Command::Predict(command) => command.run(),
            Command::Embeddings(command) => command.run(),
            Command::Prepare(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Schema(command) => command.run(),
            Command::Reproduce(command) => command.run(),
            Command::Synth(command) => command.run(),
            Command::Bench(command) => command.run(),
        }
    }
}
