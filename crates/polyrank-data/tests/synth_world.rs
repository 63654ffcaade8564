//! Rows of a design: reproducible, with the rates, correlations and newcomers asked for.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_select::concat::concat_batches;
use polyrank_data::synth::{Kind, Rows, Wishes, blocks};
use proptest::prelude::*;

const ROWS: u64 = 200_000;
const LABELS: [(&str, f64); 4] = [("click", 0.29), ("like", 0.0113), ("share", 0.0011), ("follow", 0.0010)];

fn kind(name: &str, wishes: &Wishes, seed: u64) -> Arc<dyn Rows> {
    Kind::named(name).unwrap().rows(wishes, seed).unwrap()
}

fn tenrec(wishes: &Wishes) -> RecordBatch {
    whole(kind("tenrec", wishes, 1), ROWS)
}

/// Many rows, made on all threads.
fn whole(rows: Arc<dyn Rows>, count: u64) -> RecordBatch {
    let batches: Vec<RecordBatch> = blocks(rows, 0..count, true).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn floats<'a>(batch: &'a RecordBatch, name: &str) -> &'a [f64] {
    batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().values()
}

fn labels(batch: &RecordBatch, name: &str) -> Vec<f64> {
    batch.column_by_name(name).unwrap().as_primitive::<Int8Type>().values().iter().map(|y| f64::from(*y)).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - ma, b - mb)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

fn auc(scores: &[f64], labels: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives: f64 = labels.iter().sum();
    let ranks: f64 = order.iter().enumerate().map(|(rank, i)| labels[*i] * (rank as f64 + 1.0)).sum();
    (ranks - positives * (positives + 1.0) / 2.0) / (positives * (labels.len() as f64 - positives))
}

#[test]
fn a_row_depends_on_seed_and_number_alone() {
    for name in ["tenrec", "funnel", "mmoe-paper"] {
        let stream = kind(name, &Wishes::default(), 7);
        let rows = stream.rows(0..1000, true);
        assert_eq!(rows.slice(400, 300), stream.rows(400..700, true), "{name}");
        assert_ne!(rows, kind(name, &Wishes::default(), 8).rows(0..1000, true), "{name}");
        assert_eq!(stream.rows(0..0, true).num_rows(), 0);
        assert_eq!(stream.rows(u64::MAX - 1..u64::MAX, true).num_rows(), 1);
        let columns = stream.rows(0..1, false).num_columns();
        assert_eq!(
            stream.rows(0..1, true).project(&(0..columns).collect::<Vec<_>>()).unwrap(),
            stream.rows(0..1, false)
        );
        let made = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| whole(stream.clone(), 10_000))
        };
        assert_eq!(made(1), made(3), "{name}");
        assert_eq!(made(1).slice(0, 1000), rows, "{name}");
    }
}

#[test]
fn rows_never_change() {
    let batch = kind("tenrec", &Wishes::default(), 2020).rows(1_000_000..1_000_003, true);
    let ids = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    assert_eq!((ids("user_id"), ids("item_id")), (vec![646, 122, 3357], vec![68, 1943, 2081]));
    assert_eq!(floats(&batch, "click_probability"), [0.6314082348126475, 0.15840189984816305, 0.9528305519483135]);
}

#[test]
fn rates_are_as_chosen_and_labels_follow_their_probabilities() {
    let chosen = Wishes { rates: vec![("click".to_owned(), 0.1), ("like".to_owned(), 0.02)], ..Wishes::default() };
    for (wishes, click, like) in [(Wishes::default(), 0.29, 0.0113), (chosen, 0.1, 0.02)] {
        let batch = tenrec(&wishes);
        for (task, rate) in LABELS {
            let rate = [("click", click), ("like", like)].iter().find(|(name, _)| *name == task).map_or(rate, |r| r.1);
            let (y, p) = (labels(&batch, task), floats(&batch, &format!("{task}_probability")));
            // Five standard errors of a share, and of the mean of probabilities over the sample that sets it.
            let error = 5.0 * (rate * (1.0 - rate) / ROWS as f64).sqrt();
            assert!((mean(&y) - mean(p)).abs() < error, "{task}: {} {}", mean(&y), mean(p));
            assert!((mean(p) - rate).abs() < 0.02 * rate, "{task}: {} for {rate}", mean(p));
            assert!(auc(p, &y) > 0.78, "{task}: {}", auc(p, &y));
        }
        let (click, like) = (labels(&batch, "click"), labels(&batch, "like"));
        assert!(click.iter().zip(&like).all(|(click, like)| like <= click), "who likes has clicked");
        let times = batch.column_by_name("watching_times").unwrap().as_primitive::<Int32Type>().values();
        let times: Vec<f64> = times.iter().map(|x| f64::from(*x)).collect();
        let means = floats(&batch, "watching_times_mean");
        assert!((mean(&times) - 0.5).abs() < 0.03, "{}", mean(&times));
        assert!((mean(means) - 0.5).abs() < 0.015, "{}", mean(means));
        assert!(correlation(&times, means) > 0.3);
    }
}

/// Of the rows with about the same probability, as many have label 1.
#[test]
fn probabilities_are_calibrated_also_under_noise() {
    for noise in [0.0, 0.4] {
        let batch = tenrec(&Wishes { noise: Some(noise), ..Wishes::default() });
        let (y, p) = (labels(&batch, "click"), floats(&batch, "click_probability"));
        let mut order: Vec<usize> = (0..y.len()).collect();
        order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
        for bin in order.chunks(20_000) {
            let of = |numbers: &[f64]| bin.iter().map(|i| numbers[*i]).sum::<f64>() / bin.len() as f64;
            assert!((of(&y) - of(p)).abs() < 0.016, "{} {}", of(&y), of(p));
        }
    }
}

#[test]
fn tasks_correlate_as_chosen() {
    let mut before = -1.0;
    for chosen in [0.0, 0.3, 0.7, 1.0] {
        let batch = tenrec(&Wishes { correlation: Some(chosen), ..Wishes::default() });
        let logits = |name: &str| -> Vec<f64> { floats(&batch, name).iter().map(|p| (p / (1.0 - p)).ln()).collect() };
        let signals =
            ["click_probability", "like_probability_after_click", "share_probability_after_click"].map(logits);
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let found = correlation(&signals[a], &signals[b]);
            assert!((found - chosen).abs() < 0.03, "{found} for {chosen}");
        }
        let deviation =
            (mean(&signals[0].iter().map(|x| x * x).collect::<Vec<_>>()) - mean(&signals[0]).powi(2)).sqrt();
        assert!((deviation - 1.5).abs() < 0.05, "{deviation}");
        let liked = correlation(&labels(&batch, "click"), &labels(&batch, "like"));
        assert!(liked > before, "{liked} after {before}");
        before = liked;
    }
}

#[test]
fn strength_raises_and_noise_lowers_what_can_be_reached() {
    let reached = |strength: f64, noise: f64| {
        let wishes = Wishes { strength: Some(strength), noise: Some(noise), ..Wishes::default() };
        let batch = whole(kind("tenrec", &wishes, 1), 50_000);
        auc(floats(&batch, "click_probability"), &labels(&batch, "click"))
    };
    let [weak, plain, strong, noisy] = [(0.5, 0.0), (1.5, 0.0), (3.0, 0.0), (1.5, 0.5)].map(|(s, n)| reached(s, n));
    assert!(weak + 0.05 < plain && plain + 0.05 < strong && noisy + 0.05 < plain, "{weak} {plain} {strong} {noisy}");
    let flat = kind("tenrec", &Wishes { strength: Some(0.0), ..Wishes::default() }, 1).rows(0..1000, true);
    assert!(floats(&flat, "click_probability").iter().all(|p| (p - 0.29).abs() < 1e-9), "no signal, one probability");
}

#[test]
fn newcomers_come_as_chosen() {
    for cold in [0.0, 0.04, 0.3] {
        let batch = tenrec(&Wishes { cold: Some(cold), ..Wishes::default() });
        for name in ["user_id", "item_id"] {
            let ids = batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values();
            let (early, late) = ids.split_at(ids.len() * 4 / 5);
            let known: HashSet<_> = early.iter().collect();
            let share = late.iter().filter(|id| !known.contains(id)).count() as f64 / late.len() as f64;
            assert!((share - cold).abs() < 0.02, "{name}: {share} for {cold}");
        }
    }
}

/// The categories of what a user took to before say what the user will click.
#[test]
fn a_history_tells_of_the_users_taste() {
    let batch = whole(kind("funnel", &Wishes { cold: Some(0.0), ..Wishes::default() }, 1), 100_000);
    let ints = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values();
    let (items, categories) = (ints("item_id"), ints("category"));
    let of: std::collections::HashMap<i64, i64> = items.iter().copied().zip(categories.iter().copied()).collect();
    let lists = batch.column_by_name("recent_items").unwrap().as_list::<i32>();
    let p = floats(&batch, "click_probability");
    // A category is liked more or less by everyone; what the history adds is beyond that.
    let mut by_category = vec![(0.0, 0.0); 50];
    for (category, p) in categories.iter().zip(p) {
        let sums = &mut by_category[*category as usize];
        *sums = (sums.0 + p, sums.1 + 1.0);
    }
    let (mut familiar, mut beyond) = (Vec::new(), Vec::new());
    for row in (0..batch.num_rows()).filter(|row| lists.value_length(*row) >= 10) {
        let list = lists.value(row);
        let known = list.as_primitive::<Int64Type>().values().iter().filter_map(|item| of.get(item));
        let same = known.filter(|category| **category == categories[row]).count();
        let (sum, count) = by_category[categories[row] as usize];
        familiar.push(same as f64 / list.len() as f64);
        beyond.push(p[row] - sum / count);
    }
    let found = correlation(&familiar, &beyond);
    assert!(familiar.len() > 20_000 && found > 0.02, "{found}");
}

#[test]
fn what_cannot_be_is_said() {
    let said = |name: &str, wishes: Wishes| {
        Kind::named(name).and_then(|kind| kind.rows(&wishes, 1).map(|_| ())).unwrap_err().to_string()
    };
    assert!(said("tenrex", Wishes::default()).contains("did you mean `tenrec`?"));
    assert!(said("zzz", Wishes::default()).contains("byterec, tenrec, funnel"));
    let rate = |name: &str, rate: f64| Wishes { rates: vec![(name.to_owned(), rate)], ..Wishes::default() };
    assert!(said("tenrec", rate("likes", 0.1)).contains("did you mean `like`?"));
    assert!(said("tenrec", rate("like", 0.5)).contains("below that rate, 0.29"));
    assert!(said("tenrec", rate("click", 0.0)).contains("above 0"));
    assert!(said("tenrec", rate("click", f64::NAN)).contains("above 0"));
    assert!(said("byterec", rate("like", 0.1)).contains("no rate to choose"));
    assert!(said("ple-paper", Wishes { noise: Some(0.1), ..Wishes::default() }).contains("no noise to choose"));
    for correlation in [-0.1, 1.1, f64::NAN] {
        let wishes = Wishes { correlation: Some(correlation), ..Wishes::default() };
        assert!(said("tenrec", wishes.clone()).contains("from 0 to 1"));
        assert!(said("mmoe-paper", wishes).contains("from 0 to 1"));
    }
    assert!(said("funnel", Wishes { users: Some(0), ..Wishes::default() }).contains("0 users"));
}

/// The mean of a pair's labels is what they scatter around, by the law's noise.
#[test]
fn a_pairs_truth_is_its_label_without_noise() {
    let batch = kind("mmoe-paper", &Wishes::default(), 1).rows(0..20_000, true);
    let numbers = |name: &str| -> Vec<f64> {
        let column = batch.column_by_name(name).unwrap().as_primitive::<arrow_array::types::Float32Type>();
        column.values().iter().map(|x| f64::from(*x)).collect()
    };
    for k in ["1", "2"] {
        let (y, m) = (numbers(&format!("y{k}")), numbers(&format!("y{k}_mean")));
        let off: Vec<f64> = y.iter().zip(&m).map(|(y, m)| y - m).collect();
        assert!(mean(&off).abs() < 0.005 && correlation(&y, &m) > 0.99 && correlation(&off, &m).abs() < 0.03);
    }
    assert_eq!(batch.column_by_name("x").unwrap().as_list::<i32>().value(5).len(), 100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever the rates and knobs, the mean of the probabilities is the rate, over other rows than those it was set on.
    #[test]
    fn any_rates_are_met(
        click in 0.01f64..0.95, part in 0.001f64..0.9, strength in 0.0f64..3.0, noise in 0.0f64..0.9,
        correlation in 0.0f64..=1.0, cold in 0.0f64..=1.0, seed in any::<u64>(),
    ) {
        let rates = vec![("click".to_owned(), click), ("like".to_owned(), click * part), ("buy".to_owned(), click / 2.0)];
        let (correlation, strength) = (Some(correlation), Some(strength));
        let wishes = Wishes { rates: rates.clone(), correlation, strength, noise: Some(noise), cold: Some(cold), ..Wishes::default() };
        let batch = whole(kind("funnel", &wishes, seed), 20_000);
        for (task, rate) in rates {
            let p = floats(&batch, &format!("{task}_probability"));
            let spread = (mean(&p.iter().map(|p| p * p).collect::<Vec<_>>()) - mean(p).powi(2)).max(0.0).sqrt();
            // Eight rows of a session have a user in common.
            let error = 6.0 * spread * (8.0 / 20_000.0f64).sqrt() + 1e-9;
            prop_assert!((mean(p) - rate).abs() < error, "{}: {} for {}, spread {}", task, mean(p), rate, spread);
            prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
