//! Heads of several classes: softmax and cross-entropy over C logits.

use polyrank_engine::{Graph, Init, Layer, Loss, Network, Normaliser, Pooling, Scorer, Targets, TrainerOptions};

use crate::support::{Batch, Random, check_gradients, layer, linear, options, trainer};

/// A head of three classes, whose logits a binary head reads too, and a number.
fn graph() -> Graph {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let d = g.dense("d", 0, 2).unwrap();
    let x = g.concat("x", &[e, d]).unwrap();
    let classes = linear(&mut g, "classes", x, 3);
    let all = g.concat("all", &[x, classes]).unwrap();
    let one = linear(&mut g, "one", all, 1);
    g.head("one", one, Loss::BinaryCrossEntropy, 1.0).unwrap();
    g.head("three", classes, Loss::CrossEntropy, 0.7).unwrap();
    g
}

/// Labels of the second head from 0 to 2, some missing.
fn batch(rows: usize) -> Batch<f64> {
    let mut batch = Batch::random(rows as u64, rows, &[(7, false)], 2, 2);
    let mut random = Random(9);
    for label in batch.labels.iter_mut().skip(1).step_by(2) {
        *label = if random.below(5) == 0 { f64::NAN } else { f64::from(random.below(3)) };
    }
    batch
}

#[test]
fn gradients_under_every_normaliser() {
    for normaliser in [Normaliser::Count, Normaliser::WeightSum, Normaliser::Batch, Normaliser::Sum] {
        for rows in [1, 9, 150] {
            check_gradients(&graph(), TrainerOptions { normaliser, ..options() }, &batch(rows), &[]);
        }
    }
}

/// One number in, `bias` out: the loss of logits that are given.
fn loss_of(bias: &[f64], label: f64) -> f64 {
    let mut g = Graph::default();
    let x = g.dense("x", 0, 1).unwrap();
    let flat = Layer { weight: Init::Constant(0.0), bias: Some(Init::Constant(0.0)), ..layer(bias.len()) };
    let z = g.linear("z", x, flat).unwrap();
    g.head("task", z, Loss::CrossEntropy, 1.0).unwrap();
    let mut trainer = trainer::<f64>(&g, options());
    let mut tensor = trainer.network().layers().into_iter().find(|t| t.name == "z.bias").unwrap();
    tensor.data = bias.to_vec();
    trainer.set(&tensor).unwrap();
    let one = Batch { rows: 1, slots: Vec::new(), dense: vec![1.0], labels: vec![label], weights: Vec::new() };
    trainer.inspect(&one.feed(), &one.labels[..]).unwrap().0
}

#[test]
fn the_loss_is_its_formula_and_never_overflows() {
    assert!((loss_of(&[0.0; 4], 2.0) - 4f64.ln()).abs() < 1e-15);
    let (z, sum) = ([0.3f64, -1.0, 2.0], 0.3f64.exp() + (-1f64).exp() + 2f64.exp());
    for label in 0..3 {
        let expected = -(z[label].exp() / sum).ln();
        assert!((loss_of(&z, label as f64) - expected).abs() < 1e-14);
    }
    assert_eq!(loss_of(&[1e6, -1e6], 0.0), 0.0);
    assert_eq!(loss_of(&[1e6, -1e6], 1.0), 2e6);
}

#[test]
fn weights_of_rows_multiply_the_loss() {
    let (g, batch) = (graph(), batch(9));
    let weights: Vec<f64> = (0..18).map(|i| if i % 2 == 0 { 1.0 } else { f64::from(i % 4) }).collect();
    let sum = TrainerOptions { normaliser: Normaliser::Sum, ..options() };
    let mut trainer = trainer::<f64>(&g, sum);
    let (_, whole) = trainer.inspect(&batch.feed(), Targets { labels: &batch.labels, weights: &weights }).unwrap();
    // Row by row, the gradients of the second head's rows are its rows' own, times their weights.
    let bias = |tensors: &[polyrank_engine::Tensor<f64>]| crate::support::find(tensors, "classes.bias").to_vec();
    let mut total = [0.0; 3];
    for row in 0..9 {
        let one = batch.select(&[row]);
        let weights = &weights[2 * row..2 * row + 2];
        let (_, part) = trainer.inspect(&one.feed(), Targets { labels: &one.labels, weights }).unwrap();
        total.iter_mut().zip(bias(&part)).for_each(|(total, g)| *total += g);
    }
    for (a, b) in bias(&whole).iter().zip(total) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn outputs_lie_side_by_side_and_a_row_has_them_alone() {
    let (g, batch) = (graph(), batch(70));
    assert_eq!(g.outputs(), 4);
    let network = Network::<f64>::new(&g, 3, None);
    let scorer = Scorer::new(&network);
    let whole = scorer.score(&network, &batch.feed()).unwrap();
    assert_eq!(whole.len(), 70 * 4);
    for row in [0, 33, 69] {
        let alone = scorer.score(&network, &batch.select(&[row]).feed()).unwrap();
        assert_eq!(alone, whole[4 * row..4 * row + 4]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut trainer = trainer::<f64>(&graph(), options());
    for label in [3.0, -1.0, 0.5, f64::INFINITY] {
        let mut batch = batch(2);
        batch.labels[3] = label;
        let error = trainer.step(&batch.feed(), &batch.labels[..]).unwrap_err().to_string();
        assert!(error.contains("`three`, which has the classes 0 to 2"), "{error}");
    }
    let mut g = Graph::default();
    let x = g.dense("x", 0, 2).unwrap();
    let one = linear(&mut g, "one", x, 1);
    let error = g.head("task", one, Loss::CrossEntropy, 1.0).unwrap_err();
    assert!(error.to_string().contains("a column a class"), "{error}");
    assert!(g.head("task", x, Loss::Mse, 1.0).unwrap_err().to_string().contains("one column a row"));
    let label = g.label("label", 0).unwrap();
    assert!(g.loss("loss", one, label, Loss::CrossEntropy).unwrap_err().to_string().contains("is a head's"));
}
