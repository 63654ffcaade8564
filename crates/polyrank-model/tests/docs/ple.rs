//! The program of `docs/annotated-ple.md`: PLE by hand with the builder, and the configured one.

use std::error::Error;
use std::path::Path;

use polyrank_data::encode::{Encoders, Labels};
use polyrank_data::synth::ByteRec;
use polyrank_engine::{GraphError, Network, Scorer, Value};
use polyrank_model::feed::feed;
use polyrank_model::multi_task::TaskOutput;
use polyrank_model::{Builder, compose, network_graph, registry};
use polyrank_schema::SetOverride;

use crate::mmoe::ranker;

#[test]
fn the_page_runs() -> Result<(), Box<dyn Error>> {
    let text = ranker();
    // On the page from here
    let ple = "model.multi_task={ type = 'ple', task_experts = [2], shared_experts = [1], expert_units = [16] }";
    let config = polyrank_schema::parse(&text, "ranker.toml", &registry(), &[SetOverride::parse(ple)?])?;
    let rows = ByteRec::new(1).rows(0..64, false);
    let mut fitter = Encoders::fitter(&config, Path::new("."))?;
    fitter.observe(&rows)?;
    let encoders = fitter.finish()?;

    let experts = |b: &mut Builder<'_>, name: String, x: Value, count: usize| -> Result<Vec<Value>, GraphError> {
        (0..count).map(|e| b.mlp(&format!("{name}.{e}"), x, &[16])).collect()
    };
    let mixture = |b: &mut Builder<'_>, gate: String, x: Value, chosen: &[Value]| -> Result<Value, GraphError> {
        let logits = b.output(&gate, x, chosen.len(), false)?; // [B, experts]
        let weights = b.graph.softmax(&format!("{gate}.softmax"), logits, 1.0)?; // w(x) [B, experts]
        b.graph.mixture(&format!("{gate}.mixture"), weights, chosen) // w(x)·S [B, 16]
    };

    let graph = compose(&config, encoders.layout(), |b| {
        let x = b.input(&b.everyone())?; // [B, 33]
        let (mut streams, mut shared_stream) = (vec![x; 2], x); // g_k^0 = g_s^0 = x
        for j in 0..2 {
            let mut own = Vec::new(); // E_k^j over g_k^(j−1), by task
            for (task, &stream) in b.tasks().iter().zip(&streams) {
                own.push(experts(b, format!("levels.{j}.task_experts.{task}"), stream, 2)?);
            }
            let shared = experts(b, format!("levels.{j}.shared_experts"), shared_stream, 1)?; // E_s^j over g_s^(j−1)

            for (k, task) in b.tasks().iter().enumerate() {
                let chosen = [&own[k][..], &shared].concat(); // S_k^j: 3 × [B, 16]
                streams[k] = mixture(b, format!("levels.{j}.gates.{task}"), streams[k], &chosen)?; // g_k^j, Eq. 5
            }
            if j == 0 {
                let chosen = [own.concat(), shared].concat(); // S_s^j: 5 × [B, 16]
                shared_stream = mixture(b, format!("levels.{j}.shared_gate"), shared_stream, &chosen)?; // g_s^j
            }
        }
        Ok(streams.into_iter().map(TaskOutput::from).collect()) // towers read g_k^N, Eq. 6
    })?;

    let configured = Network::<f32>::new(&network_graph(&config, encoders.layout())?, 7, None);
    let mut by_hand = Network::<f32>::new(&graph, 8, None);
    assert_eq!(by_hand.tensor_dims(), configured.tensor_dims());
    for tensor in configured.layers().into_iter().chain(configured.tables()) {
        by_hand.set(&tensor)?;
    }
    let batch = encoders.transform(&rows, Labels::Ignore)?;
    let logits = |network: &Network<f32>| Scorer::new(network).score(network, &feed(&batch));
    assert_eq!(logits(&by_hand)?, logits(&configured)?); // [64, 2], to the last bit
    // to here.
    Ok(())
}
