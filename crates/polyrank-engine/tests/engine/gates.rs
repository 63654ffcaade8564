//! Numbers that belong to no row, and the hard concrete gates made of them.

use polyrank_engine::{
    Function, Graph, Init, Layer, Loss, Network, Precision, Real, Scorer, Space, Stretch, Tensor, Value,
};

use crate::support::{Batch, check_gradients, find, linear, options, trainer, weights};

const STRETCH: Stretch = Stretch { beta: 0.5, gamma: -0.1, zeta: 1.1 };

/// A head without parameters whose loss is 0 on [`rows`]: what an inspection reports is the objectives alone.
fn silent_head(g: &mut Graph) -> Value {
    let d = g.dense("d", 0, 1).unwrap();
    g.head("task", d, Loss::Mse, 1.0).unwrap();
    d
}

fn rows<T: Real>(n: usize) -> Batch<T> {
    Batch { rows: n, slots: vec![], dense: vec![T::ZERO; n], labels: vec![T::ZERO; n], weights: vec![] }
}

#[test]
fn gates_route_values() {
    let mut g = Graph::default();
    let x = g.dense("d", 0, 3).unwrap();
    let values: Vec<Value> = (0..6).map(|v| linear(&mut g, &format!("value{v}"), x, 4)).collect();
    let values = g.concat("values", &values).unwrap();
    let log_alpha = g.trained("log_alpha", 6, Init::Uniform(0.3)).unwrap();
    let gates = g.hard_concrete("gates", log_alpha, Stretch { beta: 1.5, gamma: -0.05, zeta: 1.05 }).unwrap();
    // One panel and several; the last one's gradient goes to weights and gates alone.
    let mut routed: Vec<Value> =
        [3, 70].map(|units| g.routes(&format!("to{units}"), values, gates, units, Init::Normal(0.4)).unwrap()).to_vec();
    let twice = g.concat("twice", &[x, x]).unwrap();
    routed.push(g.routes("last", twice, gates, 5, Init::Normal(0.4)).unwrap());
    let routed = g.concat("routed", &routed).unwrap();
    let z = linear(&mut g, "out", routed, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    let shifted = g.activate("shifted", log_alpha, Function::Affine { factor: 1.0, add: 0.7 }).unwrap();
    let on = g.activate("on", shifted, Function::Sigmoid).unwrap();
    g.objective("sum", on, 1.0);
    for rows in [1, 9, 150] {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[], 3, 1), &[]);
    }
}

/// Scores and gradients of three tasks that route four values of 10 columns, by [`Graph::routes`] or as it says.
fn routing<T: Real>(precision: Precision, at_once: bool) -> (Vec<f64>, Vec<(String, Vec<f64>)>) {
    let mut g = Graph::in_precision(precision);
    let x = g.dense("d", 0, 3).unwrap();
    let values: Vec<Value> = (0..4).map(|v| linear(&mut g, &format!("value{v}"), x, 10)).collect();
    let all = g.concat("values", &values).unwrap();
    for task in ["a", "b", "c"] {
        let log_alpha =
            g.trained(&format!("{task}.log_alpha"), 4, Init::Apart { at: 1, value: 1.5, others: -0.4 }).unwrap();
        let gates = g.hard_concrete(&format!("{task}.gates"), log_alpha, STRETCH).unwrap();
        let routed = if at_once {
            g.routes(&format!("{task}.to"), all, gates, 9, Init::Constant(0.0)).unwrap()
        } else {
            let gates = g.spread(&format!("{task}.each"), gates, Space::Rows).unwrap();
            let layer = Layer { units: 9, weight: Init::Constant(0.0), bias: None, relu: false };
            let mut through = Vec::new();
            for (v, &value) in values.iter().enumerate() {
                through.push(g.linear(&format!("{task}.to.{v}"), value, layer).unwrap());
            }
            g.mixture(&format!("{task}.mixture"), gates, &through).unwrap()
        };
        let z = linear(&mut g, &format!("{task}.out"), routed, 1);
        g.head(task, z, Loss::Mse, 1.0).unwrap();
    }
    let mut trainer = trainer::<T>(&g, options());
    for (salt, mut tensor) in weights(trainer.network()).into_iter().enumerate() {
        if tensor.name.ends_with(".weight") {
            for (i, w) in tensor.data.iter_mut().enumerate() {
                *w = T::of(((i * 37 + salt * 11) % 29) as f64 / 29.0 - 0.5);
            }
            trainer.set(&tensor).unwrap();
        }
    }
    let batch = Batch::<T>::random(5, 150, &[], 3, 3);
    let scores = Scorer::new(trainer.network()).score(trainer.network(), &batch.feed()).unwrap();
    let (_, gradients) = trainer.inspect(&batch.feed(), batch.targets()).unwrap();
    let of = |numbers: &[T]| numbers.iter().map(|v| v.f64()).collect();
    (of(&scores), gradients.iter().map(|g| (g.name.clone(), of(&g.data))).collect())
}

#[test]
fn routes_are_mixtures_of_linear_maps() {
    let (scores, gradients) = routing::<f64>(Precision::Fp32, false);
    let near = |(found, to): (Vec<f64>, Vec<(String, Vec<f64>)>), error: f64| {
        let close = |a: &[f64], b: &[f64]| {
            let size = b.iter().fold(1e-3, |size: f64, x| size.max(x.abs()));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < error * size)
        };
        assert!(close(&found, &scores));
        for (name, gradient) in &gradients {
            let same = to.iter().find(|(n, _)| n == name).unwrap();
            assert!(close(&same.1, gradient), "{name}: {:?} for {gradient:?}", same.1);
        }
    };
    near(routing::<f64>(Precision::Fp32, true), 1e-12);
    near(routing::<f32>(Precision::Fp32, true), 1e-5);
    near(routing::<f64>(Precision::Bf16, true), 2e-2);
    near(routing::<f32>(Precision::Bf16, true), 2e-2);
}

#[test]
fn what_is_watched_of_no_row_counts_once_a_row() {
    let mut g = Graph::default();
    silent_head(&mut g);
    let numbers = g.trained("numbers", 3, Init::Constant(0.25)).unwrap();
    g.watch("numbers", numbers);
    let network = Network::<f64>::new(&g, 1, None);
    let (_, sums) = Scorer::new(&network).score_watched(&network, &rows::<f64>(300).feed()).unwrap();
    assert_eq!(sums, [[75.0; 3]]);
}

/// Σ over columns of `2σ(10^9·z) − 1`, which is 1 for an open gate and 0 for a closed one, after `steps` steps.
fn open_gates(log_alpha: f64, columns: usize, steps: u64) -> f64 {
    let mut g = Graph::default();
    silent_head(&mut g);
    let start = g.trained("log_alpha", columns, Init::Constant(log_alpha)).unwrap();
    let start = g.stop_gradient("fixed", start).unwrap();
    let gates = g.hard_concrete("gates", start, STRETCH).unwrap();
    let steep = g.activate("steep", gates, Function::Affine { factor: 1e9, add: 0.0 }).unwrap();
    let open = g.activate("open", steep, Function::Sigmoid).unwrap();
    let open = g.activate("indicator", open, Function::Affine { factor: 2.0, add: -1.0 }).unwrap();
    g.objective("sum", open, 1.0);
    let mut trainer = trainer::<f64>(&g, options());
    trainer.set_state(&trainer.state(), steps).unwrap();
    trainer.inspect(&rows::<f64>(3).feed(), &rows::<f64>(3).labels).unwrap().0
}

#[test]
fn as_many_gates_open_as_the_distribution_says() {
    // P(z ≠ 0) = σ(ln α − β·ln(−γ/ζ)) (Louizos et al. 2018, Eq. 12).
    let columns = 8_000;
    for log_alpha in [-3.0, -1.0, 0.0, 2.0] {
        let expected = 1.0 / (1.0 + (-(log_alpha - 0.5 * (0.1f64 / 1.1).ln())).exp());
        let open = open_gates(log_alpha, columns, 0) / columns as f64;
        assert!((open - expected).abs() < 0.02, "{open} open for {expected}");
    }
}

#[test]
fn every_step_draws_anew_and_the_same_step_the_same() {
    let first = open_gates(0.0, 500, 0);
    assert_eq!(first, open_gates(0.0, 500, 0));
    assert!((1..4).any(|step| open_gates(0.0, 500, step) != first));
}

/// Scores of a network whose only output is one gate, for several ln α, over three rows each.
fn scored<T: Real>(log_alpha: f64) -> Vec<T> {
    let mut g = Graph::default();
    let x = g.trained("log_alpha", 1, Init::Constant(log_alpha)).unwrap();
    let gate = g.hard_concrete("gate", x, STRETCH).unwrap();
    let gate = g.spread("each", gate, Space::Rows).unwrap();
    g.head("task", gate, Loss::Mse, 1.0).unwrap();
    let network = Network::<T>::new(&g, 1, None);
    Scorer::new(&network).score(&network, &rows::<T>(3).feed()).unwrap()
}

#[test]
fn scoring_has_no_noise() {
    for log_alpha in [-1e4, -3.0, -1.0, 0.0, 0.5, 3.0, 1e4] {
        let expected = (1.2 / (1.0 + f64::exp(-log_alpha)) - 0.1).clamp(0.0, 1.0);
        assert!(scored::<f64>(log_alpha).iter().all(|z| (z - expected).abs() < 1e-12));
        assert!(scored::<f32>(log_alpha).iter().all(|z| (f64::from(*z) - expected).abs() < 1e-6));
    }
}

#[test]
fn an_initial_value_apart_from_the_others() {
    let mut g = Graph::default();
    let d = silent_head(&mut g);
    let blended = g.blend("stitch", &[d, d, d], Init::Apart { at: 1, value: 0.9, others: 0.05 }).unwrap();
    g.objective("blended", blended, 1.0);
    let all: Vec<Tensor<f64>> = weights(trainer::<f64>(&g, options()).network());
    assert_eq!(find(&all, "stitch.weights"), [0.05, 0.9, 0.05]);
}
