//! Values with several rows a sample: lists of ids, fields; what leads to them and back.

use polyrank_engine::{Along, Collecting, Function, Graph, Init, Layer, Loss, Network, Scorer, Space};

use crate::support::{
    Batch, SLOTS, check_gradients, join_and_head, layer, linear, list_and_target, options, relu, trainer,
};

fn check(g: &Graph, idle: &[&str]) {
    for rows in [1, 9, 150] {
        // One row alone may have an empty list, through which nothing learns.
        let batch = Batch::random(3 + rows as u64, rows, &SLOTS, 0, 1);
        check_gradients(g, options(), &batch, idle);
    }
}

#[test]
fn layers_over_lists_and_every_way_to_collect_them() {
    for how in [Collecting::Sum, Collecting::Mean, Collecting::Last] {
        let mut g = Graph::default();
        let (list, target) = list_and_target(&mut g);
        let hidden = relu(&mut g, "hidden", list, 5);
        let hidden = g.layer_norm("norm", hidden).unwrap();
        let hidden = g.dropout("dropped", hidden, 0.3).unwrap();
        let collected = g.collect("collected", hidden, how).unwrap();
        join_and_head(&mut g, &[target, collected]);
        check(&g, &[]);
    }
}

#[test]
fn attention_to_a_target() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let space = g.space(list);
    let spread = g.spread("spread", target, space).unwrap();
    let product = g.multiply("product", spread, list).unwrap();
    let difference = g.sum("difference", &[(1.0, spread), (-1.0, list)]).unwrap();
    let all = g.concat("all", &[list, spread, difference, product]).unwrap();
    let scores = linear(&mut g, "hidden", all, 4);
    let scores = g.dice("dice", scores).unwrap();
    let scores = g.linear("scores", scores, Layer { bias: None, ..layer(1) }).unwrap();
    let weights = g.list_softmax("weights", scores).unwrap();
    let weighted = g.multiply("weighted", weights, list).unwrap();
    let interest = g.collect("interest", weighted, Collecting::Sum).unwrap();
    join_and_head(&mut g, &[target, interest]);
    for rows in [9, 150] {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &SLOTS, 0, 1), &[]);
    }
}

#[test]
fn fields_of_a_row_either_way() {
    for along in [Along::Fields, Along::Dimensions] {
        let mut g = Graph::default();
        let x = g.dense("d", 0, 6).unwrap();
        let x = linear(&mut g, "up", x, 6);
        let fields = g.fold("fields", x, 3, along).unwrap();
        assert_eq!((g.space(fields), g.width(fields)), (Space::Fields(3), 2));
        let hidden = g.batch_norm("norm", fields).unwrap();
        let hidden = relu(&mut g, "hidden", hidden, 4);
        let weights = g.list_softmax("weights", hidden).unwrap();
        let flat = g.unfold("flat", weights, along).unwrap();
        let mean = g.collect("mean", hidden, Collecting::Mean).unwrap();
        join_and_head(&mut g, &[flat, mean, x]);
        for rows in [1, 9, 150] {
            check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[], 6, 1), &[]);
        }
    }
}

#[test]
fn objectives_over_lists_with_drawn_ids() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let table = g.table("other", 7, 3, Init::Normal(0.7)).unwrap();
    let negatives = g.lookup_negatives("negatives", table, 2, g.space(list)).unwrap();
    let product = g.multiply("product", list, negatives).unwrap();
    let logits = linear(&mut g, "logits", product, 1);
    let softplus = g.activate("softplus", logits, Function::Softplus).unwrap();
    g.objective("unlike", softplus, 0.7);
    join_and_head(&mut g, &[target]);
    for rows in [9, 150] {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &SLOTS, 0, 1), &[]);
    }
    assert!(g.head("impossible", logits, Loss::Mse, 1.0).is_err());
}

#[test]
fn objectives_from_labels() {
    let mut g = Graph::default();
    let x = g.dense("d", 0, 3).unwrap();
    let (a, b, c) = (linear(&mut g, "a", x, 1), linear(&mut g, "b", x, 1), linear(&mut g, "c", x, 1));
    let both = g.conjunction("both", a, b).unwrap();
    g.head("first", a, Loss::BinaryCrossEntropy, 1.0).unwrap();
    g.head("second", both, Loss::BinaryCrossEntropy, 1.0).unwrap();
    let (label, present) = (g.label("label", 0).unwrap(), g.labelled("present", 1).unwrap());
    let loss = g.loss("loss", c, label, Loss::BinaryCrossEntropy).unwrap();
    let loss = g.multiply("where labelled", present, loss).unwrap();
    let p = g.activate("p", a, Function::Sigmoid).unwrap();
    let inverse = g.activate("inverse", p, Function::Reciprocal { floor: 0.3 }).unwrap();
    let stopped = g.stop_gradient("stopped", inverse).unwrap();
    let through = g.multiply("through", inverse, loss).unwrap();
    let past = g.multiply("past", stopped, loss).unwrap();
    g.objective("through", through, 0.5);
    check_gradients(&g, options(), &Batch::random(4, 40, &[], 3, 2), &[]);
    // What is stopped is a constant to the gradient, but not to a difference: only c learns from it.
    let mut g2 = g.clone();
    g2.objective("past", past, 0.5);
    let batch = Batch::random(4, 40, &[], 3, 2);
    let gradient = |g: &Graph, name: &str| {
        let (_, all) = trainer::<f64>(g, options()).inspect(&batch.feed(), &batch.labels).unwrap();
        all.into_iter().find(|t| t.name == name).unwrap().data
    };
    assert_eq!(gradient(&g, "a.weight"), gradient(&g2, "a.weight"));
    assert_ne!(gradient(&g, "c.weight"), gradient(&g2, "c.weight"));
    assert!(g.head("impossible", through, Loss::Mse, 1.0).is_err());
}

#[test]
fn the_logit_of_a_product_stays_exact_at_the_ends() {
    let mut g = Graph::default();
    let (a, b) = (g.dense("a", 0, 1).unwrap(), g.dense("b", 1, 1).unwrap());
    let both = g.conjunction("both", a, b).unwrap();
    g.head("task", both, Loss::BinaryCrossEntropy, 1.0).unwrap();
    let network = Network::<f32>::new(&g, 1, None);
    let dense = [0.0, 0.0, 200.0, 3.0, -300.0, -200.0, 90.0, 90.0, 1e4, 1e4];
    let batch = Batch { rows: 5, slots: vec![], dense: dense.to_vec(), labels: vec![], weights: vec![] };
    let scores = Scorer::new(&network).score(&network, &batch.feed()).unwrap();
    let expected = [-(3f32.ln()), 3.0, -500.0, 90.0 - 2f32.ln(), 1e4 - 2f32.ln()];
    for (score, expected) in scores.iter().zip(expected) {
        assert!((score - expected).abs() <= 1e-6 * expected.abs(), "{score} for {expected}");
    }
}

#[test]
fn a_list_longer_than_its_place_is_refused() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let sum = g.collect("sum", list, Collecting::Sum).unwrap();
    join_and_head(&mut g, &[target, sum]);
    let network = Network::<f32>::new(&g, 1, None);
    let mut batch = Batch::<f32>::random(1, 3, &SLOTS, 0, 1);
    batch.slots[1] = crate::support::Ids::Many(vec![0, 7, 7, 7], vec![1; 7]);
    let error = Scorer::new(&network).score(&network, &batch.feed()).unwrap_err();
    assert!(error.to_string().contains("at most 6"), "{error}");
}

#[test]
fn mixed_kinds_of_rows_are_refused() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let error = g.concat("mixed", &[list, target]).unwrap_err();
    assert!(error.to_string().contains("rows"), "{error}");
    let z = linear(&mut g, "z", list, 1);
    assert!(g.head("task", z, Loss::Mse, 1.0).is_err());
}
