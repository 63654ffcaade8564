//! Batch normalisation's statistics against those computed by hand.

use polyrank_engine::{
    Feed, Graph, Init, Layer, Loss, Network, Normaliser, Pooling, Scorer, SlotIds, Tensor, Trainer, TrainerOptions,
};

use crate::support::{Batch, find, linear, options, trainer, weights};

/// A head on the first normalised column of two, without a layer before.
fn graph(pick: [f64; 2]) -> (Graph, Tensor<f64>) {
    let mut g = Graph::default();
    let x = g.dense("x", 0, 2).unwrap();
    let y = g.batch_norm("x", x).unwrap();
    let z = linear(&mut g, "out", y, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    (g, Tensor { name: "out.weight".to_owned(), dims: vec![2, 1], data: pick.to_vec() })
}

fn moments(batch: &Batch<f64>, column: usize) -> (f64, f64) {
    let values = || batch.dense.iter().skip(column).step_by(2);
    let mean = values().sum::<f64>() / batch.rows as f64;
    (mean, values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / batch.rows as f64)
}

#[test]
fn training_normalises_over_the_whole_batch() {
    for rows in [2, 150, 600] {
        let mut batch: Batch<f64> = Batch::random(6, rows, &[], 2, 1);
        // A drift over the rows: micro-batches differ in mean.
        for (i, x) in batch.dense.iter_mut().enumerate() {
            *x += i as f64 / 40.0;
        }
        for column in 0..2 {
            let (g, pick) = graph(if column == 0 { [1.0, 0.0] } else { [0.0, 1.0] });
            let mut trainer = trainer::<f64>(&g, options());
            trainer.set(&pick).unwrap();
            let bias = find(&weights(trainer.network()), "out.bias")[0];
            let (mean, variance) = moments(&batch, column);
            let mut loss = 0.0;
            for r in 0..rows {
                let z = (batch.dense[2 * r + column] - mean) / (variance + 1e-5).sqrt() + bias;
                loss += (z - batch.labels[r]).powi(2) / rows as f64;
            }
            let report = trainer.step(&batch.feed(), &batch.labels).unwrap();
            assert!((report.total - loss).abs() < 1e-10, "{} for {loss}", report.total);

            let after = weights(trainer.network());
            let unbiased = variance * rows as f64 / (rows as f64 - 1.0);
            assert!((find(&after, "x.norm.mean")[column] - 0.1 * mean).abs() < 1e-10);
            assert!((find(&after, "x.norm.variance")[column] - (0.9 + 0.1 * unbiased)).abs() < 1e-10);
        }
    }
}

#[test]
fn scoring_uses_the_running_statistics() {
    let (g, pick) = graph([1.0, 2.0]);
    let mut network = Network::<f64>::new(&g, 1, None);
    let tensor = |name: &str, data: &[f64]| Tensor { name: name.to_owned(), dims: vec![2], data: data.to_vec() };
    let (mean, variance, scale, shift) = ([0.5, -1.0], [4.0, 0.25], [1.5, 0.5], [0.1, 0.2]);
    for t in [
        pick,
        tensor("x.norm.mean", &mean),
        tensor("x.norm.variance", &variance),
        tensor("x.norm.scale", &scale),
        tensor("x.norm.shift", &shift),
    ] {
        network.set(&t).unwrap();
    }
    let bias = find(&weights(&network), "out.bias")[0];
    let batch: Batch<f64> = Batch::random(6, 100, &[], 2, 1);
    let scores = Scorer::new(&network).score(&network, &batch.feed()).unwrap();
    for (x, score) in batch.dense.chunks(2).zip(scores) {
        let y = |c: usize| scale[c] * (x[c] - mean[c]) / (variance[c] + 1e-5).sqrt() + shift[c];
        assert!((score - (y(0) + 2.0 * y(1) + bias)).abs() < 1e-12);
    }
}

// Each row has a table row of its own and the loss has slope 1, so the table's gradient is the mask.
#[test]
fn dropout_masks_depend_on_row_and_step_alone() {
    const ROWS: usize = 192;
    const DIM: usize = 16;
    let mut g = Graph::default();
    let table = g.table("rows", ROWS, DIM, Init::Constant(1.0)).unwrap();
    let x = g.lookup("e", 0, table, Pooling::One).unwrap();
    let x = g.dropout("drop", x, 0.25).unwrap();
    let layer = Layer { units: 1, weight: Init::Constant(1.0), bias: None, relu: false };
    let z = g.linear("out", x, layer).unwrap();
    g.head("task", z, Loss::Mae, 1.0).unwrap();
    let mut trainer = trainer::<f64>(&g, TrainerOptions { normaliser: Normaliser::Sum, ..options() });
    let ids: Vec<u32> = (0..ROWS as u32).collect();
    let feed = Feed { rows: ROWS, slots: vec![SlotIds::One(&ids)], dense: &[] };
    let labels = [-1e6; ROWS];
    let mask = |trainer: &mut Trainer<f64>| find(&trainer.inspect(&feed, &labels).unwrap().1, "rows").to_vec();
    let first = mask(&mut trainer);
    assert!(first.iter().all(|&m| m == 0.0 || (m - 4.0 / 3.0).abs() < 1e-12));
    let dropped = first.iter().filter(|m| **m == 0.0).count() as f64 / first.len() as f64;
    assert!((dropped - 0.25).abs() < 0.03, "{dropped}");
    assert!(first == mask(&mut trainer), "a step has one mask");
    // Rows differ from each other, also at the same place of another micro-batch.
    for distance in [1, 64, 128] {
        let same =
            (0..ROWS - distance).filter(|r| first[r * DIM..][..DIM] == first[(r + distance) * DIM..][..DIM]).count();
        assert!(same < 10, "{same} rows have the mask of a row {distance} further");
    }
    trainer.step(&feed, &labels).unwrap();
    assert!(first != mask(&mut trainer), "another step, another mask");
}
