//! Every interaction with its defaults alone, under blocks that share features and that do not, over every mix of
//! features; a row's score has the same bits alone and in a batch; configurations that cannot be say what to do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_data::encode::{DenseLayout, InputLayout, SlotLayout, TableLayout};
use polyrank_engine::{Feed, Graph, Network, Scorer, SlotIds};
use polyrank_model::{interaction, network_graph, registry};
use polyrank_schema::Config;
use polyrank_schema::config::{Combiner, Side};

const ROWS: usize = 70;

/// A configuration with some of the features `a`, `b` (categorical), `tags` (a list) and `d` (dense).
fn config(features: &str, model: &str) -> Result<Config, String> {
    let mut text = "[data]\ntrain = [\"rows.csv\"]\n".to_owned();
    for feature in features.split(' ') {
        let kind = match feature {
            "d" => "kind = \"dense\"",
            "tags" => "kind = \"categorical\"\nlist = { combiner = \"mean\" }",
            _ => "kind = \"categorical\"",
        };
        text += &format!("[[features]]\nname = \"{feature}\"\n{kind}\n");
    }
    text += &format!("[[tasks]]\nname = \"finish\"\n[[tasks]]\nname = \"like\"\n[model]\n{model}\n");
    polyrank_schema::parse(&text, "c.toml", &registry(), &[]).map_err(|error| error.to_string())
}

fn layout(features: &str) -> InputLayout {
    let mut layout = InputLayout { tables: Vec::new(), slots: Vec::new(), dense: Vec::new() };
    for feature in features.split(' ') {
        if feature == "d" {
            layout.dense.push(DenseLayout { feature: "d".into(), width: 1, side: Side::Context });
            continue;
        }
        let (table, combiner) = (layout.tables.len(), (feature == "tags").then_some(Combiner::Mean));
        let dim = Some(if feature == "b" { 3 } else { 4 });
        layout.tables.push(TableLayout { name: feature.into(), rows: 9, dim });
        layout.slots.push(SlotLayout { feature: feature.into(), table, combiner, side: Side::Context });
    }
    layout
}

/// The scores of rows `rows`, of which every fourth has no tags.
fn score(network: &Network<f32>, layout: &InputLayout, rows: std::ops::Range<usize>) -> Vec<f32> {
    let id = |row: usize, slot: usize| ((row * 5 + slot * 3) % 9) as u32;
    let mut ids: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
    for (slot, of) in layout.slots.iter().enumerate() {
        let (mut offsets, mut all) = (vec![0], Vec::new());
        for row in rows.clone() {
            let count = if of.combiner.is_none() { 1 } else { row % 4 };
            all.extend((0..count).map(|i| id(row + i, slot)));
            offsets.push(all.len() as u32);
        }
        ids.push((offsets, all));
    }
    let slots = layout.slots.iter().zip(&ids).map(|(of, (offsets, ids))| match of.combiner {
        None => SlotIds::One(ids),
        Some(_) => SlotIds::Many { offsets, ids },
    });
    let dense: Vec<f32> = match layout.dense.len() {
        0 => Vec::new(),
        _ => rows.clone().map(|row| (row as f32 * 0.7).sin()).collect(),
    };
    let feed = Feed { rows: rows.len(), slots: slots.collect(), dense: &dense };
    Scorer::new(network).score(network, &feed).unwrap()
}

fn graph(config: &Config, layout: &InputLayout) -> Graph {
    network_graph(config, layout).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_interaction_under_any_block_with_any_features() {
    for spec in interaction::SPECS {
        for block in ["\"single\"", "{ type = \"mmoe\", expert_units = [8] }"] {
            for features in ["a", "d", "a b", "a d", "a b tags d"] {
                let model = format!("multi_task = {block}\ninteraction = \"{}\"", spec.name);
                let config = match config(features, &model) {
                    Ok(config) => config,
                    Err(error) => {
                        assert!(features.len() == 1 && error.contains(spec.name), "{}: {error}", spec.name);
                        continue;
                    }
                };
                let layout = layout(features);
                let graph = graph(&config, &layout);
                let network = Network::<f32>::new(&graph, 1, None);
                let scores = score(&network, &layout, 0..ROWS);
                assert!(scores.len() == 2 * ROWS && scores.iter().all(|z| z.is_finite()), "{}", spec.name);
                for row in [0, 3, ROWS - 1] {
                    let alone = score(&network, &layout, row..row + 1);
                    assert_eq!(alone, scores[2 * row..2 * row + 2], "{} over {features}", spec.name);
                }
            }
        }
    }
}

#[test]
fn a_value_goes_where_the_option_says() {
    let features = "a b d";
    // The width of what the experts read: 4 + 3 + 1 columns of features, 6 products.
    for (output, width, logits) in [("widen", 14, 0), ("replace", 6, 0), ("logit", 8, 2)] {
        let model = format!("interaction = {{ type = \"pnn\", output = \"{output}\" }}");
        let graph = graph(&config(features, &model).unwrap(), &layout(features));
        let weight = |name: &str| graph.params().iter().find(|p| p.name == name).map(|p| p.shape.dims());
        assert_eq!(weight("experts.0.0.weight").unwrap()[0], width);
        let added = ["interaction.finish.weight", "interaction.like.weight"].map(weight);
        assert_eq!(added.iter().flatten().count(), logits, "{added:?}");
    }
}

#[test]
fn what_cannot_be_says_what_to_do() {
    for (features, interaction, part) in [
        ("a", "\"fm\"", "add one or use `none`"),
        ("a", "\"autoint\"", "add one or use `none`"),
        ("d", "\"dlrm\"", "pairs features"),
        ("a b", "{ type = \"dcn_v2\", experts = 4 }", "set `rank` too"),
        ("a b", "{ type = \"dcn_v2\", nonlinearity = \"relu\" }", "set `rank` too"),
        ("a b", "{ type = \"xdeepfm\", units = [] }", "`units` is empty"),
        ("a b", "{ type = \"fm\", output = \"widen\" }", "unknown key"),
        ("a b", "{ type = \"dcn\", output = \"beside\" }", "widen"),
        ("a b", "{ type = \"masknet\", blocks = 0 }", "blocks"),
    ] {
        let error = config(features, &format!("interaction = {interaction}")).unwrap_err();
        assert!(error.contains(part), "{interaction}: {error}");
    }
}
