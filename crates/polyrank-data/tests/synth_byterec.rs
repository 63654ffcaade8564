//! The built-in rows: reproducible, with the shares they promise, and learnable.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int32Type, Int64Type};
use polyrank_data::synth::ByteRec;

const COLUMNS: [&str; 12] = [
    "uid",
    "user_city",
    "item_id",
    "author_id",
    "item_city",
    "channel",
    "finish",
    "like",
    "music_id",
    "device",
    "time",
    "duration_time",
];
const IDS: [&str; 8] = ["uid", "user_city", "item_id", "author_id", "item_city", "channel", "music_id", "device"];

fn ints<'a>(batch: &'a RecordBatch, name: &str) -> &'a [i64] {
    batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values()
}

fn labels(batch: &RecordBatch, name: &str) -> Vec<bool> {
    batch.column_by_name(name).unwrap().as_primitive::<Int8Type>().values().iter().map(|x| *x == 1).collect()
}

fn floats<'a>(batch: &'a RecordBatch, name: &str) -> &'a [f64] {
    batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().values()
}

fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives = labels.iter().filter(|l| **l).count() as f64;
    let ranks: f64 = order.iter().enumerate().filter(|(_, i)| labels[**i]).map(|(rank, _)| rank as f64 + 1.0).sum();
    (ranks - positives * (positives + 1.0) / 2.0) / (positives * (labels.len() as f64 - positives))
}

#[test]
fn a_row_depends_on_seed_and_number_alone() {
    let stream = ByteRec::new(7);
    let whole = stream.rows(0..1000, true);
    assert_eq!(whole.slice(400, 300), stream.rows(400..700, true));
    assert_eq!(stream.rows(0..0, false).num_rows(), 0);
    assert_ne!(whole, ByteRec::new(8).rows(0..1000, true));
    let names: Vec<_> = stream.rows(0..1, false).schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, COLUMNS);
    let last = stream.rows(u64::MAX - 1..u64::MAX, true);
    assert_eq!(last.num_rows(), 1);
}

#[test]
fn rows_never_change() {
    let batch = ByteRec::new(2020).rows(1_000_000..1_000_003, true);
    let of = |name: &str| ints(&batch, name).to_vec();
    assert_eq!(of("uid"), [1208, 1246, 559]);
    assert_eq!(of("item_id"), [0, 1391, 513]);
    let probabilities = [0.09926583616231976, 0.8459990761281644, 0.6667699182512611];
    assert_eq!(floats(&batch, "finish_probability"), probabilities);
}

#[test]
fn shares_are_as_promised() {
    for seed in [1, 2, 42] {
        shares(&ByteRec::new(seed).rows(0..200_000, true));
    }
}

fn shares(batch: &RecordBatch) {
    let share = |labels: &[bool]| labels.iter().filter(|l| **l).count() as f64 / labels.len() as f64;
    let (finish, like) = (labels(batch, "finish"), labels(batch, "like"));
    let (finished, liked) = (share(&finish), share(&like));
    assert!((0.36..0.44).contains(&finished), "{finished}");
    assert!((0.02..0.05).contains(&liked), "{liked}");
    let of_finished: Vec<bool> = like.iter().zip(&finish).filter(|(_, f)| **f).map(|(l, _)| *l).collect();
    assert!(share(&of_finished) > 1.5 * liked, "{} {liked}", share(&of_finished));
    for (task, probability) in [(&finish, "finish_probability"), (&like, "like_probability")] {
        let mean = floats(batch, probability).iter().sum::<f64>() / 200_000.0;
        assert!((mean - share(task)).abs() < 0.004, "{probability}: {mean}");
        let auc = auc(floats(batch, probability), task);
        assert!((0.75..0.85).contains(&auc), "{probability}: {auc}");
    }
    let popular = ints(batch, "item_id").iter().filter(|id| **id < 60).count() as f64 / 200_000.0;
    assert!((0.05..0.2).contains(&popular), "{popular}");
    let known: std::collections::HashSet<_> = ints(batch, "uid")[..160_000].iter().collect();
    let cold = ints(batch, "uid")[160_000..].iter().filter(|id| !known.contains(id)).count() as f64 / 40_000.0;
    assert!((0.02..0.06).contains(&cold), "{cold}");
    let seconds = batch.column_by_name("duration_time").unwrap().as_primitive::<Int32Type>().values();
    assert!(seconds.iter().all(|s| (3..=60).contains(s)));
}

/// A factorization machine, the plainest model that can see tastes: 200,000 rows must bring it near the best possible.
#[test]
fn a_plain_model_comes_near_the_true_probabilities() {
    const TRAIN: usize = 200_000;
    let batch = ByteRec::new(3).rows(0..TRAIN as u64 + 60_000, true);
    let columns: Vec<&[i64]> = IDS.iter().map(|name| ints(&batch, name)).collect();
    let seconds = batch.column_by_name("duration_time").unwrap().as_primitive::<Int32Type>().values();
    for task in ["finish", "like"] {
        let labels = labels(&batch, task);
        let mut model = Machine::new();
        for _ in 0..EPOCHS {
            (0..TRAIN).for_each(|i| model.learn(&features(&columns, i), f64::from(seconds[i]) / 30.0 - 1.0, labels[i]));
        }
        let valid: Vec<f64> = (TRAIN..labels.len())
            .map(|i| model.score(&features(&columns, i), f64::from(seconds[i]) / 30.0 - 1.0).0)
            .collect();
        let best = auc(&floats(&batch, &format!("{task}_probability"))[TRAIN..], &labels[TRAIN..]);
        let reached = auc(&valid, &labels[TRAIN..]);
        assert!(reached > best - 0.03, "{task}: {reached} of {best}");
    }
}

const FACTORS: usize = 4;
const ROWS: usize = 1 << 17;
const EPOCHS: usize = 3;

fn features(columns: &[&[i64]], i: usize) -> [usize; IDS.len()] {
    std::array::from_fn(|c| ((columns[c][i] + 1) as usize + c * 16_384) % ROWS)
}

struct Machine {
    bias: f64,
    slope: f64,
    linear: Vec<f64>,
    linear_squares: Vec<f64>,
    factors: Vec<[f64; FACTORS]>,
    factor_squares: Vec<[f64; FACTORS]>,
}

impl Machine {
    fn new() -> Machine {
        let start =
            |i: usize| std::array::from_fn(|k| (((i * 7 + k * 13) * 2_654_435_761 % 1000) as f64 / 1000.0 - 0.5) * 0.1);
        Machine {
            bias: 0.0,
            slope: 0.0,
            linear: vec![0.0; ROWS],
            linear_squares: vec![1.0; ROWS],
            factors: (0..ROWS).map(start).collect(),
            factor_squares: vec![[1.0; FACTORS]; ROWS],
        }
    }

    fn score(&self, ids: &[usize], x: f64) -> (f64, [f64; FACTORS]) {
        let mut score = self.bias + self.slope * x + ids.iter().map(|id| self.linear[*id]).sum::<f64>();
        let mut sums = [0.0; FACTORS];
        for id in ids {
            for k in 0..FACTORS {
                let v = self.factors[*id][k];
                sums[k] += v;
                score -= 0.5 * v * v;
            }
        }
        score += 0.5 * sums.iter().map(|s| s * s).sum::<f64>();
        (score, sums)
    }

    fn learn(&mut self, ids: &[usize], x: f64, label: bool) {
        let (score, sums) = self.score(ids, x);
        let error = 1.0 / (1.0 + (-score).exp()) - f64::from(u8::from(label));
        self.bias -= 0.002 * error;
        self.slope -= 0.002 * error * x;
        for id in ids {
            let gradient = error + 0.002 * self.linear[*id];
            self.linear_squares[*id] += gradient * gradient;
            self.linear[*id] -= 0.1 * gradient / self.linear_squares[*id].sqrt();
            for k in 0..FACTORS {
                let v = self.factors[*id][k];
                let gradient = error * (sums[k] - v) + 0.005 * v;
                self.factor_squares[*id][k] += gradient * gradient;
                self.factors[*id][k] -= 0.05 * gradient / self.factor_squares[*id][k].sqrt();
            }
        }
    }
}
