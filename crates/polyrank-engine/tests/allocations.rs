//! Scoring allocates nothing, once a scorer is warm.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use allocation_counter::measure;
use polyrank_engine::{Feed, Graph, Init, Isa, Layer, Loss, Network, Pooling, Precision, Scorer, SlotIds, Value};

const ROWS: u32 = 50;
const TASKS: usize = 2;

/// An MMoE: three tables and two numbers, four experts of two layers, a gate and a tower a task.
fn mmoe(precision: Precision) -> Graph {
    let mut graph = Graph::in_precision(precision);
    let mut parts: Vec<Value> = (0..3)
        .map(|slot| {
            let name = format!("e{slot}");
            let table = graph.table(&name, ROWS as usize, 16, Init::Normal(0.1)).unwrap();
            graph.lookup(&name, slot, table, Pooling::One).unwrap()
        })
        .collect();
    parts.push(graph.dense("numbers", 0, 2).unwrap());
    let x = graph.concat("x", &parts).unwrap();
    let layer = |graph: &mut Graph, name: &str, x: Value, units: usize, relu: bool| {
        let weight = Init::Normal(0.1);
        graph.linear(name, x, Layer { units, weight, bias: Some(Init::Constant(0.0)), relu }).unwrap()
    };
    let experts: Vec<Value> = (0..4)
        .map(|e| {
            let hidden = layer(&mut graph, &format!("expert{e}.0"), x, 96, true);
            layer(&mut graph, &format!("expert{e}.1"), hidden, 64, true)
        })
        .collect();
    for task in 0..TASKS {
        let gate = layer(&mut graph, &format!("gate{task}"), x, experts.len(), false);
        let gate = graph.softmax(&format!("gate{task}.softmax"), gate, 1.0).unwrap();
        let mixed = graph.mixture(&format!("mixture{task}"), gate, &experts).unwrap();
        let tower = layer(&mut graph, &format!("tower{task}"), mixed, 32, true);
        let logit = layer(&mut graph, &format!("logit{task}"), tower, 1, false);
        graph.head(&format!("task{task}"), logit, Loss::BinaryCrossEntropy, 1.0).unwrap();
    }
    graph
}

#[test]
fn a_warm_scorer_allocates_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    // Without instructions for bf16, rounded numbers are spread out again for every product.
    let bf16 = matches!(Isa::current(), Isa::Avx512Bf16 | Isa::Amx).then_some(Precision::Bf16);
    for precision in [Some(Precision::Fp32), bf16].into_iter().flatten() {
        let network = Network::<f32>::new(&mmoe(precision), 1, None);
        let scorer = Scorer::new(&network);
        for rows in [1usize, 7, 200, 1000] {
            let ids: Vec<u32> = (0..rows as u32).map(|row| row * 7 % ROWS).collect();
            let dense: Vec<f32> = (0..2 * rows).map(|i| i as f32 / rows as f32).collect();
            let feed = Feed { rows, slots: vec![SlotIds::One(&ids); 3], dense: &dense };
            let mut out = vec![0.0; rows * TASKS];
            pool.install(|| scorer.score_into(&network, &feed, &mut out).unwrap());
            let expected = pool.install(|| scorer.score(&network, &feed).unwrap());
            out.fill(0.0);
            let allocated = pool.install(|| measure(|| scorer.score_into(&network, &feed, &mut out).unwrap()));
            assert_eq!(allocated.count_total, 0, "{precision:?}, {rows} rows: {allocated:?}");
            assert_eq!(out, expected);
            // That allocations are seen at all.
            assert!(pool.install(|| measure(|| drop(scorer.score(&network, &feed)))).count_total > 0);
            let short = scorer.score_into(&network, &feed, &mut out[1..]).unwrap_err();
            assert!(short.to_string().contains("places for"), "{short}");
        }
    }
}
