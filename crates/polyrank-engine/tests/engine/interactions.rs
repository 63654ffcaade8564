//! What lets fields meet each other: gradients, values worked out by hand, shapes that do not fit.

use polyrank_engine::{Along, Collecting, Graph, Init, Layer, Loss, Network, Pooling, Scorer, Space, Tensor, Value};

use crate::support::{Batch, Ids, check_gradients, layer, linear, options};

/// Rows of a single micro-batch, of one that is not full, and of several.
const ROWS: [usize; 3] = [1, 9, 70];
/// A table of 7 rows read one id a row, and lists of the same table's ids, at most six.
const SLOTS: [(u64, bool); 2] = [(7, false), (7, true)];
const LIST: Space = Space::List { slot: 1, most: 6, extra: 0 };

/// Fields `[B, 4]`, `count` of them.
fn fields(g: &mut Graph, count: usize) -> Vec<Value> {
    let x = g.dense("d", 0, 5).unwrap();
    (0..count).map(|i| linear(g, &format!("field{i}"), x, 4)).collect()
}

/// The op on the fields, which something else reads too.
fn check(count: usize, op: impl Fn(&mut Graph, &[Value]) -> Value) {
    let mut g = Graph::default();
    let fields = fields(&mut g, count);
    let y = op(&mut g, &fields);
    let parts = [&[y], &fields[..]].concat();
    let x = g.concat("joined", &parts).unwrap();
    let z = linear(&mut g, "out", x, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    for rows in ROWS {
        check_gradients(&g, options(), &Batch::random(rows as u64, rows, &[], 5, 1), &[]);
    }
}

#[test]
fn products_of_pairs() {
    for count in [2, 4] {
        check(count, |g, x| g.fm("fm", x).unwrap());
        check(count, |g, x| g.pairs("pairs", x, false).unwrap());
        check(count, |g, x| g.pairs("pairs", x, true).unwrap());
        check(count, |g, x| {
            let all = g.concat("all", x).unwrap();
            let maps = linear(g, "maps", all, 4 * x.len());
            g.pair_products("products", maps, all, x.len()).unwrap()
        });
        check(count, |g, x| {
            let all = g.concat("all", x).unwrap();
            let maps = linear(g, "maps", all, 4 * x.len() * (x.len() + 1) / 2);
            g.pair_products("products", maps, all, x.len()).unwrap()
        });
        check(count, |g, x| {
            let wide = linear(g, "wide", x[0], 7);
            g.outer("outer", wide, x[count - 1]).unwrap()
        });
        // The same value on both sides.
        check(count, |g, x| g.outer("outer", x[1], x[1]).unwrap());
        check(count, |g, x| g.fm("fm", &[x[1], x[1]]).unwrap());
    }
}

#[test]
fn outer_products_of_each_field() {
    check(3, |g, x| {
        let all = g.concat("all", x).unwrap();
        let folded = g.fold("folded", all, 4, Along::Dimensions).unwrap();
        let products = g.outer("products", folded, folded).unwrap();
        assert_eq!((g.space(products), g.width(products)), (Space::Fields(4), 9));
        g.collect("sum", products, Collecting::Sum).unwrap()
    });
}

/// Keys without a bias, which the softmax would take out again.
fn keys(g: &mut Graph, x: Value, units: usize) -> Value {
    g.linear("k", x, Layer { bias: None, ..layer(units) }).unwrap()
}

/// The fields' values folded, mapped to `width` columns each.
fn folded<const N: usize>(g: &mut Graph, x: &[Value], names: [&str; N], width: usize) -> [Value; N] {
    let all = g.concat("all", x).unwrap();
    let all = g.fold("folded", all, x.len(), Along::Fields).unwrap();
    names.map(|name| if name == "k" { keys(g, all, width) } else { linear(g, name, all, width) })
}

#[test]
fn attention_among_fields() {
    for (heads, width, scaled) in [(1, 8, false), (2, 8, true), (4, 8, false), (1, 16, true), (2, 36, false)] {
        check(3, |g, x| {
            let [q, k, v] = folded(g, x, ["q", "k", "v"], width);
            let y = g.attention("attention", q, k, v, heads, scaled).unwrap();
            let sum = g.collect("sum", y, Collecting::Sum).unwrap();
            linear(g, "narrow", sum, 2)
        });
    }
    // One value in all three places.
    for (heads, width) in [(1, 4), (2, 4), (1, 17)] {
        check(3, |g, x| {
            let [all] = folded(g, x, ["wide"], width);
            let y = g.attention("attention", all, all, all, heads, true).unwrap();
            let sum = g.collect("sum", y, Collecting::Sum).unwrap();
            linear(g, "narrow", sum, 2)
        });
    }
}

#[test]
fn attention_beside_a_residual() {
    for (heads, width) in [(2, 8), (2, 36), (1, 16)] {
        check(3, |g, x| {
            let [q, k, v] = folded(g, x, ["q", "k", "v"], width);
            let residual = linear(g, "residual", q, width);
            let y = g.attention_relu("attention", q, k, v, residual, heads).unwrap();
            let sum = g.collect("sum", y, Collecting::Sum).unwrap();
            linear(g, "narrow", sum, 2)
        });
    }
    // So many fields that the weights are made twice.
    check(1, |g, x| {
        let wide = linear(g, "wide", x[0], 130);
        let all = g.fold("folded", wide, 130, Along::Fields).unwrap();
        let [q, v, residual] = ["q", "v", "residual"].map(|name| linear(g, name, all, 3));
        let k = keys(g, all, 3);
        let y = g.attention_relu("attention", q, k, v, residual, 1).unwrap();
        let sum = g.collect("sum", y, Collecting::Sum).unwrap();
        linear(g, "narrow", sum, 2)
    });
    // The same value in all four places, which another op reads too.
    for width in [4, 17] {
        check(3, |g, x| {
            let [all] = folded(g, x, ["wide"], width);
            let y = g.attention_relu("attention", all, all, all, all, 1).unwrap();
            let both = g.sum("both", &[(1.0, y), (0.3, all)]).unwrap();
            let sum = g.collect("sum", both, Collecting::Sum).unwrap();
            linear(g, "narrow", sum, 2)
        });
    }
}

/// More rows and columns than a vector has numbers, neither a multiple of it.
#[test]
fn attention_among_many_wide_fields() {
    for (heads, width) in [(1, 22), (2, 22), (1, 38), (2, 66)] {
        check(1, |g, x| {
            let wide = linear(g, "wide", x[0], 2 * 19);
            let all = g.fold("folded", wide, 19, Along::Fields).unwrap();
            let (q, v) = (linear(g, "q", all, width), linear(g, "v", all, width));
            let k = keys(g, all, width);
            let y = g.attention("attention", q, k, v, heads, true).unwrap();
            let sum = g.collect("sum", y, Collecting::Sum).unwrap();
            linear(g, "narrow", sum, 2)
        });
    }
}

/// A score from the attention of a list, of at most `most` things, to itself.
fn list_attention(scaled: bool, most: usize) -> Graph {
    let mut g = Graph::default();
    let table = g.table("t", 7, 4, Init::Normal(0.7)).unwrap();
    let target = g.lookup("target", 0, table, Pooling::One).unwrap();
    let list = g.lookup_each("list", 1, table, Space::List { slot: 1, most, extra: 0 }).unwrap();
    let (q, k) = (linear(&mut g, "q", list, 4), keys(&mut g, list, 4));
    let y = g.attention("attention", q, k, list, 2, scaled).unwrap();
    let y = g.collect("sum", y, Collecting::Sum).unwrap();
    let x = g.concat("joined", &[target, y]).unwrap();
    let z = linear(&mut g, "out", x, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
    g
}

#[test]
fn attention_within_lists() {
    // Weights that are kept, and those of lists so long that they are made twice.
    for (scaled, most) in [(false, 6), (true, 6), (false, 300), (true, 300)] {
        for rows in [9, 150] {
            let batch = Batch::random(rows as u64, rows, &SLOTS, 0, 1);
            check_gradients(&list_attention(scaled, most), options(), &batch, &[]);
        }
    }
}

#[test]
fn lists_of_none_and_huge_scores_stay_finite_in_single_precision() {
    let mut network = Network::<f32>::new(&list_attention(false, 6), 3, None);
    for name in ["q.weight", "k.weight"] {
        let data = (0..16).map(|i| 1e6 * (i as f32 - 7.3)).collect();
        network.set(&Tensor { name: name.to_owned(), dims: vec![4, 4], data }).unwrap();
    }
    let batch = Batch::<f32> {
        rows: 3,
        slots: vec![Ids::One(vec![1, 2, 3]), Ids::Many(vec![0, 0, 1, 5], vec![4, 0, 1, 2, 6])],
        dense: Vec::new(),
        labels: vec![0.0; 3],
        weights: vec![],
    };
    let scorer = Scorer::new(&network);
    let scores = scorer.score(&network, &batch.feed()).unwrap();
    assert!(scores.iter().all(|z| z.is_finite()), "{scores:?}");
    for row in 0..3 {
        assert_eq!(scorer.score(&network, &batch.select(&[row]).feed()).unwrap(), scores[row..=row]);
    }
}

/// The scores of one row of numbers under an op that gives one column.
fn score(width: usize, numbers: &[f32], op: impl Fn(&mut Graph, Value) -> Value) -> f32 {
    let mut g = Graph::default();
    let x = g.dense("x", 0, width).unwrap();
    let y = op(&mut g, x);
    g.head("task", y, Loss::Mse, 1.0).unwrap();
    let network = Network::<f32>::new(&g, 1, None);
    let batch = Batch { rows: 1, slots: Vec::new(), dense: numbers.to_vec(), labels: vec![0.0], weights: vec![] };
    Scorer::new(&network).score(&network, &batch.feed()).unwrap()[0]
}

#[test]
fn a_factorisation_machine_keeps_its_digits() {
    let fm = |g: &mut Graph, _| {
        let x: Vec<Value> = (0..3).map(|i| g.dense(&format!("x{i}"), i, 1).unwrap()).collect();
        g.fm("fm", &x).unwrap()
    };
    assert_eq!(score(3, &[2.0, 3.0, 5.0], fm), 31.0);
    // Squares of 1e5 would leave nothing of the product 1·1.
    assert_eq!(score(3, &[1e5, 0.0, 1e-5], fm), 1.0);
}

#[test]
fn what_does_not_pair_up_is_refused() {
    let mut g = Graph::default();
    let table = g.table("t", 7, 6, Init::Normal(0.7)).unwrap();
    let list = g.lookup_each("list", 1, table, LIST).unwrap();
    let other = g.lookup_each("other", 0, table, Space::List { slot: 0, most: 6, extra: 0 }).unwrap();
    let narrow = g.linear("narrow", list, layer(3)).unwrap();
    let wide = g.linear("wide", list, layer(32)).unwrap();
    let (x, y) = (g.dense("x", 0, 6).unwrap(), g.dense("y", 0, 4).unwrap());
    let errors = [
        g.fm("fm of one", &[x]).unwrap_err(),
        g.fm("fm of none", &[]).unwrap_err(),
        g.fm("fm of unlike", &[x, y]).unwrap_err(),
        g.pairs("pairs of one", &[x], true).unwrap_err(),
        g.pairs("pairs of unlike", &[x, y], false).unwrap_err(),
        g.pair_products("no groups", x, x, 0).unwrap_err(),
        g.pair_products("odd groups", x, x, 4).unwrap_err(),
        g.pair_products("unlike", y, x, 2).unwrap_err(),
        g.outer("mixed", x, list).unwrap_err(),
        g.attention("rows", x, x, x, 2, true).unwrap_err(),
        g.attention("heads", list, list, list, 4, true).unwrap_err(),
        g.attention("no heads", list, list, list, 0, true).unwrap_err(),
        g.attention("lists", list, other, list, 2, true).unwrap_err(),
        g.attention("odd values", list, list, narrow, 2, true).unwrap_err(),
        g.attention_relu("wide residual", list, list, narrow, list, 1).unwrap_err(),
        g.attention("kept, odd values", wide, wide, narrow, 2, true).unwrap_err(),
        g.attention_relu("kept, wide residual", wide, wide, narrow, wide, 1).unwrap_err(),
    ];
    for error in errors {
        assert!(!error.block.is_empty() && !error.problem.is_empty(), "{error}");
    }
}
