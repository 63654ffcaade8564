//! Networks composed in Rust are those of TOML: one configuration, one graph, the same bits after training.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use polyrank::blocks::{CgcBlock, InputBlock, MlpBlock, MmoeBlock, Model, NamedBlock, OutputBlock, PleBlock, Training};
use polyrank::{Column, Config, Domain, Preset, RunOptions, Schema, Tag, ValueType, registry, run};
use polyrank_schema::config::Activation;
use polyrank_schema::parse_with_files;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/blocks.md");

fn schema() -> Schema {
    // On the page from here
    let ids = |name: &str, most: i64| Column::new(name).with_type(ValueType::Int).with_domain(Domain::ints(0, most));
    let schema = Schema::new(vec![
        ids("user_id", 99).with_tags([Tag::User, Tag::Id, Tag::Categorical]),
        ids("item_id", 49).with_tags([Tag::Item, Tag::Id, Tag::Categorical]),
        ids("gender", 2).with_tags([Tag::User, Tag::Categorical]),
        Column::new("age").with_type(ValueType::Float).with_tags([Tag::User, Tag::Continuous]),
        ids("click", 1).with_tags([Tag::Target, Tag::Binary]),
        ids("like", 1).with_tags([Tag::Target, Tag::Binary]),
        Column::new("watching_times").with_type(ValueType::Float).with_tags([Tag::Target, Tag::Regression]),
    ])
    .unwrap();
    // to here.
    schema
}

fn shared_bottom(schema: &Schema) -> Model {
    let inputs = InputBlock::new(schema);
    let mlp = MlpBlock::new([32, 16]);
    Model::new(inputs, mlp, OutputBlock::new(schema))
}

fn mmoe(schema: &Schema) -> Model {
    let inputs = InputBlock::new(schema);
    let mmoe = MmoeBlock::new(MlpBlock::new([16]), 4).gate_block(MlpBlock::new([8]));
    Model::new(inputs, mmoe, OutputBlock::new(schema).task_blocks(MlpBlock::new([8])))
}

fn cgc(schema: &Schema) -> Model {
    let inputs = InputBlock::new(schema);
    let cgc = CgcBlock::new(MlpBlock::new([16])).num_task_experts(1).num_shared_experts(2);
    Model::new(inputs, cgc, OutputBlock::new(schema).task_blocks(MlpBlock::new([8])))
}

fn ple(schema: &Schema) -> Model {
    let inputs = InputBlock::new(schema);
    let ple = PleBlock::new(2, MlpBlock::new([16])).num_task_experts(1).num_shared_experts(2);
    Model::new(inputs, ple, OutputBlock::new(schema).task_blocks(MlpBlock::new([8])))
}

fn rows(at: &Path) -> String {
    let mut text = "user_id,item_id,gender,age,click,like,watching_times\n".to_owned();
    for i in 0..400u64 {
        let below = |k: u64, n: u64| ((i + k).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % n;
        let (user, item) = (below(0, 100), below(1, 50));
        let like = u8::from(user % 4 == 0);
        let _ = writeln!(
            text,
            "{user},{item},{},{}.5,{},{like},{}",
            user % 3,
            below(2, 60),
            (user + item) % 2,
            below(3, 90)
        );
    }
    let path = at.join("rows.csv");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The configuration of the page's TOML, without what is in force: whether a list was written or is a default.
fn written(toml: &str, schema: &Schema) -> Config {
    let open = |path: &str| if path == "schema.pbtxt" { Ok(schema.to_pbtxt()) } else { Err(format!("{path}?")) };
    let config = parse_with_files(toml, "page.toml", &registry(), &[], &open).unwrap_or_else(|e| panic!("{e}\n{toml}"));
    Config { in_force: Vec::new(), ..config }
}

fn tensors(bundle: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(bundle).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let weights = files.iter().filter(|path| path.extension().is_some_and(|e| e == "safetensors"));
    weights.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())).collect()
}

#[test]
fn the_four_samples_are_the_same_in_rust_and_in_toml() {
    let (schema, folder) = (schema(), TempDir::new().unwrap());
    let rows = rows(folder.path());
    let tables: Vec<&str> = PAGE.split("```toml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    let head = tables.first().unwrap();
    assert_eq!(tables.len(), 5, "the page has what all have in common, and the four");
    for ((name, model), table) in [
        ("shared_bottom", shared_bottom(&schema)),
        ("mmoe", mmoe(&schema)),
        ("cgc", cgc(&schema)),
        ("ple", ple(&schema)),
    ]
    .into_iter()
    .zip(&tables[1..])
    {
        let training = Training::on(["rows.csv"]).batch_size(64).epochs(2).optimizer("adam");
        let config = Config { in_force: Vec::new(), ..model.config(&training).unwrap() };
        assert_eq!(config.model.multi_task.kind, name);
        assert_eq!(config, written(&format!("{head}\n{table}"), &schema), "{name}");

        let training = Training::on([rows.as_str()]).batch_size(64).epochs(2).optimizer("adam");
        let composed = model.fit(&training, &folder.path().join(format!("{name}-rust"))).unwrap();
        let toml = format!("{head}\n{table}").replace("rows.csv", &rows);
        let options = RunOptions {
            out: folder.path().join(format!("{name}-toml")),
            base: ".".into(),
            cache: None,
            resume: false,
            stop: Default::default(),
        };
        let parsed = run(&written(&toml, &schema), &options, &mut |_| {}).unwrap();
        let (left, right) = (tensors(&composed.bundle), tensors(&parsed.bundle));
        assert!(!left.is_empty() && left == right, "{name}");
    }
}

#[test]
fn every_argument_reaches_the_configuration() {
    let schema = schema();
    let experts = MlpBlock::new([16, 8]).activation(Activation::Silu).dropout(0.1).no_activation_last_layer();
    let towers = MlpBlock::new([4]).activation(Activation::Tanh).dropout(0.3).batch_norm(true);
    let model = Model::new(
        InputBlock::new(&schema).dim(4).dim_of("user_id", 16).option_of("age", "encoder", "log"),
        MmoeBlock::new(experts, 3).gate_softmax_temperature(2.0).option("gate_bias", true),
        OutputBlock::new(&schema).task_blocks(towers).loss_weight("like", 2.5).option_of(
            "watching_times",
            "loss",
            "mae",
        ),
    )
    .preset(Preset::Merlin)
    .interaction(NamedBlock::new("dcn_v2").option("layers", 2));
    let training = Training::on(["rows.csv"]).valid(["valid.csv"]).set("train.optimizer.learning_rate=0.5").unwrap();
    let config = Config { in_force: Vec::new(), ..model.config(&training).unwrap() };
    let toml = r#"
        [data]
        train  = ["rows.csv"]
        valid  = ["valid.csv"]
        schema = "schema.pbtxt"
        [[features]]
        select = { names = ["item_id", "gender"] }
        dim    = 4
        [[features]]
        name    = "age"
        encoder = "log"
        [[features]]
        name = "user_id"
        dim  = 16
        [[tasks]]
        name = "click"
        [[tasks]]
        name   = "like"
        weight = 2.5
        [[tasks]]
        name = "watching_times"
        loss = "mae"
        [model]
        preset      = "merlin"
        interaction = { type = "dcn_v2", layers = 2 }
        multi_task  = { type = "mmoe", experts = 3, expert_units = [16, 8], expert_last_activation = false, gate_temperature = 2.0, gate_bias = true }
        towers      = { units = [4], activation = "tanh", dropout = 0.3, batch_norm = true }
        activation  = "silu"
        dropout     = 0.1
        [train.optimizer]
        learning_rate = 0.5"#;
    assert_eq!(config, written(toml, &schema));
    // What is printed is what was read.
    assert_eq!(written(&model.to_toml(&Training::on(["rows.csv"])), &schema).model, config.model);
}

#[test]
fn what_cannot_be_is_said_by_key() {
    let schema = schema();
    let problem = |model: Model| model.config(&Training::on(["a.csv"])).unwrap_err().to_string();
    let (inputs, outputs) = (InputBlock::new(&schema), OutputBlock::new(&schema));
    let model = |body: polyrank::blocks::Body| Model::new(inputs.clone(), body, outputs.clone());
    assert_eq!(
        problem(model(MmoeBlock::new(MlpBlock::new([16]), 1).into())),
        "the composed model: model.multi_task.experts: expected a whole number from 2 to 1024, found 1"
    );
    let text = problem(model(NamedBlock::new("mmoee").into()));
    assert!(text.contains("did you mean \"mmoe\"?"), "{text}");
    let gates = MmoeBlock::new(MlpBlock::new([16]), 2).gate_block(MlpBlock::new([4]).dropout(0.5));
    assert!(problem(model(gates.into())).contains("model.dropout: gates' layers are made as the experts'"));
    let text = problem(model(MlpBlock::new([4]).no_activation_last_layer().into()));
    assert!(text.contains("only experts can be without an activation"), "{text}");
    let towers = OutputBlock::new(&schema).task_blocks(MlpBlock::new([4]).no_activation_last_layer());
    assert!(problem(Model::new(inputs.clone(), MlpBlock::new([4]), towers)).contains("model.towers: only experts"));
    let text = problem(Model::new(inputs.clone(), MlpBlock::new([4]), outputs.clone().loss_weight("clik", 1.0)));
    assert!(text.contains("tasks: no column is named \"clik\"; did you mean \"click\"?"), "{text}");
    let text = problem(Model::new(inputs.clone().dim_of("usr", 3), MlpBlock::new([4]), outputs.clone()));
    assert!(text.contains("features: no column is named \"usr\""), "{text}");
}
