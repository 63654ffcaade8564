//! The gradient of every op against central differences in f64, for one row and for several micro-batches.

use polyrank_engine::{Function, Graph, Init, Layer, Loss, Normaliser, Pooling, Space, Stretch, TrainerOptions, Value};

use crate::support::{Batch, check_gradients, layer, linear, options, relu};

/// Rows of a single micro-batch, of one that is not full, and of several.
const ROWS: [usize; 3] = [1, 9, 150];

/// Two instances of an op on one value that something else reads too, so that its gradient is summed from three.
fn check_op(op: impl Fn(&mut Graph, &str, Value) -> Value, rows: &[usize], idle: &[&str]) {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let d = g.dense("d", 1, 2).unwrap();
    let x = g.concat("x", &[e, d]).unwrap();
    let x = linear(&mut g, "up", x, 4);
    let (a, b) = (op(&mut g, "a", x), op(&mut g, "b", x));
    let y = g.concat("y", &[a, x, b]).unwrap();
    let z = linear(&mut g, "out", y, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    for &rows in rows {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[(7, false)], 3, 1), idle);
    }
}

#[test]
fn linear_layers() {
    for relu in [false, true] {
        for bias in [None, Some(Init::Uniform(0.5))] {
            check_op(|g, name, x| g.linear(name, x, Layer { bias, relu, ..layer(5) }).unwrap(), &ROWS, &[]);
        }
    }
    // Several panels, the last one of every padded width.
    for units in [18, 40, 50, 70] {
        check_op(|g, name, x| relu(g, name, x, units), &[9], &[]);
    }
}

#[test]
fn functions() {
    for function in [
        Function::Identity,
        Function::Relu,
        Function::LeakyRelu { slope: 0.1 },
        Function::Sigmoid,
        Function::Tanh,
        Function::Gelu,
        Function::Silu,
        Function::Affine { factor: -1.7, add: 0.3 },
        Function::Reciprocal { floor: 0.2 },
        Function::Softplus,
        Function::SmoothStep { width: 1.7 },
    ] {
        check_op(|g, name, x| g.activate(name, x, function).unwrap(), &ROWS, &[]);
    }
}

#[test]
fn sums_products_and_shifts() {
    check_op(|g, name, x| g.sum(name, &[(0.7, x), (-1.3, x), (2.0, x)]).unwrap(), &ROWS, &[]);
    check_op(|g, name, x| g.multiply(name, x, x).unwrap(), &ROWS, &[]);
    check_op(|g, name, x| g.shift(name, x).unwrap(), &ROWS, &[]);
    check_op(|g, name, x| g.blend(name, &[x, x], Init::Normal(0.7)).unwrap(), &ROWS, &[]);
    let groups = |g: &mut Graph, name: &str, x: Value| {
        let weights = linear(g, &format!("{name}.weights"), x, 2);
        g.multiply(name, weights, x).unwrap()
    };
    check_op(groups, &ROWS, &[]);
    let both = |g: &mut Graph, name: &str, x: Value| {
        let other = linear(g, &format!("{name}.other"), x, 4);
        g.conjunction(name, x, other).unwrap()
    };
    check_op(both, &ROWS, &[]);
    check_op(|g, name, x| g.dot(name, x, x).unwrap(), &ROWS, &[]);
    let dot = |g: &mut Graph, name: &str, x: Value| {
        let other = linear(g, &format!("{name}.other"), x, 4);
        g.dot(name, other, x).unwrap()
    };
    check_op(dot, &ROWS, &[]);
}

#[test]
fn hard_concrete_and_numbers_of_no_row() {
    let stretch = Stretch { beta: 0.8, gamma: -0.1, zeta: 1.1 };
    let op = |g: &mut Graph, name: &str, x: Value| {
        let own = g.trained(&format!("{name}.own"), 4, Init::Normal(0.7)).unwrap();
        let own = g.spread(&format!("{name}.each"), own, Space::Rows).unwrap();
        let x = g.multiply(&format!("{name}.product"), own, x).unwrap();
        g.hard_concrete(name, x, stretch).unwrap()
    };
    check_op(op, &[9, 150], &[]);
}

#[test]
fn mixtures_of_the_same_experts() {
    let mut g = Graph::default();
    let x = g.dense("x", 0, 3).unwrap();
    let experts: Vec<Value> = (0..4).map(|e| relu(&mut g, &format!("expert{e}"), x, 5)).collect();
    let mut mixtures = Vec::new();
    // Nothing learns from the third, which lies between the others.
    for (name, chosen) in [("a", &experts[..3]), ("b", &experts[1..]), ("idle", &experts[..2]), ("c", &experts[2..])] {
        let gate = linear(&mut g, name, x, chosen.len());
        let gate = g.softmax(&format!("{name}.softmax"), gate, 1.0).unwrap();
        mixtures.push(g.mixture(&format!("{name}.mixture"), gate, chosen).unwrap());
    }
    let [a, b, idle, c] = mixtures[..] else { unreachable!() };
    g.watch("idle", idle);
    // One is read by a concat, one twice, one once.
    let side = g.concat("side", &[x, a]).unwrap();
    let side = relu(&mut g, "tower", side, 4);
    let (up, down, last) = (linear(&mut g, "up", b, 4), linear(&mut g, "down", b, 4), linear(&mut g, "last", c, 4));
    let all = g.concat("all", &[side, up, down, last]).unwrap();
    // The gradient of a wide layer leaves its numbers where those of the mixtures are to lie.
    let z = linear(&mut g, "wide", all, 40);
    let z = linear(&mut g, "out", z, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    for rows in ROWS {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[], 3, 1), &["idle.weight", "idle.bias"]);
    }
}

#[test]
fn narrow_layers_of_one_value() {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let x = linear(&mut g, "up", e, 4);
    // Five of one kind reach over a panel's end, the second of them for nothing but a report; two of another kind.
    let mut plain: Vec<Value> = (0..5).map(|i| linear(&mut g, &format!("plain{i}"), x, 21 + i)).collect();
    let rectified = [3, 17].map(|units| relu(&mut g, &format!("relu{units}"), x, units));
    let idle = plain.remove(1);
    g.watch("idle", idle);
    let sides: Vec<Value> = plain.into_iter().chain(rectified).collect();
    let sides = sides.iter().enumerate().map(|(i, &side)| (1.0, linear(&mut g, &format!("side{i}"), side, 2)));
    let sides: Vec<(f64, Value)> = sides.collect();
    let z = g.sum("sum", &sides).unwrap();
    let z = linear(&mut g, "out", z, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    let idle = ["plain1.weight", "plain1.bias"];
    for rows in ROWS {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[(7, false)], 0, 1), &idle);
    }
    // A penalty is of weights alone, each once.
    let options = TrainerOptions { layer_penalty: (0.02, 0.03), ..options() };
    check_gradients(&g, options, &Batch::random(3, 70, &[(7, false)], 0, 1), &idle[1..]);
}

#[test]
fn columns_added_to_others() {
    for at in [0, 2] {
        let op = |g: &mut Graph, name: &str, x: Value| {
            let few = linear(g, &format!("{name}.few"), x, 2);
            g.overlay(name, x, few, at).unwrap()
        };
        check_op(op, &ROWS, &[]);
    }
}

#[test]
fn layer_norm() {
    check_op(|g, name, x| g.layer_norm(name, x).unwrap(), &ROWS, &[]);
}

#[test]
fn prelu() {
    check_op(|g, name, x| g.prelu(name, x).unwrap(), &[9, 150], &[]);
}

#[test]
fn softmax_with_a_temperature() {
    check_op(|g, name, x| g.softmax(name, x, 0.7).unwrap(), &ROWS, &[]);
}

#[test]
fn entropies_of_probabilities() {
    let op = |g: &mut Graph, name: &str, x: Value| {
        let p = g.softmax(&format!("{name}.softmax"), x, 0.7).unwrap();
        g.activate(name, p, Function::Entropy).unwrap()
    };
    check_op(op, &ROWS, &[]);
}

#[test]
fn softmax_of_the_largest() {
    for k in 2..=4 {
        check_op(|g, name, x| g.top_softmax(name, x, k, 0.7).unwrap(), &ROWS, &[]);
    }
}

#[test]
fn noise() {
    check_op(|g, name, x| g.noise(name, x).unwrap(), &ROWS, &[]);
}

#[test]
fn choices_from_digits() {
    // All codes of the digits and some; digits between 0 and 1, and digits that have reached them.
    for (digits, choices) in [(1, 2), (2, 3), (2, 4), (3, 5), (4, 16)] {
        for width in [4.0, 0.9] {
            let op = |g: &mut Graph, name: &str, x: Value| {
                let z = linear(g, &format!("{name}.digits"), x, digits);
                let s = g.activate(&format!("{name}.step"), z, Function::SmoothStep { width }).unwrap();
                g.codes(name, s, choices).unwrap()
            };
            check_op(op, if width > 1.0 { &ROWS } else { &[150] }, &[]);
        }
    }
}

#[test]
fn dropout() {
    check_op(|g, name, x| g.dropout(name, x, 0.4).unwrap(), &ROWS, &[]);
}

#[test]
fn batch_norm() {
    check_op(|g, name, x| g.batch_norm(name, x).unwrap(), &[2, 9, 150], &[]);
    // A single row is its own mean: scale cannot matter, shift can.
    check_op(|g, name, x| g.batch_norm(name, x).unwrap(), &[1], &["a.norm.scale", "b.norm.scale"]);
}

#[test]
fn dice() {
    check_op(|g, name, x| g.dice(name, x).unwrap(), &[2, 9, 150], &[]);
}

#[test]
fn batch_wide_ops_after_each_other() {
    let op = |g: &mut Graph, name: &str, x: Value| {
        let x = g.batch_norm(name, x).unwrap();
        let x = relu(g, &format!("{name}.hidden"), x, 5);
        let x = g.dice(&format!("{name}.then"), x).unwrap();
        g.dropout(&format!("{name}.drop"), x, 0.2).unwrap()
    };
    check_op(op, &[9, 150], &[]);
}

#[test]
fn mixtures() {
    for experts in 1..=4 {
        let mut g = Graph::default();
        let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
        let x = g.lookup("e", 0, table, Pooling::One).unwrap();
        let all: Vec<Value> = (0..experts).map(|e| linear(&mut g, &format!("expert{e}"), x, 4)).collect();
        let mut idle = Vec::new();
        for task in ["p", "q", "r"] {
            let gate = linear(&mut g, &format!("{task}.gate"), x, experts);
            let gate = g.softmax(&format!("{task}.softmax"), gate, 0.7).unwrap();
            let mixed = g.mixture(&format!("{task}.mixture"), gate, &all).unwrap();
            let z = linear(&mut g, &format!("{task}.out"), mixed, 1);
            g.head(task, z, Loss::Mse, 1.0).unwrap();
            idle.extend((experts == 1).then(|| ["weight", "bias"].map(|part| format!("{task}.gate.{part}"))));
        }
        // The only expert has weight 1 whatever the gate says.
        let idle: Vec<&str> = idle.iter().flatten().map(String::as_str).collect();
        for rows in ROWS {
            check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[(7, false)], 0, 3), &idle);
        }
    }
}

#[test]
fn a_mixture_of_the_same_expert_twice() {
    let mut g = Graph::default();
    let x = g.dense("d", 0, 3).unwrap();
    let expert = linear(&mut g, "expert", x, 4);
    let gate = linear(&mut g, "gate", x, 3);
    let mixed = g.mixture("mixture", gate, &[expert, expert, expert]).unwrap();
    let z = linear(&mut g, "out", mixed, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    check_gradients(&g, options(), &Batch::random(1, 70, &[], 3, 1), &[]);
}

/// A graph of lookups: two slots share a table, bags have no, one or repeated ids.
fn lookups(dim: usize, pooling: Pooling) -> Graph {
    let mut g = Graph::default();
    let shared = g.table("shared", 5, dim, Init::Normal(0.7)).unwrap();
    let own = g.table("own", 4, 2, Init::Normal(0.7)).unwrap();
    let one = g.lookup("one", 0, shared, Pooling::One).unwrap();
    let bag = g.lookup("bag", 1, shared, pooling).unwrap();
    let other = g.lookup("other", 2, own, pooling).unwrap();
    let x = g.concat("x", &[one, other, bag]).unwrap();
    let z = linear(&mut g, "out", x, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    g
}

#[test]
fn lookups_of_one_and_of_many() {
    for pooling in [Pooling::Sum, Pooling::Mean, Pooling::Max] {
        for dim in [3, 4, 8, 16] {
            let g = lookups(dim, pooling);
            for rows in [4, 150] {
                let batch = Batch::random(rows as u64, rows, &[(5, false), (5, true), (4, true)], 0, 1);
                check_gradients(&g, options(), &batch, &[]);
            }
        }
    }
}

#[test]
fn concats() {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let d = g.dense("d", 0, 2).unwrap();
    let inner = g.concat("inner", &[e, d]).unwrap();
    let hidden = linear(&mut g, "hidden", inner, 4);
    // The same value twice, a concat inside a concat, values that others read too.
    let twice = g.concat("twice", &[hidden, e, hidden]).unwrap();
    let nested = g.concat("nested", &[inner, twice, d, inner]).unwrap();
    let deep = relu(&mut g, "deep", nested, 5);
    let last = g.concat("last", &[deep, twice]).unwrap();
    let p = linear(&mut g, "p", last, 1);
    let q = linear(&mut g, "q", twice, 1);
    // A head that is also an input of a concat.
    let with_head = g.concat("with_head", &[p, hidden]).unwrap();
    let r = linear(&mut g, "r", with_head, 1);
    for (name, value) in [("p", p), ("q", q), ("r", r)] {
        g.head(name, value, Loss::Mse, 1.0).unwrap();
    }
    for rows in ROWS {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[(7, false)], 2, 3), &[]);
    }
}

/// Three heads, two on one value, with weights; labels 0 and 2 are missing in places.
pub(crate) fn heads(loss: Loss) -> (Graph, Batch<f64>) {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let d = g.dense("d", 0, 2).unwrap();
    let x = g.concat("x", &[e, d]).unwrap();
    let x = linear(&mut g, "hidden", x, 4);
    let (p, q) = (linear(&mut g, "p", x, 1), linear(&mut g, "q", x, 1));
    g.head("p", p, loss, 1.0).unwrap();
    g.head("q", q, loss, 0.3).unwrap();
    g.head("p again", p, Loss::Mse, 2.5).unwrap();
    let mut batch = Batch::random(8, 150, &[(7, false)], 2, 3);
    for (i, label) in batch.labels.iter_mut().enumerate() {
        if i % 3 != 1 && (i / 3) % 4 == i % 3 {
            *label = f64::NAN;
        }
    }
    (g, batch)
}

#[test]
fn losses_with_missing_labels_weights_and_every_normaliser() {
    for loss in [Loss::BinaryCrossEntropy, Loss::Mse, Loss::Mae, Loss::Huber { delta: 0.4 }] {
        let (g, batch) = heads(loss);
        let weighted = Batch { weights: (0..450).map(|i| f64::from(i % 5) * 0.7).collect(), ..batch.clone() };
        for normaliser in [Normaliser::WeightSum, Normaliser::Count, Normaliser::Batch, Normaliser::Sum] {
            check_gradients(&g, TrainerOptions { normaliser, ..options() }, &batch, &[]);
            check_gradients(&g, TrainerOptions { normaliser, ..options() }, &weighted, &[]);
        }
        for row in [0, 1, 2] {
            let idle: &[&str] = &[];
            check_gradients(&g, options(), &batch.select(&[row]), idle);
        }
    }
}

#[test]
fn penalties() {
    let g = lookups(4, Pooling::Mean);
    // Row 4 of `shared` is in no batch: only a whole-table penalty may move it.
    let batch = Batch::random(3, 70, &[(4, false), (4, true), (4, true)], 0, 1);
    for penalise_whole_tables in [false, true] {
        for (l1, l2) in [(0.0, 0.03), (0.02, 0.0), (0.02, 0.03)] {
            let options = TrainerOptions {
                layer_penalty: (l1, l2),
                embedding_penalty: (2.0 * l1, 3.0 * l2),
                penalise_whole_tables,
                ..options()
            };
            check_gradients(&g, options, &batch, &[]);
        }
    }
}

#[test]
fn values_that_no_head_reads() {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let unused = g.table("unused", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let f = g.lookup("f", 0, unused, Pooling::One).unwrap();
    let dead = linear(&mut g, "dead", f, 3);
    linear(&mut g, "end", dead, 2);
    let z = linear(&mut g, "out", e, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    let batch = Batch::random(3, 70, &[(7, false)], 0, 1);
    let idle = ["unused", "dead.weight", "dead.bias", "end.weight", "end.bias"];
    check_gradients(&g, options(), &batch, &idle);
    let options = TrainerOptions { layer_penalty: (0.0, 0.1), ..options() };
    check_gradients(&g, options, &batch, &["unused", "dead.bias", "end.bias"]);
}

#[test]
fn a_layer_of_two_values_of_which_one_learns_in_fewer_columns() {
    let mut g = Graph::default();
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let e = g.lookup("e", 0, table, Pooling::One).unwrap();
    let d = g.dense("d", 1, 2).unwrap();
    let x = g.concat("x", &[e, d]).unwrap();
    let y = linear(&mut g, "up", x, 5);
    g.share(true);
    let both = [relu(&mut g, "layer", x, 20), relu(&mut g, "layer", y, 20)];
    let all = g.concat("all", &both).unwrap();
    let z = linear(&mut g, "out", all, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    for rows in [1, 150, 300] {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[(7, false)], 3, 1), &[]);
    }
}
