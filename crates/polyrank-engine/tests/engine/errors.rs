//! What does not fit is an error that says so, never a panic, and leaves the trainer as it was.

use polyrank_engine::{
    Feed, Function, Graph, Init, Loss, Network, Optimizer, Pooling, Scorer, SlotIds, Space, Stretch, Tensor, Trainer,
};

use crate::support::{Batch, SGD, layer, linear, options, trainer, weights};

fn graph() -> Graph {
    let mut g = Graph::default();
    let table = g.table("table", 7, 3, Init::Normal(0.7)).unwrap();
    let one = g.lookup("one", 0, table, Pooling::One).unwrap();
    let bag = g.lookup("bag", 1, table, Pooling::Sum).unwrap();
    let d = g.dense("d", 0, 2).unwrap();
    let x = g.concat("x", &[one, bag, d]).unwrap();
    let z = linear(&mut g, "out", x, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    g
}

#[test]
fn feeds_that_do_not_fit() {
    let mut trainer = trainer::<f64>(&graph(), options());
    let network = Network::<f64>::new(&graph(), 3, None);
    let scorer = Scorer::new(&network);
    let before = weights(trainer.network());
    let one = SlotIds::One(&[0, 6]);
    let bag = |offsets, ids| SlotIds::Many { offsets, ids };
    let good = bag(&[0, 1, 1], &[6]);
    let dense = [0.0; 4];
    let cases: [(&str, usize, Vec<SlotIds<'_>>, &[f64]); 13] = [
        ("1 slots of ids, the network reads 2", 2, vec![one], &dense),
        ("numbers", 2, vec![one, good], &dense[..3]),
        ("numbers", 2, vec![one, good], &[]),
        ("one: id 7 in a table of 7 rows", 2, vec![SlotIds::One(&[0, 7]), good], &dense),
        ("one: id 4294967295", 2, vec![SlotIds::One(&[0, u32::MAX]), good], &dense),
        ("one: slot 0 has another shape", 2, vec![SlotIds::One(&[0]), good], &dense),
        ("one: slot 0 has another shape", 2, vec![good, good], &dense),
        ("bag: slot 1 has another shape", 2, vec![one, one], &dense),
        ("bag: id 9 in a table of 7 rows", 2, vec![one, bag(&[0, 1, 1], &[9])], &dense),
        ("bag: offsets", 2, vec![one, bag(&[0, 2, 1], &[1])], &dense),
        ("bag: offsets", 2, vec![one, bag(&[1, 1, 1], &[1])], &dense),
        ("bag: offsets", 2, vec![one, bag(&[0, 1], &[1])], &dense),
        ("bag: offsets", 2, vec![one, bag(&[], &[])], &dense),
    ];
    for (text, rows, slots, dense) in cases {
        let feed = Feed { rows, slots, dense };
        for error in [
            scorer.score(&network, &feed).unwrap_err(),
            trainer.step(&feed, &[0.0, 1.0]).unwrap_err(),
            trainer.inspect(&feed, &[0.0, 1.0]).unwrap_err(),
        ] {
            assert!(error.to_string().contains(text), "{error} for {text}");
        }
    }
    // Labels of another length, and no rows.
    let feed = Feed { rows: 2, slots: vec![one, good], dense: &dense };
    for labels in [&[0.0][..], &[0.0; 3], &[]] {
        assert!(trainer.step(&feed, labels).unwrap_err().to_string().contains("labels for 2 rows"));
    }
    let empty = Feed { rows: 0, slots: vec![SlotIds::One(&[]), bag(&[0], &[])], dense: &[] };
    assert!(trainer.step(&empty, &[]).unwrap_err().to_string().contains("0 rows"));
    assert_eq!(scorer.score(&network, &empty).unwrap(), []);
    assert_eq!(scorer.score_watched(&network, &empty).unwrap().0, []);

    assert_eq!(trainer.steps(), 0);
    assert_eq!(weights(trainer.network()), before);
    trainer.step(&feed, &[0.0, 1.0]).unwrap();
    assert!(weights(trainer.network()) != before, "the feed that fits trains");
}

#[test]
fn tensors_that_do_not_belong() {
    let mut trainer = trainer::<f64>(&graph(), options());
    let before = weights(trainer.network());
    let cases = [
        ("other", vec![8, 1], 8, "the network has none of this name"),
        ("out.weight", vec![1, 8], 8, "has shape [1, 8]"),
        ("out.weight", vec![8, 1], 7, "7 numbers"),
        ("table", vec![3, 7], 21, "has shape [3, 7]"),
        ("out.bias", vec![], 1, "has shape []"),
    ];
    for (name, dims, count, text) in cases {
        let error = trainer.set(&Tensor { name: name.to_owned(), dims, data: vec![1.0; count] }).unwrap_err();
        assert!(error.to_string().contains(name) && error.to_string().contains(text), "{error} for {text}");
    }
    assert_eq!(weights(trainer.network()), before);
}

#[test]
fn state_that_does_not_belong() {
    let adam = Optimizer::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
    let of = |optimizer| {
        let options = polyrank_engine::TrainerOptions { optimizer, embedding_optimizer: optimizer, ..options() };
        trainer::<f64>(&graph(), options)
    };
    let mut target: Trainer<f64> = of(adam);
    let error = target.set_state(&of(SGD).state(), 3).unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
    let before = target.state();
    let mut state = of(adam).state();
    state.iter_mut().for_each(|t| t.data.fill(1.0));
    if let Some(last) = state.last_mut() {
        last.data.pop();
    }
    let error = target.set_state(&state, 3).unwrap_err();
    assert!(error.to_string().contains("has another shape"), "{error}");
    assert!(target.state() == before, "a state that does not fit changes nothing");
    assert_eq!(target.steps(), 0);
}

#[test]
fn graphs_that_cannot_be() {
    let mut g = graph();
    let x = g.dense("x", 0, 2).unwrap();
    let y = g.dense("y", 0, 3).unwrap();
    g.table("second", 2, 2, Init::Constant(0.0)).unwrap();
    let once = g.trained("once", 2, Init::Constant(0.0)).unwrap();
    let errors = [
        g.table("table", 1, 1, Init::Constant(0.0)).unwrap_err(),
        g.table("out.weight", 1, 1, Init::Constant(0.0)).unwrap_err(),
        g.table("empty", 0, 1, Init::Constant(0.0)).unwrap_err(),
        g.table("wide", 1, usize::MAX, Init::Constant(0.0)).unwrap_err(),
        g.table("flat", 1, 0, Init::Constant(0.0)).unwrap_err(),
        g.table("huge", 1 << 33, 1, Init::Constant(0.0)).unwrap_err(),
        g.dense("none", 0, 0).unwrap_err(),
        g.dense("endless", 0, usize::MAX).unwrap_err(),
        g.dense("beyond", usize::MAX, 2).unwrap_err(),
        g.concat("nothing", &[]).unwrap_err(),
        g.linear("out", x, layer(2)).unwrap_err(),
        g.linear("units", x, layer(0)).unwrap_err(),
        g.linear("wide", x, layer(usize::MAX)).unwrap_err(),
        g.dropout("dropout", x, 1.0).unwrap_err(),
        g.dropout("dropout", x, f64::NAN).unwrap_err(),
        g.softmax("softmax", x, 0.0).unwrap_err(),
        g.top_softmax("cold", x, 1, 0.0).unwrap_err(),
        g.top_softmax("none kept", x, 0, 1.0).unwrap_err(),
        g.top_softmax("all and more", x, 3, 1.0).unwrap_err(),
        g.codes("no choice", x, 0).unwrap_err(),
        g.codes("too many choices", x, 5).unwrap_err(),
        g.mixture("no experts", x, &[]).unwrap_err(),
        g.mixture("one short", x, &[x]).unwrap_err(),
        g.mixture("unlike", x, &[x, y]).unwrap_err(),
        g.dot("unlike", x, y).unwrap_err(),
        g.trained("no columns", 0, Init::Constant(0.0)).unwrap_err(),
        g.trained("out.weight", 1, Init::Constant(0.0)).unwrap_err(),
        g.hard_concrete("cold", x, Stretch { beta: 0.0, gamma: -0.1, zeta: 1.1 }).unwrap_err(),
        g.hard_concrete("positive", x, Stretch { beta: 0.5, gamma: 0.1, zeta: 1.1 }).unwrap_err(),
        g.hard_concrete("short", x, Stretch { beta: 0.5, gamma: -0.1, zeta: f64::NAN }).unwrap_err(),
        g.routes("no gates of rows", x, y, 4, Init::Constant(0.1)).unwrap_err(),
        g.routes("uneven", y, once, 4, Init::Constant(0.1)).unwrap_err(),
        g.batch_norm("no rows", once).unwrap_err(),
        g.concat("of rows and of none", &[x, once]).unwrap_err(),
        g.spread("away", x, Space::Once).unwrap_err(),
        g.overlay("beyond", y, x, 2).unwrap_err(),
        g.overlay("wider", x, y, 0).unwrap_err(),
        g.head("no rows", once, Loss::Mse, 1.0).unwrap_err(),
        g.head("wide head", x, Loss::Mse, 1.0).unwrap_err(),
    ];
    for error in errors {
        assert!(!error.block.is_empty() && !error.problem.is_empty(), "{error}");
    }
    // What failed left nothing behind.
    let z = g.activate("z", x, Function::Tanh).unwrap();
    let z = linear(&mut g, "last", z, 1);
    g.head("second task", z, Loss::Mse, 1.0).unwrap();
    let mut trainer = trainer::<f64>(&g, options());
    let mut batch: Batch<f64> = Batch::random(1, 5, &[(7, false), (7, true)], 3, 2);
    trainer.step(&batch.feed(), &batch.labels).unwrap();
    batch.dense.pop();
    assert!(trainer.step(&batch.feed(), &batch.labels).is_err());
}
