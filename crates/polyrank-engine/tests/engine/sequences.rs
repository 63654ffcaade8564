//! Ops along lists, and numbers as embeddings: gradients, shapes, empty lists.

use polyrank_engine::{Collecting, Graph, Init, Loss, Neighbour, Network, Scorer, Space, Tensor, Update, Value};

use crate::support::{
    Batch, Ids, MOST, SLOTS, check_gradients, join_and_head, layer, linear, list_and_target, options, relu,
};

fn check(g: &Graph) {
    // The first batch has one row, whose list has several ids.
    let one = Batch {
        slots: vec![Ids::One(vec![2]), Ids::Many(vec![0, 4], vec![1, 3, 3, 6])],
        ..Batch::random(1, 1, &[], 0, 1)
    };
    check_gradients(g, options(), &one, &[]);
    for rows in [9, 150] {
        check_gradients(g, options(), &Batch::random(3 + rows as u64, rows, &SLOTS, 0, 1), &[]);
    }
}

#[test]
fn recurrence_with_every_kind_of_update() {
    for update in [Update::Gate, Update::Scaled, Update::Score] {
        let mut g = Graph::default();
        let (list, target) = list_and_target(&mut g);
        let blocks = if update == Update::Score { 2 } else { 3 };
        // Two layers of it, so that a gradient comes from above each step too; 70 columns are two panels.
        for (name, dim) in [("narrow", 2), ("wide", 70 / blocks)] {
            let projected = linear(&mut g, &format!("{name}.in"), list, blocks * dim);
            let score = (update != Update::Gate).then(|| {
                let score = linear(&mut g, &format!("{name}.score"), list, 1);
                g.list_softmax(&format!("{name}.softmax"), score).unwrap()
            });
            let state = g.gru(name, projected, score, update, Init::Uniform(0.6)).unwrap();
            assert_eq!((g.width(state), g.space(state)), (dim, g.space(list)));
            let last = g.collect(&format!("{name}.last"), state, Collecting::Last).unwrap();
            let mean = g.collect(&format!("{name}.mean"), state, Collecting::Mean).unwrap();
            let z = g.concat(&format!("{name}.both"), &[last, mean, target]).unwrap();
            let z = linear(&mut g, &format!("{name}.out"), z, 1);
            g.head(name, z, Loss::Mse, 1.0).unwrap();
        }
        for rows in [9, 150] {
            check_gradients(&g, options(), &Batch::random(3 + rows as u64, rows, &SLOTS, 0, 2), &[]);
        }
    }
}

#[test]
fn a_gru_is_its_equations() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let projected = linear(&mut g, "in", list, 3);
    let state = g.gru("gru", projected, None, Update::Gate, Init::Constant(0.0)).unwrap();
    let last = g.collect("last", state, Collecting::Last).unwrap();
    join_and_head(&mut g, &[target, last]);
    let mut network = Network::<f64>::new(&g, 1, None);
    let set = |network: &mut Network<f64>, name: &str, dims: &[usize], data: &[f64]| {
        network.set(&Tensor { name: name.into(), dims: dims.into(), data: data.into() }).unwrap();
    };
    // Projections are the first column of the embedding for every gate, the output is the state.
    set(&mut network, "in.weight", &[3, 3], &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    set(&mut network, "in.bias", &[3], &[0.1, 0.2, 0.3]);
    set(&mut network, "gru.recurrent.weight", &[1, 3], &[0.5, -0.7, 0.9]);
    set(&mut network, "out.weight", &[4, 1], &[0.0, 0.0, 0.0, 1.0]);
    set(&mut network, "out.bias", &[1], &[0.0]);
    let table: Vec<f64> = (0..7).flat_map(|i| [f64::from(i) / 3.0 - 1.0, 0.0, 0.0]).collect();
    set(&mut network, "t", &[7, 3], &table);
    let batch = Batch::<f64> {
        rows: 2,
        slots: vec![Ids::One(vec![0, 0]), Ids::Many(vec![0, 3, 3], vec![5, 0, 6])],
        dense: vec![],
        labels: vec![],
        weights: vec![],
    };
    let scores = Scorer::new(&network).score(&network, &batch.feed()).unwrap();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut h = 0.0;
    for id in [5.0, 0.0, 6.0] {
        let x = id / 3.0 - 1.0;
        let r = sigmoid(x + 0.1 + 0.5 * h);
        let c = (x + 0.2 + r * (-0.7 * h)).tanh();
        let u = sigmoid(x + 0.3 + 0.9 * h);
        h = (1.0 - u) * h + u * c;
    }
    assert!((scores[0] - h).abs() < 1e-12 && scores[1] == 0.0, "{scores:?} for {h}");
}

#[test]
fn neighbours_either_way() {
    for which in [Neighbour::Previous, Neighbour::Next] {
        let mut g = Graph::default();
        let (list, target) = list_and_target(&mut g);
        let hidden = relu(&mut g, "hidden", list, 4);
        let beside = g.neighbour("beside", hidden, which).unwrap();
        let product = g.multiply("product", hidden, beside).unwrap();
        let sum = g.collect("sum", product, Collecting::Sum).unwrap();
        join_and_head(&mut g, &[target, sum]);
        check(&g);
    }
}

#[test]
fn a_target_at_the_end_of_its_list() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let whole = g.append("whole", list, target).unwrap();
    assert_eq!(g.space(whole), Space::List { slot: 1, most: MOST, extra: 1 });
    let placed = g.places("placed", whole, Init::Normal(0.5)).unwrap();
    let hidden = relu(&mut g, "hidden", placed, 4);
    let weights = g.list_softmax("weights", hidden).unwrap();
    let flat = g.flatten("flat", weights).unwrap();
    assert_eq!((g.space(flat), g.width(flat)), (Space::Rows, 4 * (MOST + 1)));
    let last = g.collect("last", hidden, Collecting::Last).unwrap();
    join_and_head(&mut g, &[flat, last, target]);
    // Only lists of every length give each place a gradient; the longest random one has five.
    let lengths: Vec<u32> = (0..=MOST as u32).collect();
    let offsets: Vec<u32> = std::iter::once(0)
        .chain(lengths.iter().scan(0, |n, l| {
            *n += l;
            Some(*n)
        }))
        .collect();
    let ids = (0..21).map(|i| i * 5 % 7).collect();
    let batch = Batch {
        slots: vec![Ids::One(vec![1, 2, 3, 4, 5, 6, 0]), Ids::Many(offsets, ids)],
        ..Batch::random(2, 7, &[], 0, 1)
    };
    check_gradients(&g, options(), &batch, &[]);
    for rows in [1, 9, 150] {
        check_gradients(&g, options(), &Batch::random(3 + rows as u64, rows, &SLOTS, 0, 1), &[]);
    }
}

#[test]
fn flattened_lists_end_at_the_first_columns() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let flat = g.flatten("flat", list).unwrap();
    g.watch("flat", flat);
    join_and_head(&mut g, &[target, flat]);
    let mut network = Network::<f32>::new(&g, 1, None);
    let data = (0..21u8).map(f32::from).collect();
    network.set(&Tensor { name: "t".into(), dims: vec![7, 3], data }).unwrap();
    let batch = Batch::<f32> {
        rows: 1,
        slots: vec![Ids::One(vec![0]), Ids::Many(vec![0, 2], vec![1, 4])],
        dense: vec![],
        labels: vec![],
        weights: vec![],
    };
    let (_, watched) = Scorer::new(&network).score_watched(&network, &batch.feed()).unwrap();
    let mut expected = vec![12.0, 13.0, 14.0, 3.0, 4.0, 5.0];
    expected.resize(3 * MOST, 0.0);
    assert_eq!(watched, [expected]);
}

#[test]
fn numbers_as_waves() {
    let mut g = Graph::default();
    let a = g.dense("a", 0, 1).unwrap();
    let b = g.dense("b", 1, 1).unwrap();
    let up = linear(&mut g, "up", b, 1);
    let waves = [("first", a), ("second", up)];
    let parts: Vec<Value> = waves.iter().map(|(name, x)| g.periodic(name, *x, 5, Init::Normal(0.8)).unwrap()).collect();
    join_and_head(&mut g, &parts);
    for rows in [1, 9, 150] {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[], 2, 1), &[]);
    }
}

#[test]
fn parameters_that_are_shared() {
    let mut g = Graph::default();
    let x = g.dense("x", 0, 2).unwrap();
    let y = g.dense("y", 2, 2).unwrap();
    let z = g.dense("z", 2, 1).unwrap();
    let of = |g: &mut Graph, name: &str, x: Value| {
        assert!(!g.share(true));
        let y = g.linear(name, x, layer(3));
        assert!(g.share(false));
        y
    };
    let (a, b) = (of(&mut g, "same", x).unwrap(), of(&mut g, "same", y).unwrap());
    assert_eq!(g.params().len(), 2);
    let product = g.multiply("product", a, b).unwrap();
    let error = of(&mut g, "same", z).unwrap_err();
    assert!(error.to_string().contains("[2, 3]"), "{error}");
    assert!(g.linear("same", x, layer(3)).is_err(), "unless asked for, a name is taken once");
    join_and_head(&mut g, &[product, a]);
    for rows in [1, 9, 150] {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[], 4, 1), &[]);
    }
}

#[test]
fn shapes_that_do_not_fit() {
    let mut g = Graph::default();
    let (list, target) = list_and_target(&mut g);
    let (one, four) = (linear(&mut g, "one", list, 1), linear(&mut g, "four", list, 4));
    let row = linear(&mut g, "row", target, 1);
    let init = Init::Constant(0.0);
    let errors = [
        g.gru("a", four, None, Update::Gate, init).unwrap_err(),
        g.gru("b", list, Some(one), Update::Gate, init).unwrap_err(),
        g.gru("c", list, None, Update::Scaled, init).unwrap_err(),
        g.gru("d", four, Some(list), Update::Score, init).unwrap_err(),
        g.gru("e", four, Some(row), Update::Score, init).unwrap_err(),
        g.gru("f", target, None, Update::Gate, init).unwrap_err(),
        g.neighbour("g", target, Neighbour::Next).unwrap_err(),
        g.append("h", target, target).unwrap_err(),
        g.append("i", four, target).unwrap_err(),
        g.append("j", list, list).unwrap_err(),
        g.places("k", target, init).unwrap_err(),
        g.flatten("l", target).unwrap_err(),
        g.periodic("o", target, 3, init).unwrap_err(),
        g.periodic("p", row, 0, init).unwrap_err(),
    ];
    for error in errors {
        assert!(!error.block.is_empty() && !error.problem.is_empty(), "{error}");
    }
}
