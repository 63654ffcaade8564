//! Architectures at equal size.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_data::encode::{DenseLayout, InputLayout};
use polyrank_model::matching::{layer_numbers, match_numbers};
use polyrank_model::{ModelError, network_graph, registry};
use polyrank_schema::Config;
use polyrank_schema::config::Side;

fn config(block: &str) -> Config {
    let text = format!(
        "[data]\ntrain = [\"rows.csv\"]\n[[features]]\nname = \"x\"\nkind = \"vector\"\nsize = 100\n\
         [[tasks]]\nname = \"a\"\nkind = \"regression\"\n[[tasks]]\nname = \"b\"\nkind = \"regression\"\n\
         [model]\nmulti_task = {block}\ntowers = {{ units = [8] }}\n"
    );
    polyrank_schema::parse(&text, "test.toml", &registry(), &[]).unwrap()
}

fn layout() -> InputLayout {
    let dense = vec![DenseLayout { feature: "x".into(), width: 100, side: Side::Context }];
    InputLayout { tables: Vec::new(), slots: Vec::new(), dense }
}

fn numbers(block: &str) -> usize {
    layer_numbers(&network_graph(&config(block), &layout()).unwrap())
}

#[test]
fn every_block_with_hidden_layers_can_be_as_large_as_another() {
    let target = numbers("{ type = \"mmoe\", experts = 8, expert_units = [64, 32] }");
    for block in ["shared_bottom", "single", "omoe", "cgc", "ple", "cross_stitch", "snr_trans", "adatt", "home"] {
        let found = match_numbers(&config(&format!("{{ type = \"{block}\" }}")), &layout(), target).unwrap();
        let off = (found.numbers as f64 / target as f64 - 1.0).abs();
        assert!(off < 0.02, "{block}: {} for {target}", found.numbers);
        assert_eq!(layer_numbers(&network_graph(&found.config, &layout()).unwrap()), found.numbers);
    }
}

#[test]
fn the_mmoe_papers_own_shared_bottom_is_found() {
    // 113 units, for 8 experts of 16 units without gates (Ma et al. 2018, Section 5.1).
    let experts = 8 * (100 * 16 + 16) + 2 * (16 * 8 + 8 + 8 + 1);
    let found = match_numbers(&config("{ type = \"shared_bottom\", units = [16] }"), &layout(), experts).unwrap();
    let units = found.config.model.multi_task.units("units").to_vec();
    assert!((111..=113).contains(&units[0]), "{units:?}");
}

#[test]
fn a_block_without_hidden_layers_cannot_be_widened() {
    let error = match_numbers(&config("{ type = \"shared_bottom\", units = [] }"), &layout(), 1000).unwrap_err();
    assert!(matches!(error, ModelError::Matching(_)), "{error}");
}
