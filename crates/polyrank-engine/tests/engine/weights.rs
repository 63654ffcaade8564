//! Weights of rows and factors of heads against closed forms.

use polyrank_engine::{Loss, Network, Normaliser, Real, Scorer, TrainerOptions};

use super::gradients::heads;
use super::support::{Batch, find, options, trainer};

const NORMALISERS: [Normaliser; 4] = [Normaliser::WeightSum, Normaliser::Count, Normaliser::Batch, Normaliser::Sum];

/// Weights from 0 to 2.8, three a row; none beside a missing label is an ordinary one.
fn weighted(batch: &Batch<f64>) -> Batch<f64> {
    let weight = |(i, label): (usize, &f64)| if label.is_nan() { 1e9 } else { (i * 7 % 5) as f64 * 0.7 };
    Batch { weights: batch.labels.iter().enumerate().map(weight).collect(), ..batch.clone() }
}

#[test]
fn the_loss_is_its_definition() {
    let (g, batch) = heads(Loss::BinaryCrossEntropy);
    let batch = weighted(&batch);
    let network = Network::<f64>::new(&g, 3, None);
    let outputs = Scorer::new(&network).score(&network, &batch.feed()).unwrap();
    let factors = [1.0, 0.25, 3.0];
    for normaliser in NORMALISERS {
        let mut trainer = trainer::<f64>(&g, TrainerOptions { normaliser, ..options() });
        trainer.set_factors(&factors).unwrap();
        let (mut total, mut sums) = (0.0, Vec::new());
        for (h, head) in [1.0, 0.3, 2.5].into_iter().enumerate() {
            let (mut sum, mut weights, mut count) = (0.0, 0.0, 0);
            for row in 0..batch.rows {
                let at = row * 3 + h;
                let (z, y, w) = (outputs[at], batch.labels[at], batch.weights[at]);
                if !y.is_nan() {
                    let p = 1.0 / (1.0 + (-z).exp());
                    let loss = if h == 2 { (z - y).powi(2) } else { -(y * p.ln() + (1.0 - y) * (1.0 - p).ln()) };
                    (sum, weights, count) = (sum + w * loss, weights + w, count + 1);
                }
            }
            let divisor = match normaliser {
                Normaliser::WeightSum => weights,
                Normaliser::Count => f64::from(count),
                Normaliser::Batch => 150.0,
                Normaliser::Sum => 1.0,
            };
            total += head * factors[h] * sum / divisor;
            sums.push((sum, weights, count as usize));
        }
        let report = trainer.step(&batch.feed(), batch.targets()).unwrap();
        assert!((report.total - total).abs() < 1e-12 * total, "{normaliser:?}: {} for {total}", report.total);
        for (h, (sum, weights, count)) in sums.into_iter().enumerate() {
            assert!((report.loss_sums[h] - sum).abs() < 1e-11 && (report.weight_sums[h] - weights).abs() < 1e-11);
            assert_eq!(report.counts[h], count);
        }
    }
}

#[test]
fn a_weight_is_that_many_rows_and_0_none() {
    let (g, batch) = heads(Loss::Huber { delta: 0.4 });
    // Rows with even numbers count twice, and every tenth never.
    let times = |row: usize| if row.is_multiple_of(10) { 0 } else { 2 - row % 2 };
    let weights = (0..150).flat_map(|row| [times(row) as f64; 3]).collect();
    let rows: Vec<usize> = (0..150).flat_map(|row| vec![row; times(row)]).collect();
    let (weighted, repeated) = (Batch { weights, ..batch.clone() }, batch.select(&rows));
    for normaliser in [Normaliser::WeightSum, Normaliser::Sum] {
        let mut trainer = trainer::<f64>(&g, TrainerOptions { normaliser, ..options() });
        let (loss, grads) = trainer.inspect(&weighted.feed(), weighted.targets()).unwrap();
        let (expected_loss, expected) = trainer.inspect(&repeated.feed(), repeated.targets()).unwrap();
        assert!((loss - expected_loss).abs() < 1e-12 * expected_loss);
        for grad in &grads {
            let theirs = find(&expected, &grad.name);
            assert!(grad.data.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-10), "{}", grad.name);
        }
    }
}

#[test]
fn weights_of_1_are_none_to_the_bit_and_all_0_is_no_loss() {
    let (g, batch) = heads(Loss::BinaryCrossEntropy);
    let narrow = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<_>>();
    let with = |weights: Vec<f32>| Batch {
        rows: batch.rows,
        slots: batch.slots.clone(),
        dense: narrow(&batch.dense),
        labels: narrow(&batch.labels),
        weights,
    };
    for normaliser in NORMALISERS {
        let mut trainer = trainer::<f32>(&g, TrainerOptions { normaliser, ..options() });
        let mut inspect = |batch: &Batch<f32>| trainer.inspect(&batch.feed(), batch.targets()).unwrap();
        assert_eq!(inspect(&with(vec![1.0; 450])), inspect(&with(vec![])), "{normaliser:?}");
        let (loss, grads) = inspect(&with(vec![0.0; 450]));
        assert_eq!(loss, 0.0);
        assert!(grads.iter().all(|grad| grad.data.iter().all(|g| g.f64() == 0.0)), "{normaliser:?}");
    }
}

#[test]
fn weights_and_factors_that_cannot_be_any() {
    let (g, batch) = heads(Loss::Mse);
    let mut trainer = trainer::<f64>(&g, options());
    for odd in [-1.0, f64::NAN, f64::INFINITY] {
        let mut weights = vec![1.0; 450];
        weights[17] = odd;
        let bad = Batch { weights, ..batch.clone() };
        let error = trainer.step(&bad.feed(), bad.targets()).unwrap_err().to_string();
        assert!(error.contains("finite and not negative"), "{error}");
        assert!(trainer.set_factors(&[1.0, odd, 1.0]).is_err());
    }
    let short = Batch { weights: vec![1.0; 449], ..batch.clone() };
    let error = trainer.step(&short.feed(), short.targets()).unwrap_err().to_string();
    assert!(error.contains("449 weights for 150 rows of 3 tasks"), "{error}");
    assert!(trainer.set_factors(&[1.0, 1.0]).is_err());
    assert_eq!(trainer.steps(), 0);
}
