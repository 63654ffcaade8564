#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_schema::config::{GroupWeight, RegressionLoss, TaskKind};
use proptest::prelude::*;

use super::*;

const BINARY: TaskKind = TaskKind::Binary { positive: None };
const REGRESSION: TaskKind = TaskKind::Regression { loss: RegressionLoss::Mse };

fn binary(scores: &[f32], labels: &[f32]) -> TaskMetrics {
    evaluate_task(&BINARY, scores, labels).unwrap()
}

fn assert_close(metrics: &TaskMetrics, name: &str, expected: f64) {
    let value = metrics.get(name).unwrap();
    assert!((value - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{name} is {value}, not {expected}");
}

// The numbers are scikit-learn 1.9.1's:
//
//     import numpy as np
//     from sklearn.metrics import *
//     i = np.arange(40)
//     score = ((i * 37 % 41 // 4).astype(np.float32) / np.float32(11)).astype(float)
//     label = (i * 29 % 7 < 3).astype(int)
//     p = score.clip(1e-7, 1 - 1e-7)
//     print(roc_auc_score(label, score), log_loss(label, p), accuracy_score(label, score >= 0.5))
//     print(precision_score(label, score >= 0.5), recall_score(label, score >= 0.5))
//     print(log_loss(label, p) / log_loss(label, np.full(40, label.mean())), label.mean(), score.mean())
//     tied = np.array([label[score == s].mean() for s in score])[np.argsort(score)]
//     edges = [b * 40 // 15 for b in range(16)]
//     bins = [slice(edges[b], edges[b + 1]) for b in range(15)]
//     print(sum(abs(np.sort(score)[b].sum() - tied[b].sum()) for b in bins) / 40)
//     seconds = (i * 13 % 17).astype(float)
//     predicted = (i * 37 % 41 // 4).astype(float) * 1.5
//     print(root_mean_squared_error(seconds, predicted), mean_absolute_error(seconds, predicted))
//     print(seconds.mean(), predicted.mean())
const BINARY_EXPECTED: &[(&str, f64)] = &[
    ("auc", 0.452020202020202),
    ("logloss", 1.6157328250018392),
    ("normalised_entropy", 2.3479751364153194),
    ("accuracy", 0.475),
    ("precision", 0.4117647058823529),
    ("recall", 0.3888888888888889),
    ("ece", 0.2590909071266651),
    ("label_mean", 0.45),
    ("prediction_mean", 0.4295454613864422),
    ("rows", 40.0),
];
const REGRESSION_EXPECTED: &[(&str, f64)] =
    &[("rmse", 6.707738068827673), ("mae", 5.4125), ("label_mean", 7.85), ("prediction_mean", 7.0875), ("rows", 40.0)];

// The same with `sample_weight=w` everywhere, means by `np.average(…, weights=w)`:
//
//     w = (i * 3 % 5) / 2
const WEIGHTED_EXPECTED: &[(&str, f64)] = &[
    ("weighted_auc", 0.42327365728900257),
    ("weighted_logloss", 0.9449747278842299),
    ("weighted_normalised_entropy", 1.3858888915383634),
    ("weighted_accuracy", 0.425),
    ("weighted_precision", 0.35),
    ("weighted_recall", 0.4117647058823529),
    ("weighted_label_mean", 0.425),
    ("weighted_prediction_mean", 0.4772727325558662),
];
const WEIGHTED_REGRESSION_EXPECTED: &[(&str, f64)] = &[
    ("weighted_rmse", 6.370831970786861),
    ("weighted_mae", 5.225),
    ("weighted_label_mean", 7.7625),
    ("weighted_prediction_mean", 7.875),
];

// By group, the mean of `roc_auc_score(label[g == u], score[g == u], sample_weight=w[g == u])` over the groups that have
// both classes, each weighing its summed `w`, or that of its positives; `g = i * 11 % 6`. Without weights w is 1.
const GAUC_EXPECTED: [(GroupWeight, f64, f64); 2] = [
    (GroupWeight::Impressions, 0.4416666666666667, 0.42920138888888887),
    (GroupWeight::Positives, 0.4444444444444444, 0.3579248366013072),
];

fn steps() -> impl Iterator<Item = u32> {
    (0..40).map(|i| i * 37 % 41 / 4)
}

#[test]
fn binary_metrics_equal_scikit_learns() {
    let scores: Vec<f32> = steps().map(|k| k as f32 / 11.0).collect();
    let labels: Vec<f32> = (0..40).map(|i| f32::from(u8::from(i * 29 % 7 < 3))).collect();
    let metrics = binary(&scores, &labels);
    for &(name, expected) in BINARY_EXPECTED {
        assert_close(&metrics, name, expected);
    }
    assert_eq!(metrics.iter().count(), BINARY_EXPECTED.len());
}

#[test]
fn regression_metrics_equal_scikit_learns() {
    let scores: Vec<f32> = steps().map(|k| k as f32 * 1.5).collect();
    let labels: Vec<f32> = (0..40).map(|i| (i * 13 % 17) as f32).collect();
    let metrics = evaluate_task(&REGRESSION, &scores, &labels).unwrap();
    for &(name, expected) in REGRESSION_EXPECTED {
        assert_close(&metrics, name, expected);
    }
    assert_eq!(metrics.iter().count(), REGRESSION_EXPECTED.len());
}

#[test]
fn weighted_metrics_equal_scikit_learns() {
    let weights: Vec<f32> = (0..40).map(|i| (i * 3 % 5) as f32 / 2.0).collect();
    let binary: (Vec<f32>, Vec<f32>) =
        (steps().map(|k| k as f32 / 11.0).collect(), (0..40).map(|i| f32::from(u8::from(i * 29 % 7 < 3))).collect());
    let regression: (Vec<f32>, Vec<f32>) =
        (steps().map(|k| k as f32 * 1.5).collect(), (0..40).map(|i| (i * 13 % 17) as f32).collect());
    for (kind, (scores, labels), plain, expected) in [
        (BINARY, &binary, BINARY_EXPECTED, WEIGHTED_EXPECTED),
        (REGRESSION, &regression, REGRESSION_EXPECTED, WEIGHTED_REGRESSION_EXPECTED),
    ] {
        let rows = TaskRows { weights: &weights, ..TaskRows::new(scores, labels) };
        let metrics = evaluate_rows(&kind, &rows).unwrap();
        for &(name, expected) in plain.iter().chain(expected) {
            assert_close(&metrics, name, expected);
        }
        assert_eq!(metrics.iter().count(), plain.len() + expected.len());
    }
}

#[test]
fn gauc_equals_averaging_scikit_learns_auc_over_groups() {
    let weights: Vec<f32> = (0..40).map(|i| (i * 3 % 5) as f32 / 2.0).collect();
    let groups: Vec<u32> = (0..40).map(|i| i * 11 % 6).collect();
    let scores: Vec<f32> = steps().map(|k| k as f32 / 11.0).collect();
    let labels: Vec<f32> = (0..40).map(|i| f32::from(u8::from(i * 29 % 7 < 3))).collect();
    for (group_weight, plain, weighted) in GAUC_EXPECTED {
        let rows = TaskRows { scores: &scores, labels: &labels, weights: &weights, groups: &groups, group_weight };
        let metrics = evaluate_rows(&BINARY, &rows).unwrap();
        assert_close(&metrics, "gauc", plain);
        assert_close(&metrics, "weighted_gauc", weighted);
    }
    let none = vec![TaskRows::NO_GROUP; 40];
    let rows = TaskRows { groups: &none, ..TaskRows::new(&scores, &labels) };
    assert_eq!(evaluate_rows(&BINARY, &rows).unwrap().get("gauc"), None);
    assert!(binary(&scores, &labels).iter().all(|(name, _)| name != "gauc"), "without groups there is no such figure");
}

#[test]
fn weights_and_groups_that_cannot_be_any() {
    let (scores, labels) = ([0.1, 0.9], [0.0, 1.0]);
    let error = |weights: &[f32], groups: &[u32]| {
        let rows = TaskRows { weights, groups, ..TaskRows::new(&scores, &labels) };
        evaluate_rows(&BINARY, &rows).unwrap_err().to_string()
    };
    assert!(error(&[1.0], &[]).contains("1 weights for 2 labels"));
    assert!(error(&[], &[1, 2, 3]).contains("3 groups for 2 labels"));
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        assert!(error(&[1.0, weight], &[]).contains("row 1: the weight is"));
    }
    let rows = TaskRows { weights: &[0.0, 0.0], ..TaskRows::new(&scores, &labels) };
    let metrics = evaluate_rows(&BINARY, &rows).unwrap();
    assert_eq!(
        (metrics.get("auc"), metrics.get("weighted_auc"), metrics.get("weighted_logloss")),
        (Some(1.0), None, None)
    );
}

#[test]
fn one_class_has_no_auc_and_no_normalised_entropy() {
    let metrics = binary(&[0.2, 0.9], &[1.0, 1.0]);
    assert_eq!(metrics.get("auc"), None);
    assert_eq!(metrics.get("normalised_entropy"), None);
    assert_eq!(metrics.get("accuracy"), Some(0.5));
    assert_eq!(serde_json::to_value(&metrics).unwrap()["auc"], serde_json::Value::Null);
}

#[test]
fn no_labelled_row_defines_nothing_but_their_number() {
    for kind in [BINARY, REGRESSION] {
        let metrics = evaluate_task(&kind, &[0.1, 0.2], &[f32::NAN, f32::NAN]).unwrap();
        for (name, value) in metrics.iter() {
            assert_eq!(value, (name == "rows").then_some(0.0), "{name}");
        }
    }
}

#[test]
fn certain_and_wrong_stays_finite() {
    let metrics = binary(&[0.0, 1.0], &[1.0, 0.0]);
    assert_close(&metrics, "logloss", -(1e-7_f64.ln()));
}

#[test]
fn equal_scores_are_one_tie_whatever_the_sign_of_zero() {
    let metrics = binary(&[0.0, -0.0, 0.0, -0.0], &[1.0, 1.0, 0.0, 0.0]);
    assert_eq!(metrics.get("auc"), Some(0.5));
}

#[test]
fn ece_of_a_constant_is_its_distance_from_the_base_rate() {
    let labels: Vec<f32> = (0..1000).map(|i| f32::from(u8::from(i % 4 == 0))).collect();
    assert_close(&binary(&[0.75; 1000], &labels), "ece", 0.5);
}

#[test]
fn what_cannot_be_evaluated_is_an_error_naming_the_row() {
    let error =
        |kind: &TaskKind, scores: &[f32], labels: &[f32]| evaluate_task(kind, scores, labels).unwrap_err().to_string();
    assert_eq!(error(&BINARY, &[0.1], &[]), "1 scores for 0 labels: give 1 for each label");
    assert_eq!(
        error(&BINARY, &[0.1, f32::NAN], &[0.0, 1.0]),
        "row 1: the score is NaN, not a probability from 0 to 1; the model's weights may have diverged"
    );
    assert_eq!(error(&BINARY, &[0.1, 0.2], &[0.0, 2.0]), "row 1: the label is 2, not 0 or 1");
    assert!(error(&BINARY, &[1.5], &[0.0]).contains("the score is 1.5"));
    assert!(error(&REGRESSION, &[f32::INFINITY], &[0.0]).contains("not a finite number"));
    assert!(error(&REGRESSION, &[0.0], &[f32::INFINITY]).contains("the label is inf"));
    assert!(evaluate_task(&BINARY, &[f32::NAN, 0.5], &[f32::NAN, 1.0]).is_ok(), "the row without a label is left out");
}

#[test]
fn names_are_unique_and_metrics_come_in_the_order_of_the_table() {
    for (at, metric) in METRICS.iter().enumerate() {
        assert_eq!(METRICS.iter().position(|other| other.name == metric.name), Some(at));
        assert!(find(metric.name).is_some());
    }
    let mut metrics = binary(&[0.5], &[1.0]);
    metrics.insert("loss", Some(1.0));
    let names: Vec<&str> = metrics.iter().map(|(name, _)| name).collect();
    let applies = |metric: &&Metric| metric.applies(&BINARY) && metric.applies_to != AppliesTo::GroupedBinary;
    let expected = METRICS.iter().filter(applies).map(|metric| metric.name).chain(["loss"]);
    assert_eq!(names, expected.collect::<Vec<_>>());
}

#[test]
fn improvement_knows_which_way_is_better() {
    assert!(find("auc").unwrap().improves(0.8, 0.7, 0.05));
    assert!(!find("auc").unwrap().improves(0.74, 0.7, 0.05));
    assert!(find("logloss").unwrap().improves(0.3, 0.4, 0.0));
    assert!(!find("rows").unwrap().improves(2.0, 1.0, 0.0));
    assert!(!find("auc").unwrap().improves(f64::NAN, 0.7, 0.0));
}

#[test]
fn the_mean_over_tasks_leaves_out_what_is_undefined() {
    let tasks = [binary(&[0.2, 0.9], &[0.0, 1.0]), binary(&[0.2], &[1.0]), binary(&[0.9, 0.2], &[0.0, 1.0])];
    assert_eq!(mean_over_tasks(&tasks, "auc"), Some(0.5));
    assert_eq!(mean_over_tasks(&tasks, "rmse"), None);
}

#[test]
fn metrics_survive_json() {
    let metrics = binary(&[0.25, 0.75, 0.5], &[0.0, 1.0, 1.0]);
    let text = serde_json::to_string(&metrics).unwrap();
    assert_eq!(serde_json::from_str::<TaskMetrics>(&text).unwrap(), metrics);
}

#[test]
fn the_roc_curve_is_thinned_and_keeps_its_area() {
    let scores: Vec<f32> =
        (0..50_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0).collect();
    let labels: Vec<f32> =
        scores.iter().enumerate().map(|(i, s)| f32::from(u8::from(*s * 7.0 > (i % 10) as f32))).collect();
    let points = Evaluation::new(&BINARY, &scores, &labels).unwrap().roc_points();
    assert!((150..=200).contains(&points.len()), "{} points", points.len());
    let area: f64 = points
        .windows(2)
        .map(|p| {
            (p[1].false_positive_rate - p[0].false_positive_rate) * (p[1].true_positive_rate + p[0].true_positive_rate)
                / 2.0
        })
        .sum();
    assert!((area - binary(&scores, &labels).get("auc").unwrap()).abs() < 1e-3);
    assert!(Evaluation::new(&BINARY, &[0.5], &[1.0]).unwrap().roc_points().is_empty());
}

#[test]
fn histograms_count_every_row_once() {
    let histogram =
        Evaluation::new(&BINARY, &[0.0, 0.1, 0.5, 1.0], &[0.0, 0.0, 1.0, 1.0]).unwrap().histogram(4).unwrap();
    assert_eq!((histogram.low, histogram.high), (0.0, 1.0));
    assert_eq!(histogram.series[0].counts, [2, 0, 0, 0]);
    assert_eq!(histogram.series[1].counts, [0, 0, 1, 1]);
    let flat = Evaluation::new(&REGRESSION, &[3.0, 3.0], &[3.0, 3.0]).unwrap().histogram(5).unwrap();
    assert!(flat.high > flat.low);
    assert_eq!(flat.series[0].counts.iter().sum::<u64>(), 2);
    assert_eq!(Evaluation::new(&BINARY, &[], &[]).unwrap().histogram(5), None);
}

/// A million rows are ranked in well under a second even in a test build.
#[test]
fn a_million_rows_are_evaluated_quickly() {
    let scores: Vec<f32> =
        (0..1_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0).collect();
    let labels: Vec<f32> = (0..1_000_000_u32).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
    let start = std::time::Instant::now();
    assert!(binary(&scores, &labels).get("auc").is_some());
    assert!(start.elapsed().as_secs_f64() < 3.0, "{:?}", start.elapsed());
}

fn naive_auc(scores: &[f32], labels: &[f32]) -> Option<f64> {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (positive, _) in scores.iter().zip(labels).filter(|row| *row.1 == 1.0) {
        for (negative, _) in scores.iter().zip(labels).filter(|row| *row.1 == 0.0) {
            pairs += 1.0;
            wins += if positive > negative { 1.0 } else { f64::from(u8::from(positive == negative)) / 2.0 };
        }
    }
    (pairs > 0.0).then(|| wins / pairs)
}

fn row() -> impl Strategy<Value = (f32, f32)> {
    let score = prop_oneof![0.0_f32..=1.0, (0_u8..5).prop_map(|k| f32::from(k) / 4.0)];
    (score, prop_oneof![Just(0.0), Just(1.0), Just(f32::NAN)])
}

// NumPy's and scikit-learn 1.9.1's:
//
//     import numpy as np
//     from sklearn.metrics import accuracy_score
//     i = np.arange(40)
//     raw = np.stack([i * 7 % 11 + 1, i * 5 % 13 + 1, i * 3 % 17 + 1], 1).astype(np.float32)
//     p = (raw / raw.sum(1, keepdims=True)).astype(float)
//     label = i * 29 % 3
//     print(-np.log(p[i, label]).mean(), accuracy_score(label, p.argmax(1)))
#[test]
fn metrics_of_several_classes_equal_scikit_learns() {
    let classes = TaskKind::MultiClass { classes: ["a", "b", "c"].map(str::to_owned).to_vec() };
    let mut scores = Vec::new();
    for i in 0..40 {
        let raw = [i * 7 % 11 + 1, i * 5 % 13 + 1, i * 3 % 17 + 1].map(|x| x as f32);
        scores.extend(raw.map(|x| x / raw.iter().sum::<f32>()));
    }
    let labels: Vec<f32> = (0..40).map(|i| (i * 29 % 3) as f32).collect();
    let metrics = evaluate_task(&classes, &scores, &labels).unwrap();
    assert_close(&metrics, "logloss", 1.2206074178103639);
    assert_close(&metrics, "accuracy", 0.375);
    let names: Vec<&str> = metrics.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["logloss", "accuracy", "rows"]);
    // A missing label is left out, and of equally likely classes the first counts.
    let metrics =
        evaluate_task(&classes, &[0.5, 0.5, 0.0, 0.5, 0.5, 0.0, 0.2, 0.3, 0.5], &[0.0, 1.0, f32::NAN]).unwrap();
    assert_eq!((metrics.get("accuracy"), metrics.get("rows")), (Some(0.5), Some(2.0)));
    assert_eq!(evaluate_task(&classes, &[], &[]).unwrap().get("accuracy"), None);
    let rows = Evaluation::new(&classes, &scores, &labels).unwrap();
    assert!(rows.histogram(5).is_none() && rows.roc_points().is_empty());
    let refused = |scores: &[f32], labels: &[f32]| evaluate_task(&classes, scores, labels).unwrap_err().to_string();
    assert!(refused(&[0.5; 4], &[0.0]).contains("give 3 for each label"));
    assert!(refused(&[0.5, f32::NAN, 0.5], &[0.0]).contains("the score is NaN"));
    for label in [3.0, -1.0, 0.5, f32::INFINITY] {
        assert!(refused(&[0.2, 0.3, 0.5], &[label]).contains("the index of a class"), "{label}");
    }
}

proptest! {
    #[test]
    fn a_weight_is_that_many_rows_and_order_changes_nothing(
        rows in prop::collection::vec((row(), 0_u32..4, 0_u32..3), 0..60)
    ) {
        let spread = |rows: &[((f32, f32), u32, u32)], weight: fn(u32) -> f32| {
            let scores: Vec<f32> = rows.iter().map(|row| row.0.0).collect();
            let labels: Vec<f32> = rows.iter().map(|row| row.0.1).collect();
            let weights: Vec<f32> = rows.iter().map(|row| weight(row.1)).collect();
            let groups: Vec<u32> = rows.iter().map(|row| row.2).collect();
            let group_weight = GroupWeight::Impressions;
            let rows = TaskRows { scores: &scores, labels: &labels, weights: &weights, groups: &groups, group_weight };
            evaluate_rows(&BINARY, &rows).unwrap()
        };
        let weighted = spread(&rows, |weight| weight as f32);
        let back: Vec<_> = rows.iter().rev().copied().collect();
        let repeated: Vec<_> = rows.iter().flat_map(|row| vec![*row; row.1 as usize]).collect();
        let (back, repeated) = (spread(&back, |weight| weight as f32), spread(&repeated, |_| 1.0));
        for name in ["auc", "gauc", "accuracy", "precision", "recall", "logloss"] {
            let of = |metrics: &TaskMetrics, prefix: &str| metrics.get(&format!("{prefix}{name}"));
            let (ours, theirs) = (of(&weighted, "weighted_"), of(&repeated, ""));
            prop_assert_eq!(ours.is_some(), theirs.is_some(), "{}", name);
            prop_assert!((ours.unwrap_or(0.0) - theirs.unwrap_or(0.0)).abs() < 1e-12, "{}", name);
            prop_assert!(name == "logloss" || ours == of(&back, "weighted_"), "{}", name);
        }
    }

    #[test]
    fn auc_equals_counting_all_pairs(rows in prop::collection::vec(row(), 0..200)) {
        let (scores, labels): (Vec<f32>, Vec<f32>) = rows.into_iter().unzip();
        prop_assert_eq!(binary(&scores, &labels).get("auc"), naive_auc(&scores, &labels));
    }

    #[test]
    fn order_and_missing_rows_change_nothing_that_is_ranked(rows in prop::collection::vec(row(), 0..100)) {
        let (scores, labels): (Vec<f32>, Vec<f32>) = rows.iter().copied().unzip();
        let (back_scores, back_labels): (Vec<f32>, Vec<f32>) =
            rows.iter().rev().copied().filter(|row| !row.1.is_nan()).unzip();
        let (one, other) = (binary(&scores, &labels), binary(&back_scores, &back_labels));
        for name in ["auc", "ece", "accuracy", "rows"] {
            prop_assert_eq!(one.get(name), other.get(name));
        }
    }

    #[test]
    fn any_floats_give_metrics_or_an_error(rows in prop::collection::vec((any::<f32>(), any::<f32>()), 0..20)) {
        let (scores, labels): (Vec<f32>, Vec<f32>) = rows.into_iter().unzip();
        for kind in [BINARY, REGRESSION] {
            if let Ok(evaluation) = Evaluation::new(&kind, &scores, &labels) {
                prop_assert!(evaluation.metrics().iter().all(|(_, value)| value.is_none_or(f64::is_finite)));
                if let Some(histogram) = evaluation.histogram(7) {
                    let counted: u64 = histogram.series[0].counts.iter().sum();
                    prop_assert!(counted <= evaluation.rows() as u64);
                }
            }
        }
    }
}
