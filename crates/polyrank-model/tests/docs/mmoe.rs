//! The program of `docs/annotated-mmoe.md`: MMoE by hand, the configured one, training, scoring.

use std::error::Error;
use std::path::Path;

use polyrank_data::Ids;
use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::synth::ByteRec;
use polyrank_engine::{Graph, Init, Layer, Loss, Network, Pooling, Scorer, Trainer};
use polyrank_model::feed::feed;
use polyrank_model::options::trainer_options;
use polyrank_model::{Predictor, network_graph, registry};

use crate::blocks::blocks;

/// The page's configuration.
pub(crate) fn ranker() -> String {
    let page = blocks("docs/annotated-mmoe.md");
    page.iter().find(|block| block.note.as_deref() == Some("save as ranker.toml")).unwrap().lines.join("\n")
}

#[test]
fn the_page_runs() -> Result<(), Box<dyn Error>> {
    let text = ranker();
    // On the page from here
    let log = ByteRec::new(1).rows(0..9_000, false); // the rows of `polyrank demo`
    let (train, test) = (log.slice(0, 8_000), log.slice(8_000, 1_000));

    let config = polyrank_schema::parse(&text, "ranker.toml", &registry(), &[])?;
    let mut fitter = Encoders::fitter(&config, Path::new("."))?;
    fitter.observe(&train)?;
    let encoders = fitter.finish()?;
    let layout = encoders.layout();

    let batch = encoders.transform(&train.slice(0, 64), Labels::Read)?; // B = 64
    assert_eq!((batch.ids.len(), batch.dense.len(), batch.labels.len()), (8, 64, 2 * 64));

    let unseen = encoders.transform(&test, Labels::Ignore)?;
    let item_id = layout.slots.iter().position(|slot| slot.feature == "item_id").ok_or("no slot")?;
    let Ids::One(items) = &unseen.ids[item_id] else { return Err("one id a row".into()) };
    assert!(items.contains(&2)); // videos that the training rows lack

    let mut g = Graph::default();
    let mut fields = Vec::new();
    for (s, slot) in layout.slots.iter().enumerate() {
        let (feature, rows) = (&slot.feature, layout.tables[slot.table].rows);
        let table = g.table(&format!("table.{feature}"), rows, 4, Init::Normal(0.01))?;
        fields.push(g.lookup(&format!("embedding.{feature}"), s, table, Pooling::One)?); // [B, 4]
    }
    fields.push(g.dense("dense.duration_time", 0, 1)?); // [B, 1]
    let x = g.concat("input", &fields)?;
    assert_eq!(g.width(x), 8 * 4 + 1); // x [B, 33]

    let start = Init::Uniform(0.1);
    let relu = |units| Layer { units, weight: start, bias: Some(Init::Constant(0.0)), relu: true };
    let mut experts = Vec::new();
    for i in 0..3 {
        let hidden = g.linear(&format!("experts.{i}.0"), x, relu(32))?; // [B, 32]
        experts.push(g.linear(&format!("experts.{i}.1"), hidden, relu(16))?); // f_i(x) [B, 16]
    }

    let mut mixtures = Vec::new();
    for task in ["finish", "like"] {
        let linear = Layer { units: 3, weight: start, bias: None, relu: false };
        let logits = g.linear(&format!("gates.{task}.out"), x, linear)?; // W_gk·x [B, 3]
        let gate = g.softmax(&format!("gates.{task}.softmax"), logits, 1.0)?; // g_k(x) [B, 3]
        mixtures.push(g.mixture(&format!("mixture.{task}"), gate, &experts)?); // f_k(x) [B, 16]
    }

    for (task, mixture) in ["finish", "like"].into_iter().zip(mixtures) {
        let hidden = g.linear(&format!("towers.{task}.0"), mixture, relu(8))?; // [B, 8]
        let last = Layer { units: 1, weight: start, bias: Some(Init::Constant(0.0)), relu: false };
        let logit = g.linear(&format!("towers.{task}.out"), hidden, last)?; // y_k [B, 1]
        g.head(task, logit, Loss::BinaryCrossEntropy, 1.0)?;
    }

    let configured = Network::<f32>::new(&network_graph(&config, layout)?, 7, None);
    let mut by_hand = Network::<f32>::new(&g, 8, None);
    assert_eq!(by_hand.tensor_dims(), configured.tensor_dims());
    let logits = |network: &Network<f32>| Scorer::new(network).score(network, &feed(&batch));
    assert_ne!(logits(&by_hand)?, logits(&configured)?);
    for tensor in configured.layers().into_iter().chain(configured.tables()) {
        by_hand.set(&tensor)?;
    }
    assert_eq!(logits(&by_hand)?, logits(&configured)?); // [B, 2], to the last bit

    let options = trainer_options(&config, 1);
    let tables = Some(options.embedding_optimizer);
    let mut trainer = Trainer::new(Network::<f32>::new(&g, 8, tables), options)?;
    let mut losses = Vec::new();
    for step in 0..8_000 / 32 {
        let batch = encoders.transform(&train.slice(32 * step, 32), Labels::Read)?;
        losses.push(trainer.step(&feed(&batch), &batch.labels)?.total);
    }
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[200..]) < 0.9 * mean(&losses[..50]));

    let predictor = Predictor::new(config, encoders, trainer.into_network());
    let scores = predictor.score(&test)?; // raw rows in; [1000, 2] probabilities out
    let alone = predictor.score(&test.slice(7, 1))?;
    assert_eq!(alone.values, scores.values[14..16]); // its neighbours change no bit of a row's scores
    // to here.
    assert!(scores.values.iter().all(|p| (0.0..1.0).contains(p)));
    Ok(())
}
