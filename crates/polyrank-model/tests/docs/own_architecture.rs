// On the page from here
//! Shared and private bottoms: each task reads what all share, beside what it has for itself.
//!
//! # Equations
//! `y_k = tower_k( [f(x), f_k(x)] )`
//!
//! # Shapes
//! x `[B, W]`, f(x) `[B, shared_units.last]`, f_k(x) `[B, private_units.last]`; tower k reads both side by side.

use polyrank_engine::GraphError;
use polyrank_model::Builder;
use polyrank_model::multi_task::TaskOutput;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

const SPEC: BlockSpec = BlockSpec {
    name: "shared_private",
    doc: "a network below all towers, beside one below each",
    options: &[
        OptionSpec {
            key: "shared_units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[64, 32])),
            doc: "hidden layers that all tasks read; empty for the input itself",
        },
        OptionSpec {
            key: "private_units",
            kind: OptionKind::Units,
            default: OptionDefault::Always(Literal::Units(&[16])),
            doc: "hidden layers of each task",
        },
    ],
    check,
};

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    if block.units("private_units").is_empty() {
        return Err("`private_units` is empty; give it a layer, or use `shared_bottom`".to_owned());
    }
    Ok(())
}

fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let shared = b.mlp("shared", x, block.units("shared_units"))?; // [B, shared_units.last]
    let mut outputs = Vec::new();
    for task in b.tasks() {
        let private = b.mlp(&format!("private.{task}"), x, block.units("private_units"))?; // [B, private_units.last]
        outputs.push(b.graph.concat(&format!("bottoms.{task}"), &[shared, private])?.into());
    }
    Ok(outputs)
}
// to here.

use std::error::Error;
use std::path::Path;

use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::synth::ByteRec;
use polyrank_engine::{Network, Scorer};
use polyrank_model::feed::feed;
use polyrank_model::{compose, registry};
use polyrank_schema::{Config, Registry};

const CONFIG: &str = r#"
[data]
train = ["rows.csv"]

[[features]]
name = "uid"
kind = "categorical"

[[features]]
name = "duration_time"
kind = "dense"

[[tasks]]
name = "finish"

[[tasks]]
name = "like"

[model]
multi_task = { type = "shared_private", private_units = [6] }
"#;

fn parse(text: &str) -> Result<Config, Box<dyn Error>> {
    // On the page from here
    let registry = Registry { multi_tasks: &[SPEC], ..registry() };
    let config = polyrank_schema::parse(text, "ranker.toml", &registry, &[])?;
    // to here.
    Ok(config)
}

#[test]
fn it_scores_rows_and_shares_what_it_says() -> Result<(), Box<dyn Error>> {
    let config = parse(CONFIG)?;
    let rows = ByteRec::new(1).rows(0..50, false);
    let mut fitter = Encoders::fitter(&config, Path::new("."))?;
    fitter.observe(&rows)?;
    let encoders = fitter.finish()?;
    // On the page from here
    let graph = compose(&config, encoders.layout(), |b| build(b, &config.model.multi_task))?;
    let mut network = Network::<f32>::new(&graph, 1, None);
    let batch = encoders.transform(&rows, Labels::Ignore)?;
    let logits = Scorer::new(&network).score(&network, &feed(&batch))?; // [B, T]
    // to here.
    assert_eq!(logits.len(), 50 * 2);
    assert!(logits.iter().all(|logit| logit.is_finite()));

    // What moves when one layer is turned off: its task's logits alone, or all tasks' if they share it.
    for (name, moves) in
        [("private.finish.0", [true, false]), ("private.like.0", [false, true]), ("shared.1", [true; 2])]
    {
        let bias = format!("{name}.bias");
        let before = network.layers().into_iter().find(|tensor| tensor.name == bias).ok_or("no such layer")?;
        let mut off = before.clone();
        off.data.fill(-1e6);
        network.set(&off)?;
        let changed = Scorer::new(&network).score(&network, &feed(&batch))?;
        network.set(&before)?;
        for task in 0..2 {
            let of = |logits: &[f32]| logits.iter().skip(task).step_by(2).copied().collect::<Vec<f32>>();
            assert_eq!(of(&changed) != of(&logits), moves[task], "{name}, task {task}");
        }
    }
    Ok(())
}

#[test]
fn what_it_cannot_be_is_refused_with_a_way_out() {
    let refused = parse(&CONFIG.replace("[6]", "[]")).unwrap_err().to_string();
    assert!(refused.contains("give it a layer, or use `shared_bottom`"), "{refused}");
    let refused = parse(&CONFIG.replace("private_units", "privat_units")).unwrap_err().to_string();
    assert!(refused.contains("private_units"), "{refused}");

    let config = parse(CONFIG).unwrap();
    let mut fitter = Encoders::fitter(&config, Path::new(".")).unwrap();
    fitter.observe(&ByteRec::new(1).rows(0..5, false)).unwrap();
    let encoders = fitter.finish().unwrap();
    let short = compose(&config, encoders.layout(), |b| Ok(vec![b.input(&b.everyone())?.into()])).unwrap_err();
    assert!(short.to_string().contains("gives 1 outputs for 2 tasks; give one a task"), "{short}");
}
