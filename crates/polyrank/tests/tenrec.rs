//! The page of four networks on TenRec-shaped rows: its lines of Rust are its commands.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank::blocks::{CgcBlock, InputBlock, MlpBlock, MmoeBlock, Model, OutputBlock, PleBlock, Training};
use polyrank::{Schema, SetOverride, parse, registry};
use polyrank_schema::config::Config;

const PAGE: &str = include_str!("../../../docs/tenrec.md");

fn outputs(schema: &Schema) -> OutputBlock {
    OutputBlock::new(schema)
        .task_blocks(MlpBlock::new([16]))
        .loss_weight("click", 5.0)
        .loss_weight("like", 4.0)
        .loss_weight("share", 3.0)
        .loss_weight("follow", 2.0)
        .option_of("click", "class_weights", vec![1.0, 5.0])
        .option_of("like", "class_weights", vec![1.0, 20.0])
}

fn shared_bottom(schema: &Schema) -> Model {
    let (inputs, outputs) = (InputBlock::new(schema), outputs(schema));
    Model::new(inputs, MlpBlock::new([32, 16]), outputs)
}

fn mmoe(schema: &Schema) -> Model {
    let (inputs, outputs) = (InputBlock::new(schema), outputs(schema));
    let mmoe = MmoeBlock::new(MlpBlock::new([16]), 4).gate_block(MlpBlock::new([16]));
    Model::new(inputs, mmoe, outputs)
}

fn cgc(schema: &Schema) -> Model {
    let (inputs, outputs) = (InputBlock::new(schema), outputs(schema));
    let cgc = CgcBlock::new(MlpBlock::new([16])).num_task_experts(2).num_shared_experts(3);
    Model::new(inputs, cgc, outputs)
}

fn ple(schema: &Schema) -> Model {
    let (inputs, outputs) = (InputBlock::new(schema), outputs(schema));
    let ple = PleBlock::new(2, MlpBlock::new([16])).num_task_experts(2).num_shared_experts(1);
    Model::new(inputs, ple, outputs)
}

/// What decides the network and its training.
fn network(config: Config) -> (impl PartialEq + std::fmt::Debug, impl PartialEq + std::fmt::Debug) {
    ((config.features, config.tasks), (config.model, config.train))
}

#[test]
fn the_lines_of_rust_are_the_networks_of_the_commands() {
    let toml = PAGE.split("```toml\n").nth(1).and_then(|block| block.split("```").next()).unwrap();
    let text = parse(toml, "tenrec.toml", &registry(), &[]).unwrap().table().to_pbtxt();
    let schema = Schema::from_pbtxt(&text, "schema.pbtxt").unwrap();
    let commands: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("$ polyrank train")).collect();
    assert_eq!(commands.len(), 4);
    let models = [shared_bottom(&schema), mmoe(&schema), cgc(&schema), ple(&schema)];
    for (command, model) in commands.into_iter().zip(models) {
        let sets: Vec<SetOverride> =
            command.split('\'').skip(1).step_by(2).map(|set| SetOverride::parse(set).unwrap()).collect();
        let training = Training::on(["tenrec-train.parquet"]).valid(["tenrec-valid.parquet"]);
        let training = training.batch_size(1024).epochs(2).optimizer("adam");
        let composed = network(model.config(&training).unwrap());
        assert_eq!(composed, network(parse(toml, "tenrec.toml", &registry(), &sets).unwrap()), "{command}");
    }
}
