//! Frozen tables: rows that training leaves as they are.

use polyrank_engine::{Graph, Init, Loss, Network, Optimizer, Pooling, TrainerOptions};

use crate::support::{Batch, find, linear, options, trainer, weights};

/// Two tables, one of which can be frozen; lists read the frozen one too.
fn graph(frozen: bool) -> Graph {
    let mut g = Graph::default();
    let fixed = g.table("fixed", 7, 3, Init::Normal(0.7)).unwrap();
    let free = g.table("free", 7, 2, Init::Normal(0.7)).unwrap();
    if frozen {
        g.freeze(fixed);
    }
    let parts = [
        g.lookup("one", 0, fixed, Pooling::One).unwrap(),
        g.lookup("bag", 1, fixed, Pooling::Mean).unwrap(),
        g.lookup("two", 0, free, Pooling::One).unwrap(),
    ];
    let x = g.concat("x", &parts).unwrap();
    let z = linear(&mut g, "out", x, 1);
    g.head("task", z, Loss::BinaryCrossEntropy, 1.0).unwrap();
    g
}

fn batch() -> Batch<f64> {
    Batch::random(5, 150, &[(7, false), (7, true)], 0, 1)
}

const ADAM: Optimizer =
    Optimizer::Adam { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };

#[test]
fn a_frozen_table_has_no_gradient_no_penalty_and_no_state() {
    for whole in [false, true] {
        let options = TrainerOptions {
            embedding_optimizer: ADAM,
            embedding_penalty: (0.01, 0.02),
            penalise_whole_tables: whole,
            clip_norm: Some(0.5),
            ..options()
        };
        let batch = batch();
        let mut trainer = trainer::<f64>(&graph(true), options);
        let before = weights(trainer.network());
        for _ in 0..3 {
            trainer.step(&batch.feed(), &batch.labels[..]).unwrap();
        }
        let after = weights(trainer.network());
        assert_eq!(find(&before, "fixed"), find(&after, "fixed"), "to the bit");
        assert_ne!(find(&before, "free"), find(&after, "free"));
        let names: Vec<String> = trainer.state().into_iter().map(|tensor| tensor.name).collect();
        assert!(names.contains(&"state/free".to_owned()) && !names.contains(&"state/fixed".to_owned()), "{names:?}");
        // What is trained gets the gradients that it has beside a table that trains.
        let unpenalised = TrainerOptions { embedding_penalty: (0.0, 0.0), ..crate::support::options() };
        let grads = |frozen| {
            let mut trainer = crate::support::trainer::<f64>(&graph(frozen), unpenalised.clone());
            trainer.inspect(&batch.feed(), &batch.labels[..]).unwrap().1
        };
        assert!(find(&grads(true), "fixed").iter().all(|g| *g == 0.0));
        assert!(find(&grads(false), "fixed").iter().any(|g| *g != 0.0));
        for name in ["free", "out.weight", "out.bias"] {
            assert_eq!(find(&grads(true), name), find(&grads(false), name), "{name}");
        }
    }
}

#[test]
fn a_row_is_set_or_refused() {
    let mut network = Network::<f64>::new(&graph(true), 3, Some(ADAM));
    network.set_row(0, 4, &[1.0, 2.0, 3.0]).unwrap();
    let table = network.tables().next().unwrap();
    assert_eq!(table.data[12..15], [1.0, 2.0, 3.0]);
    for (table, row, weights, text) in [
        (0, 7, &[0.0; 3][..], "7 rows × 3"),
        (0, 1, &[0.0; 2], "row 1 of 2 weights"),
        (2, 0, &[0.0; 3], "there is none"),
    ] {
        let error = network.set_row(table, row, weights).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}
