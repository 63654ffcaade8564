//! What must hold to the bit: threads, batch neighbours, resuming, untouched rows.

use polyrank_engine::{
    Function, Graph, Init, Layer, Loss, Network, Normaliser, Optimizer, Pooling, Precision, Real, Scorer, Stretch,
    Tensor, Trainer, TrainerOptions, Value,
};

use crate::support::{Batch, find, linear, options, relu, trainer, weights};

const ADAGRAD: Optimizer = Optimizer::Adagrad { learning_rate: 0.05, initial_accumulator: 0.1, epsilon: 1e-10 };
const ADAM: Optimizer =
    Optimizer::Adam { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
const ROW_WISE: Optimizer = Optimizer::RowWiseAdagrad { learning_rate: 0.05, initial_accumulator: 0.0, epsilon: 1e-10 };

/// Rows of the three tables that [`model`] reads, and which slots are bags.
const SLOTS: [(u64, bool); 4] = [(50, false), (50, true), (20, true), (300, false)];

/// Everything at once: bags, shared tables, batch norm, dice, dropout, mixtures, two heads.
pub(crate) fn model(batch_wide: bool) -> Graph {
    model_in(Precision::Fp32, batch_wide)
}

/// [`model`] with layers in a number format.
pub(crate) fn model_in(precision: Precision, batch_wide: bool) -> Graph {
    model_of(Graph::in_precision(precision), batch_wide)
}

/// [`model`] with tables in bf16.
pub(crate) fn model_of_half_rows(batch_wide: bool) -> Graph {
    model_of(Graph::default().with_tables_in(Precision::Bf16), batch_wide)
}

fn model_of(mut g: Graph, batch_wide: bool) -> Graph {
    let items = g.table("items", 50, 8, Init::Normal(0.3)).unwrap();
    let tags = g.table("tags", 20, 4, Init::Uniform(0.3)).unwrap();
    let users = g.table("users", 300, 5, Init::Normal(0.3)).unwrap();
    let mut parts = vec![
        g.lookup("item", 0, items, Pooling::One).unwrap(),
        g.lookup("history", 1, items, Pooling::Mean).unwrap(),
        g.lookup("tags", 2, tags, Pooling::Max).unwrap(),
        g.lookup("user", 3, users, Pooling::One).unwrap(),
    ];
    parts.push(g.dense("numbers", 0, 3).unwrap());
    let x = g.concat("x", &parts).unwrap();
    let experts: Vec<Value> = (0..3).map(|e| expert(&mut g, e, x, batch_wide)).collect();
    let side_by_side = g.concat("side by side", &experts).unwrap();
    for task in ["click", "like"] {
        let layer = Layer { units: 3, weight: Init::Normal(0.3), bias: None, relu: false };
        let gate = g.linear(&format!("{task}.gate"), x, layer).unwrap();
        let gate = g.softmax(&format!("{task}.softmax"), gate, 0.8).unwrap();
        g.watch(&format!("{task}.gate"), gate);
        let mixed = g.mixture(&format!("{task}.mixture"), gate, &experts).unwrap();
        let open = g.trained(&format!("{task}.log_alpha"), 3, Init::Normal(0.5)).unwrap();
        let open =
            g.hard_concrete(&format!("{task}.open"), open, Stretch { beta: 0.7, gamma: -0.1, zeta: 1.1 }).unwrap();
        let routed = g.routes(&format!("{task}.routes"), side_by_side, open, 11, Init::Normal(0.2)).unwrap();
        let both = g.concat(&format!("{task}.both"), &[mixed, routed]).unwrap();
        let tower = relu(&mut g, &format!("{task}.tower"), both, 9);
        let tower = g.dropout(&format!("{task}.dropout"), tower, 0.3).unwrap();
        let z = linear(&mut g, &format!("{task}.out"), tower, 1);
        g.head(task, z, Loss::BinaryCrossEntropy, 1.0).unwrap();
    }
    g
}

fn expert(g: &mut Graph, e: usize, x: Value, batch_wide: bool) -> Value {
    let name = format!("expert{e}");
    if !batch_wide {
        let h = relu(g, &name, x, 40);
        return g.activate(&format!("{name}.gelu"), h, Function::Gelu).unwrap();
    }
    let h = linear(g, &name, x, 40);
    let h = g.batch_norm(&name, h).unwrap();
    let h = if e == 0 { g.dice(&name, h).unwrap() } else { g.prelu(&name, h).unwrap() };
    relu(g, &format!("{name}.last"), h, 17)
}

/// A batch for [`model`] with some labels missing.
pub(crate) fn batch<T: Real>(seed: u64, rows: usize) -> Batch<T> {
    let mut batch = Batch::random(seed, rows, &SLOTS, 3, 2);
    for label in batch.labels.iter_mut().step_by(7) {
        *label = T::of(f64::NAN);
    }
    batch
}

pub(crate) fn with(optimizer: Optimizer, embedding_optimizer: Optimizer) -> TrainerOptions {
    TrainerOptions { optimizer, embedding_optimizer, ..options() }
}

fn bits(tensors: &[Tensor<f32>]) -> Vec<(String, Vec<u32>)> {
    tensors.iter().map(|t| (t.name.clone(), t.data.iter().map(|v| v.to_bits()).collect())).collect()
}

/// Batches of rising and falling size: buffers that a larger batch left must not show.
const SIZES: [usize; 6] = [256, 1, 700, 64, 2700, 130];

/// Steps `from .. to` of one training run.
fn train(trainer: &mut Trainer<f32>, from: u64, to: u64) {
    for step in from..to {
        let batch = batch::<f32>(step, SIZES[step as usize % SIZES.len()]);
        let report = trainer.step(&batch.feed(), &batch.labels).unwrap();
        assert!(report.total.is_finite() && report.loss_sums.iter().all(|l| l.is_finite()));
    }
}

#[test]
fn threads_do_not_change_bits() {
    let half = Precision::Bf16;
    let whole = || TrainerOptions { embedding_penalty: (0.0, 1e-3), penalise_whole_tables: true, ..options() };
    for (name, graph, options) in [
        ("batch norm", model(true), TrainerOptions { clip_norm: Some(0.5), ..with(ADAM, ROW_WISE) }),
        ("penalties", model(false), TrainerOptions { layer_penalty: (1e-4, 1e-3), ..with(ADAGRAD, ADAM) }),
        ("whole tables", model(false), whole()),
        ("bf16, batch norm", model_in(half, true), TrainerOptions { clip_norm: Some(0.5), ..with(ADAM, ROW_WISE) }),
        ("bf16", model_in(half, false), with(ADAGRAD, ADAM)),
        ("rows in bf16", model_of_half_rows(false), with(ADAGRAD, ADAM)),
        ("rows in bf16, whole tables", model_of_half_rows(true), whole()),
    ] {
        let run = |threads: usize| {
            let mut trainer = trainer::<f32>(&graph, TrainerOptions { threads, ..options.clone() });
            train(&mut trainer, 0, 20);
            bits(&weights(trainer.network()))
        };
        let one = run(1);
        for threads in [2, 4] {
            assert!(run(threads) == one, "{threads} threads, {name}");
        }
    }
}

/// Every weight of a table, by table.
fn rows(network: &Network<f32>) -> Vec<Tensor<f32>> {
    network.tables().collect()
}

#[test]
fn rows_in_bf16_hold_bf16_numbers_and_resume() {
    let graph = model_of_half_rows(true);
    let full = trainer::<f32>(&model(true), with(ADAGRAD, ROW_WISE));
    for embedding in [ADAGRAD, ADAM, ROW_WISE, Optimizer::Sgd { learning_rate: 0.1 }] {
        let mut straight = trainer::<f32>(&graph, with(ADAGRAD, embedding));
        let off = |a: f32, b: f32| (a - b).abs() <= b.abs() / 256.0;
        let (half_rows, full_rows) = (rows(straight.network()), rows(full.network()));
        for (half, full) in half_rows.iter().zip(&full_rows) {
            assert!(half.data.iter().zip(&full.data).all(|(half, full)| off(*half, *full)), "the same draw, rounded");
        }
        train(&mut straight, 0, 4);
        let (weights_then, state) = (weights(straight.network()), straight.state());
        assert!(rows(straight.network()).iter().flat_map(|t| &t.data).all(|w| w.to_bits() & 0xffff == 0));
        train(&mut straight, 4, 9);
        let mut resumed = trainer::<f32>(&graph, with(ADAGRAD, embedding));
        for tensor in &weights_then {
            resumed.set(tensor).unwrap();
        }
        resumed.set_state(&state, 4).unwrap();
        train(&mut resumed, 4, 9);
        assert!(bits(&weights(straight.network())) == bits(&weights(resumed.network())), "{embedding:?}");
        // What is scored with is what was trained.
        let batch = batch::<f32>(99, 70);
        let score = |network: &Network<f32>| Scorer::new(network).score(network, &batch.feed()).unwrap();
        let trained = straight.into_network();
        let mut loaded = Network::<f32>::new(&graph, 5, None);
        weights(&trained).iter().for_each(|tensor| loaded.set(tensor).unwrap());
        assert_eq!(score(&trained), score(&loaded));
    }
}

// Steps a thousandth of a row's last digit: the nearest number would never move.
#[test]
fn rows_in_bf16_move_by_small_steps() {
    let mut g = Graph::default().with_tables_in(Precision::Bf16);
    let table = g.table("table", 64, 16, Init::Constant(1.0)).unwrap();
    let x = g.lookup("x", 0, table, Pooling::One).unwrap();
    let layer = Layer { units: 1, weight: Init::Constant(1.0), bias: None, relu: false };
    let z = g.linear("sum", x, layer).unwrap();
    g.head("sum", z, Loss::Mse, 1.0).unwrap();
    let sgd = |learning_rate| Optimizer::Sgd { learning_rate };
    let mut trainer = trainer::<f32>(&g, TrainerOptions { normaliser: Normaliser::Sum, ..with(sgd(0.0), sgd(1e-7)) });
    let ids: Vec<u32> = (0..64).collect();
    let feed = polyrank_engine::Feed { rows: 64, slots: vec![polyrank_engine::SlotIds::One(&ids)], dense: &[] };
    // The gradient of each weight is 2·(16 − 15) to begin with, so 1,000 steps move it by some 2e-4 of 1, whose neighbour
    // below is 2⁻⁸ = 4e-3 away.
    for _ in 0..1000 {
        trainer.step(&feed, &[15.0; 64]).unwrap();
    }
    let rows = rows(trainer.network());
    let mean = rows[0].data.iter().map(|w| f64::from(*w)).sum::<f64>() / 1024.0;
    assert!((mean - (1.0 - 2e-4)).abs() < 1e-4, "{mean}");
    let moved = rows[0].data.iter().filter(|w| **w != 1.0).count();
    assert!((20..100).contains(&moved), "{moved} of 1,024 weights are one number lower");
}

// In f64 only the rounding to bf16 is left: what f32 computes must be that, and not what it computes without rounding.
#[test]
fn gradients_in_bf16_are_those_of_rounded_numbers() {
    for batch_wide in [false, true] {
        let inspect = |precision: Precision| {
            let mut small = trainer::<f32>(&model_in(precision, batch_wide), options());
            let mut large = trainer::<f64>(&model_in(precision, batch_wide), options());
            for tensor in weights(small.network()) {
                let data = tensor.data.iter().map(|v| f64::from(*v)).collect();
                large.set(&Tensor { name: tensor.name, dims: tensor.dims, data }).unwrap();
            }
            let (one, two) = (batch::<f32>(3, 200), batch::<f64>(3, 200));
            (small.inspect(&one.feed(), &one.labels).unwrap().1, large.inspect(&two.feed(), &two.labels).unwrap().1)
        };
        let (half, expected) = inspect(Precision::Bf16);
        let (_, unrounded) = inspect(Precision::Fp32);
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let mut moved = 0;
        for ((got, expected), unrounded) in half.iter().zip(&expected).zip(&unrounded) {
            let got_data: Vec<f64> = got.data.iter().map(|v| f64::from(*v)).collect();
            let norm = distance(&expected.data, &vec![0.0; expected.data.len()]);
            let (off, rounding) = (distance(&got_data, &expected.data), distance(&unrounded.data, &expected.data));
            assert!(rounding < 0.2 * norm + 1e-6, "{}: rounding moves it by {rounding} of {norm}", got.name);
            // A number at the edge between two may round to either side of it in f32 and in f64.
            assert!(off < 0.3 * rounding + 1e-4 * norm + 1e-7, "{}: off by {off}, rounding {rounding}", got.name);
            moved += usize::from(rounding > 1e-4 * norm);
        }
        assert!(moved > half.len() / 2, "rounding shows in {moved} of {} gradients", half.len());
    }
}

#[test]
fn a_network_in_bf16_scores_after_loading_as_after_training() {
    let graph = model_in(Precision::Bf16, true);
    let mut trainer = trainer::<f32>(&graph, with(ADAGRAD, ADAGRAD));
    train(&mut trainer, 0, 3);
    let network = trainer.into_network();
    let mut loaded = Network::<f32>::new(&graph, 77, None);
    for tensor in weights(&network) {
        loaded.set(&tensor).unwrap();
    }
    let all = batch::<f32>(9, 150);
    let score = |network: &Network<f32>| Scorer::new(network).score(network, &all.feed()).unwrap();
    assert_eq!(score(&network), score(&loaded));
    let mut single = Network::<f32>::new(&model(true), 77, None);
    for tensor in weights(&network) {
        single.set(&tensor).unwrap();
    }
    assert_ne!(score(&network), score(&single), "bf16 rounds");
}

#[test]
fn batch_sizes_before_do_not_change_a_step() {
    for batch_wide in [false, true] {
        let g = model(batch_wide);
        let small = batch::<f32>(7, 100);
        let mut fresh = trainer::<f32>(&g, options());
        let mut used = trainer::<f32>(&g, options());
        let large = batch::<f32>(8, 3000);
        used.inspect(&large.feed(), &large.labels).unwrap();
        let expected = fresh.inspect(&small.feed(), &small.labels).unwrap();
        let got = used.inspect(&small.feed(), &small.labels).unwrap();
        assert_eq!(got.0.to_bits(), expected.0.to_bits(), "loss, batch-wide ops: {batch_wide}");
        assert!(bits(&got.1) == bits(&expected.1), "gradients, batch-wide ops: {batch_wide}");
    }
}

#[test]
fn a_row_scores_the_same_alone_and_in_any_batch() {
    let mut trainer = trainer::<f32>(&model(true), with(ADAGRAD, ADAGRAD));
    train(&mut trainer, 0, 3);
    let network = trainer.into_network();
    let scorer = Scorer::new(&network);
    let all = batch::<f32>(9, 333);
    let scores = scorer.score(&network, &all.feed()).unwrap();
    assert_eq!(scores.len(), 666);
    assert!(scores.iter().any(|s| *s != scores[0]));
    let expect = |rows: &[usize], got: &[f32]| {
        for (i, &r) in rows.iter().enumerate() {
            let same = (0..2).all(|h| got[2 * i + h].to_bits() == scores[2 * r + h].to_bits());
            assert!(same, "row {r} at position {i} of {}", rows.len());
        }
    };
    for r in 0..all.rows {
        let alone = all.select(&[r]);
        expect(&[r], &scorer.score(&network, &alone.feed()).unwrap());
    }
    for (stride, count) in [(7, 5), (101, 64), (2, 65), (13, 200)] {
        let rows: Vec<usize> = (0..count).map(|i| (3 + i * stride) % all.rows).collect();
        let some = all.select(&rows);
        expect(&rows, &scorer.score(&network, &some.feed()).unwrap());
    }
}

#[test]
fn watched_values_are_summed() {
    let g = model(false);
    let network = Network::<f32>::new(&g, 1, None);
    let batch = batch::<f32>(9, 150);
    let (scores, sums) = Scorer::new(&network).score_watched(&network, &batch.feed()).unwrap();
    assert_eq!(scores, Scorer::new(&network).score(&network, &batch.feed()).unwrap());
    let names: Vec<_> = network.graph().watched().collect();
    assert_eq!(names, [("click.gate", 3), ("like.gate", 3)]);
    for sums in &sums {
        assert!(sums.len() == 3 && sums.iter().all(|s| *s > 1.0), "{sums:?}");
        assert!((sums.iter().sum::<f64>() - 150.0).abs() < 1e-3, "gates sum to 1 a row: {sums:?}");
    }
}

#[test]
fn resuming_equals_never_having_stopped() {
    for (optimizer, embedding_optimizer) in
        [(ADAM, ADAM), (ADAGRAD, ROW_WISE), (options().optimizer, options().optimizer)]
    {
        let options = with(optimizer, embedding_optimizer);
        let mut whole = trainer::<f32>(&model(true), options.clone());
        train(&mut whole, 0, 12);

        let mut first = trainer::<f32>(&model(true), options.clone());
        train(&mut first, 0, 7);
        let (numbers, state, steps) = (weights(first.network()), first.state(), first.steps());
        drop(first);
        let mut network = Network::<f32>::new(&model(true), 99, None);
        for tensor in &numbers {
            network.set(tensor).unwrap();
        }
        let mut second = Trainer::new(network, options).unwrap();
        second.set_state(&state, steps).unwrap();
        train(&mut second, 7, 12);
        assert!(bits(&weights(second.network())) == bits(&weights(whole.network())), "{optimizer:?}");
        assert!(bits(&second.state()) == bits(&whole.state()), "state of {optimizer:?}");
        assert_eq!(second.steps(), 12);
    }
}

#[test]
fn rows_that_no_batch_names_stay() {
    let momentum = Optimizer::Momentum { learning_rate: 0.1, momentum: 0.9 };
    let rms = Optimizer::RmsProp { learning_rate: 0.01, decay: 0.9, epsilon: 1e-8 };
    for optimizer in [options().optimizer, momentum, ADAGRAD, ROW_WISE, ADAM, rms] {
        let options = TrainerOptions { embedding_penalty: (1e-3, 1e-2), ..with(optimizer, optimizer) };
        let mut trainer = trainer::<f32>(&model(false), options);
        let before = weights(trainer.network());
        let state = trainer.state();
        // Ids of a smaller table, so that the rest is never named.
        for step in 0..3 {
            let batch: Batch<f32> = Batch::random(step, 90, &[(30, false), (30, true), (10, true), (200, false)], 3, 2);
            trainer.step(&batch.feed(), &batch.labels).unwrap();
        }
        let (after, state_after) = (weights(trainer.network()), trainer.state());
        for (table, used, dim) in [("items", 30, 8), ("tags", 10, 4), ("users", 200, 5)] {
            let (old, new) = (find(&before, table), find(&after, table));
            assert!(old[used * dim..] == new[used * dim..], "{table}: unnamed rows moved by {optimizer:?}");
            assert!(old[..dim] != new[..dim], "{table}: a named row did not move by {optimizer:?}");
            let name = format!("state/{table}");
            if let Some(new) = state_after.iter().find(|t| t.name == name) {
                let from = used * new.dims[1];
                assert!(find(&state, &name)[from..] == new.data[from..], "{table}: state of {optimizer:?}");
            }
        }
    }
}

#[test]
fn a_missing_label_is_a_row_less_for_that_head() {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let x = g.lookup("e", 0, table, Pooling::One).unwrap();
    let h = relu(&mut g, "hidden", x, 5);
    for task in ["p", "q"] {
        let z = linear(&mut g, task, h, 1);
        g.head(task, z, Loss::BinaryCrossEntropy, 1.0).unwrap();
    }
    let full: Batch<f64> = Batch::random(4, 150, &[(7, false)], 0, 2);
    let missing = |r: usize| r % 3 == 1;
    let kept: Vec<usize> = (0..150).filter(|&r| !missing(r)).collect();
    // Only head p counts in both: q's labels are all missing.
    let only_p = |batch: &Batch<f64>, drop: &dyn Fn(usize) -> bool| {
        let mut batch = batch.clone();
        for r in 0..batch.rows {
            batch.labels[2 * r + 1] = f64::NAN;
            if drop(r) {
                batch.labels[2 * r] = f64::NAN;
            }
        }
        batch
    };
    let mut trainer = trainer::<f64>(&g, TrainerOptions { normaliser: Normaliser::Count, ..options() });
    let holes = only_p(&full, &missing);
    let dropped = only_p(&full.select(&kept), &|_| false);
    let (loss, grads) = trainer.inspect(&holes.feed(), &holes.labels).unwrap();
    let (expected_loss, expected) = trainer.inspect(&dropped.feed(), &dropped.labels).unwrap();
    assert!((loss - expected_loss).abs() < 1e-12);
    for (grad, expected) in grads.iter().zip(&expected) {
        let close = grad.data.iter().zip(&expected.data).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close, "{}", grad.name);
        let silent = grad.name.starts_with("q.");
        assert_eq!(grad.data.iter().all(|g| *g == 0.0), silent, "{}: q has no labels", grad.name);
    }
    let report = trainer.step(&holes.feed(), &holes.labels).unwrap();
    assert_eq!(report.counts, [100, 0]);
    assert_eq!(report.loss_sums[1], 0.0);
    assert!((report.loss_sums[0] / 100.0 - loss).abs() < 1e-12 && (report.total - loss).abs() < 1e-12);
}

#[test]
fn the_same_seed_gives_the_same_network_and_another_another() {
    let g = model(true);
    let of = |seed| bits(&weights(&Network::<f32>::new(&g, seed, None)));
    assert!(of(1) == of(1));
    assert!(of(1) != of(2));
    let run = |seed| {
        let mut trainer = trainer::<f32>(&g, TrainerOptions { seed, ..options() });
        train(&mut trainer, 0, 1);
        bits(&weights(trainer.network()))
    };
    assert!(run(1) == run(1));
    assert!(run(1) != run(2), "dropout depends on the seed");
}
