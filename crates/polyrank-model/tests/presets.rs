//! Single-task models under their own names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_data::encode::{DenseLayout, InputLayout, SlotLayout, TableLayout};
use polyrank_model::{network_graph, registry};
use polyrank_schema::Config;
use polyrank_schema::config::{FeatureKind, Side};

const FEATURES: &str = r#"
[data]
train = ["rows.csv"]
[[features]]
name = "item"
kind = "categorical"
dim = 4
[[features]]
name = "shop"
kind = "categorical"
dim = 4
[[features]]
name = "price"
kind = "dense"
[[tasks]]
name = "click"
"#;

const HISTORY: &str = r#"
[[features]]
name  = "history"
kind  = "categorical"
table = "item"
list  = { target = "item", max_length = 5 }
"#;

fn ops(preset: &str, features: &str) -> Vec<String> {
    let text = format!("{features}[model]\npreset = \"{preset}\"\n");
    let config = polyrank_schema::parse(&text, preset, &registry(), &[]).unwrap_or_else(|e| panic!("{preset}: {e}"));
    let graph = network_graph(&config, &layout(&config)).unwrap();
    assert_eq!(config.model.multi_task.kind, "single", "{preset}");
    graph.summary().into_iter().map(|node| node.op.to_owned()).collect()
}

fn layout(config: &Config) -> InputLayout {
    let slot = |feature: &str, table| {
        let kind = &config.features.iter().find(|f| f.name == feature).unwrap().kind;
        let FeatureKind::Categorical { list, .. } = kind else { panic!("{feature}") };
        let combiner = list.as_ref().map(|list| list.combiner.clone());
        SlotLayout { feature: feature.into(), table, combiner, side: Side::Context }
    };
    let table = |name: &str| TableLayout { name: name.into(), rows: 20, dim: Some(4) };
    let mut slots = vec![slot("item", 0), slot("shop", 1)];
    if config.features.iter().any(|f| f.name == "history") {
        slots.push(slot("history", 0));
    }
    let dense = vec![DenseLayout { feature: "price".into(), width: 1, side: Side::Context }];
    InputLayout { tables: vec![table("item"), table("shop")], slots, dense }
}

#[test]
fn each_has_what_makes_it() {
    for (preset, op) in [("wide_deep", "lookup"), ("dcn", "multiply"), ("dcn_v2", "multiply"), ("pnn", "pairs")] {
        assert!(ops(preset, FEATURES).iter().any(|found| found == op), "{preset}: {:?}", ops(preset, FEATURES));
    }
    let with_history = FEATURES.replace("[[tasks]]", &format!("{HISTORY}[[tasks]]"));
    for (preset, op) in [("din", "collect"), ("dien", "gru")] {
        let found = ops(preset, &with_history);
        assert!(found.iter().any(|found| found == op), "{preset}: {found:?}");
        assert!(found.iter().any(|found| found == "dice"), "{preset}: {found:?}");
    }
}

#[test]
fn a_history_without_a_target_is_refused_where_the_model_needs_one() {
    let with_history = FEATURES.replace("[[tasks]]", &format!("{HISTORY}[[tasks]]")).replace("target = \"item\", ", "");
    let text = format!("{with_history}[model]\npreset = \"din\"\n");
    let problems = polyrank_schema::parse(&text, "din.toml", &registry(), &[]).unwrap_err().to_string();
    assert!(problems.contains("target"), "{problems}");
    // Under other presets a list is pooled.
    let plain = polyrank_schema::parse(&with_history, "plain.toml", &registry(), &[]);
    assert!(plain.is_ok());
}
