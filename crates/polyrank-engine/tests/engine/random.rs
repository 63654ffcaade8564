//! Random graphs: gradients, and the scoring plan against the training plan.

use polyrank_engine::{Function, Graph, Init, Layer, Loss, Network, Pooling, Real, Scorer, Trainer, Value};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::{Batch, Random, compare_gradients, layer, options, trainer};

const SLOTS: [(u64, bool); 3] = [(6, false), (6, true), (4, true)];
const FUNCTIONS: [Function; 4] =
    [Function::Sigmoid, Function::Tanh, Function::Silu, Function::LeakyRelu { slope: 0.2 }];

/// Some lookups and numbers, then `ops` random ops on random values, two heads, and every value of `watch`.
fn graph(random: &mut Random, ops: usize, batch_wide: bool) -> Graph {
    let mut g = Graph::default();
    let shared = g.table("shared", 6, 3, Init::Normal(0.7)).unwrap();
    let other = g.table("other", 4, 2, Init::Normal(0.7)).unwrap();
    let mut values = vec![
        g.lookup("one", 0, shared, Pooling::One).unwrap(),
        g.lookup("bag", 1, shared, Pooling::Mean).unwrap(),
        g.lookup("other", 2, other, Pooling::Sum).unwrap(),
        g.dense("numbers", 1, 2).unwrap(),
    ];
    for i in 0..ops {
        let name = format!("op{i}");
        let value = add_op(&mut g, &name, &values, random, batch_wide);
        if random.below(5) == 0 {
            g.watch(&name, value);
        }
        values.push(value);
    }
    for head in 0..2 {
        // Late values, so that most of the graph is trained.
        let from = values[values.len() - 1 - random.below(3) as usize];
        let z = g.linear(&format!("head{head}"), from, layer(1)).unwrap();
        g.head(&format!("head{head}"), z, Loss::Mse, 1.0).unwrap();
    }
    g
}

fn add_op(g: &mut Graph, name: &str, values: &[Value], random: &mut Random, batch_wide: bool) -> Value {
    let pick = |random: &mut Random| values[random.below(values.len() as u64) as usize];
    let x = pick(random);
    match random.below(if batch_wide { 9 } else { 6 }) {
        0 | 1 => {
            let bias = (random.below(2) == 0).then_some(Init::Uniform(0.3));
            let units = 1 + random.below(20) as usize;
            g.linear(name, x, Layer { bias, relu: random.below(2) == 0, ..layer(units) }).unwrap()
        }
        2 | 3 => {
            let several: Vec<Value> = (0..2 + random.below(3)).map(|_| pick(random)).collect();
            g.concat(name, &several).unwrap()
        }
        4 => {
            let function = FUNCTIONS[random.below(FUNCTIONS.len() as u64) as usize];
            g.activate(name, x, function).unwrap()
        }
        5 => {
            let count = 1 + random.below(3) as usize;
            let expert = |g: &mut Graph, e: usize| g.linear(&format!("{name}.{e}"), x, layer(4)).unwrap();
            let mut experts: Vec<Value> = (0..count).map(|e| expert(g, e)).collect();
            experts.push(experts[0]);
            let gate = pick(random);
            let gate = g.linear(&format!("{name}.gate"), gate, layer(count + 1)).unwrap();
            let gate = g.softmax(&format!("{name}.softmax"), gate, 0.9).unwrap();
            g.mixture(name, gate, &experts).unwrap()
        }
        6 => g.batch_norm(name, x).unwrap(),
        7 => g.dropout(name, x, 0.3).unwrap(),
        _ => g.dice(name, x).unwrap(),
    }
}

fn batch<T: Real>(seed: u64, rows: usize) -> Batch<T> {
    Batch::random(seed, rows, &SLOTS, 3, 2)
}

/// Σ over heads of the mean squared error, from scores.
fn loss<T: Real>(scores: &[T], batch: &Batch<T>) -> f64 {
    let errors = scores.iter().zip(&batch.labels).map(|(z, y)| (z.f64() - y.f64()).powi(2));
    errors.sum::<f64>() / batch.rows as f64
}

// Always the same cases: a central difference across a kink of relu would now and then miss.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 32, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn gradients_of_random_graphs(seed: u64, ops in 1usize..9, batch_wide: bool, rows in 2usize..140) {
        let g = graph(&mut Random(seed), ops, batch_wide);
        compare_gradients(&mut trainer::<f64>(&g, options()), &batch(seed, rows));
    }

    // Buffers are reused when scoring: a value overwritten too early would show.
    #[test]
    fn scoring_equals_training_without_batch_wide_ops(seed: u64, ops in 1usize..25, rows in 1usize..140) {
        let g = graph(&mut Random(seed), ops, false);
        let batch = batch::<f64>(seed, rows);
        let mut trainer = trainer::<f64>(&g, options());
        let (trained, _) = trainer.inspect(&batch.feed(), &batch.labels).unwrap();
        let network = trainer.into_network();
        let scorer = Scorer::new(&network);
        let (scores, sums) = scorer.score_watched(&network, &batch.feed()).unwrap();
        let scored = loss(&scores, &batch);
        prop_assert!((scored - trained).abs() < 1e-9 * (1.0 + trained), "{} for {}", scored, trained);
        prop_assert_eq!(sums.len(), network.graph().watched().count());
        for row in [0, rows / 2, rows - 1] {
            let alone = batch.select(&[row]);
            let score = scorer.score(&network, &alone.feed()).unwrap();
            prop_assert_eq!(&score[..], &scores[2 * row..2 * row + 2]);
        }
    }

    // The same graph in f32 and f64: vector kernels and our own exp and tanh against libm's.
    #[test]
    fn single_precision_is_close_to_double(seed: u64, ops in 1usize..12, rows in 2usize..140) {
        let g = graph(&mut Random(seed), ops, false);
        let (single, double) = (batch::<f32>(seed, rows), batch::<f64>(seed, rows));
        let mut networks = (Network::<f32>::new(&g, 3, None), Network::<f64>::new(&g, 3, None));
        // From the same numbers: f32's are f64's too.
        for tensor in crate::support::weights(&networks.0) {
            let data = tensor.data.iter().map(|v| f64::from(*v)).collect();
            networks.1.set(&polyrank_engine::Tensor { name: tensor.name, dims: tensor.dims, data }).unwrap();
        }
        let mut small = Trainer::new(networks.0, options()).unwrap();
        let mut large = Trainer::new(networks.1, options()).unwrap();
        let (loss, grads) = small.inspect(&single.feed(), &single.labels).unwrap();
        let (expected_loss, expected) = large.inspect(&double.feed(), &double.labels).unwrap();
        prop_assert!((loss - expected_loss).abs() < 1e-4 * (1.0 + expected_loss));
        for (grad, expected) in grads.iter().zip(&expected) {
            let norm = expected.data.iter().map(|v| v * v).sum::<f64>().sqrt();
            let off = grad.data.iter().zip(&expected.data).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum::<f64>().sqrt();
            prop_assert!(off < 1e-3 * (1.0 + norm), "{}: off by {} of {}", grad.name, off, norm);
        }
    }
}
