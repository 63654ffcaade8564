//! Every optimizer against its formula in f64, on layers and on embedding rows, and clipping.

use std::collections::BTreeMap;

use polyrank_engine::{Graph, Init, Loss, Optimizer, Pooling, TrainerOptions};

use crate::support::{Batch, Ids, SGD, find, linear, options, trainer, weights};

const ALL: [Optimizer; 7] = [
    Optimizer::Sgd { learning_rate: 0.1 },
    Optimizer::Momentum { learning_rate: 0.05, momentum: 0.9 },
    Optimizer::Adagrad { learning_rate: 0.1, initial_accumulator: 0.1, epsilon: 1e-3 },
    Optimizer::RowWiseAdagrad { learning_rate: 0.1, initial_accumulator: 0.2, epsilon: 1e-3 },
    Optimizer::Adam { learning_rate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.0 },
    Optimizer::Adam { learning_rate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.3 },
    Optimizer::RmsProp { learning_rate: 0.02, decay: 0.9, epsilon: 1e-3 },
];

const ROWS: u64 = 6;
const DIM: usize = 3;

fn graph() -> Graph {
    let mut g = Graph::default();
    let table = g.table("table", ROWS as usize, DIM, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let d = g.dense("d", 0, 2).unwrap();
    let x = g.concat("x", &[e, d]).unwrap();
    let h = linear(&mut g, "hidden", x, 18);
    let z = linear(&mut g, "out", h, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    g
}

/// One weight's state: s, or m and v.
#[derive(Clone, Copy)]
struct State(f64, f64);

/// The formulas as their papers and PyTorch state them; `square` is what Adagrad sums.
fn reference(optimizer: Optimizer, t: i32, w: &mut f64, g: f64, square: f64, state: &mut State) {
    match optimizer {
        Optimizer::Sgd { learning_rate } => *w -= learning_rate * g,
        Optimizer::Momentum { learning_rate, momentum } => {
            state.0 = momentum * state.0 + g;
            *w -= learning_rate * state.0;
        }
        Optimizer::Adagrad { learning_rate, epsilon, .. }
        | Optimizer::RowWiseAdagrad { learning_rate, epsilon, .. } => {
            state.0 += square;
            *w -= learning_rate * g / (state.0.sqrt() + epsilon);
        }
        Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
            *w -= learning_rate * weight_decay * *w;
            state.0 = beta1 * state.0 + (1.0 - beta1) * g;
            state.1 = beta2 * state.1 + (1.0 - beta2) * g * g;
            let (m, v) = (state.0 / (1.0 - beta1.powi(t)), state.1 / (1.0 - beta2.powi(t)));
            *w -= learning_rate * m / (v.sqrt() + epsilon);
        }
        Optimizer::RmsProp { learning_rate, decay, epsilon } => {
            state.0 = decay * state.0 + (1.0 - decay) * g * g;
            *w -= learning_rate * g / (state.0.sqrt() + epsilon);
        }
    }
}

fn initial(optimizer: Optimizer) -> State {
    match optimizer {
        Optimizer::Adagrad { initial_accumulator, .. } | Optimizer::RowWiseAdagrad { initial_accumulator, .. } => {
            State(initial_accumulator, 0.0)
        }
        _ => State(0.0, 0.0),
    }
}

/// Five steps of a trainer beside five steps of the formulas, on the trainer's own gradients.
fn check(optimizer: Optimizer, embedding_optimizer: Optimizer) {
    let mut trainer = trainer::<f64>(&graph(), TrainerOptions { optimizer, embedding_optimizer, ..options() });
    let mut expected: BTreeMap<String, Vec<f64>> =
        weights(trainer.network()).into_iter().map(|t| (t.name, t.data)).collect();
    let mut states: BTreeMap<String, Vec<State>> = BTreeMap::new();
    for (name, w) in &expected {
        let of = if name == "table" { embedding_optimizer } else { optimizer };
        states.insert(name.clone(), vec![initial(of); w.len()]);
    }
    for t in 1..=5 {
        // Rows come and go: row 5 first shows at step 4, rows 0 and 1 only at odd steps.
        let mut batch: Batch<f64> = Batch::random(t as u64, 70, &[(3, false)], 2, 1);
        if let Ids::One(ids) = &mut batch.slots[0] {
            ids.iter_mut().for_each(|id| *id += if t % 2 == 1 { 0 } else { 2 });
            ids[0] = if t == 4 { 5 } else { ids[0] };
        }
        let Ids::One(ids) = &batch.slots[0] else { panic!("one id a row") };
        let (_, grads) = trainer.inspect(&batch.feed(), &batch.labels).unwrap();
        for grad in &grads {
            let (w, state) = (expected.get_mut(&grad.name).unwrap(), states.get_mut(&grad.name).unwrap());
            let table = grad.name == "table";
            let of = if table { embedding_optimizer } else { optimizer };
            for i in 0..w.len() {
                if table && !ids.contains(&((i / DIM) as u32)) {
                    continue;
                }
                let g = grad.data[i];
                let square = match of {
                    Optimizer::RowWiseAdagrad { .. } if table => {
                        grad.data[i / DIM * DIM..][..DIM].iter().map(|g| g * g).sum::<f64>() / DIM as f64
                    }
                    _ => g * g,
                };
                reference(of, t, &mut w[i], g, square, &mut state[i]);
            }
        }
        trainer.step(&batch.feed(), &batch.labels).unwrap();
        let got = weights(trainer.network());
        for (name, expected) in &expected {
            for (i, (got, expected)) in find(&got, name).iter().zip(expected).enumerate() {
                assert!((got - expected).abs() < 1e-12, "{optimizer:?} step {t} {name}[{i}]: {got} for {expected}");
            }
        }
    }
}

#[test]
fn layers_follow_the_formulas() {
    ALL.iter().for_each(|optimizer| check(*optimizer, SGD));
}

#[test]
fn touched_rows_follow_the_formulas_lazily() {
    ALL.iter().for_each(|optimizer| check(SGD, *optimizer));
}

/// The optimizer with half its learning rate.
fn half(mut optimizer: Optimizer) -> Optimizer {
    match &mut optimizer {
        Optimizer::Sgd { learning_rate }
        | Optimizer::Momentum { learning_rate, .. }
        | Optimizer::Adagrad { learning_rate, .. }
        | Optimizer::RowWiseAdagrad { learning_rate, .. }
        | Optimizer::Adam { learning_rate, .. }
        | Optimizer::RmsProp { learning_rate, .. } => *learning_rate *= 0.5,
    }
    optimizer
}

#[test]
fn a_rate_factor_multiplies_both_learning_rates() {
    let batch: Batch<f64> = Batch::random(2, 70, &[(4, false)], 2, 1);
    for optimizer in ALL {
        let after = |optimizer: Optimizer, factor: f64| {
            let settings = TrainerOptions { optimizer, embedding_optimizer: optimizer, ..options() };
            let mut trainer = trainer::<f64>(&graph(), settings);
            trainer.set_rate_factor(factor);
            (0..3).for_each(|_| drop(trainer.step(&batch.feed(), &batch.labels).unwrap()));
            weights(trainer.network())
        };
        assert_eq!(after(optimizer, 0.5), after(half(optimizer), 1.0), "{optimizer:?}");
        assert_ne!(after(optimizer, 0.5), after(optimizer, 1.0), "{optimizer:?}");
    }
}

#[test]
fn clipping_scales_by_the_global_norm() {
    let batch: Batch<f64> = Batch::random(2, 70, &[(4, false)], 2, 1);
    let penalised = TrainerOptions { layer_penalty: (0.01, 0.1), embedding_penalty: (0.0, 0.1), ..options() };
    let mut plain = trainer::<f64>(&graph(), penalised.clone());
    let before = weights(plain.network());
    let (_, grads) = plain.inspect(&batch.feed(), &batch.labels).unwrap();
    let norm = grads.iter().flat_map(|t| &t.data).map(|g| g * g).sum::<f64>().sqrt();
    // Clipped, and not clipped because the norm is below.
    for most in [norm / 3.0, norm * 2.0] {
        let factor = if most < norm { most / (norm + 1e-6) } else { 1.0 };
        let mut trainer = trainer::<f64>(&graph(), TrainerOptions { clip_norm: Some(most), ..penalised.clone() });
        let report = trainer.step(&batch.feed(), &batch.labels).unwrap();
        let after = weights(trainer.network());
        for grad in &grads {
            let (old, new) = (find(&before, &grad.name), find(&after, &grad.name));
            for i in 0..old.len() {
                let expected = old[i] - 0.1 * factor * grad.data[i];
                assert!((new[i] - expected).abs() < 1e-12, "{}[{i}], norm {norm}, most {most}", grad.name);
            }
        }
        let (loss, _) = plain.inspect(&batch.feed(), &batch.labels).unwrap();
        assert!((report.total - loss).abs() < 1e-12, "clipping does not change what is reported");
    }
}

#[test]
fn penalties_are_reported() {
    let batch: Batch<f64> = Batch::random(2, 70, &[(4, false)], 2, 1);
    let penalty = (0.01, 0.1);
    for (whole, clip_norm) in [(false, None), (true, None), (true, Some(0.1))] {
        let options = TrainerOptions {
            layer_penalty: penalty,
            embedding_penalty: penalty,
            penalise_whole_tables: whole,
            clip_norm,
            ..options()
        };
        let mut trainer = trainer::<f64>(&graph(), options);
        let start = weights(trainer.network());
        let of = |w: &[f64]| w.iter().map(|w| penalty.0 * w.abs() + penalty.1 * w * w).sum::<f64>();
        let table = &find(&start, "table")[..if whole { ROWS as usize } else { 4 } * DIM];
        let expected = of(find(&start, "hidden.weight")) + of(find(&start, "out.weight")) + of(table);
        let report = trainer.step(&batch.feed(), &batch.labels).unwrap();
        let got = report.total - report.loss_sums[0] / report.counts[0] as f64;
        assert!((got - expected).abs() < 1e-12, "{got} for {expected}, whole tables: {whole}");
    }
}
