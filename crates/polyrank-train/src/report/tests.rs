#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_schema::config::TaskKind;
use proptest::prelude::*;

use super::chart::{Line, lines};
use super::*;
use crate::metrics::{Better, Evaluation, Histogram, HistogramSeries, RocPoint, TaskMetrics};

const HOSTILE: &str = "<script>alert('1')</script>\"&\u{0}";

fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.into(), value: value.into() }
}

/// Two tasks and a regression over five epochs, with every part of a report.
fn sample() -> RunReport {
    let uniform = |i: u32, salt: u32| f64::from((i ^ salt).wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0;
    let task = |name: &str, rate: f64, sharpness: f64, salt: u32| {
        let labels: Vec<f32> = (0..20_000).map(|i| f32::from(u8::from(uniform(i, salt) < rate))).collect();
        let scores: Vec<f32> = (0..20_000)
            .zip(&labels)
            .map(|(i, label)| {
                let noise = uniform(i, salt + 77) + uniform(i, salt + 991) + uniform(i, salt + 5003) - 1.5;
                let logit = (rate / (1.0 - rate)).ln() + sharpness * (f64::from(*label) - rate) + 2.0 * noise;
                (1.0 / (1.0 + (-logit).exp())) as f32
            })
            .collect();
        let rows = Evaluation::new(&TaskKind::Binary { positive: None }, &scores, &labels).unwrap();
        TaskReport {
            name: name.into(),
            kind: "binary".into(),
            metrics: rows.metrics(),
            roc: rows.roc_points(),
            histogram: rows.histogram(40),
        }
    };
    let tasks = vec![task("click", 0.35, 1.4, 1), task("finish", 0.5, 0.9, 2), task("like", 0.03, 2.2, 3)];
    let epochs = (1..=6_u32).map(|epoch| {
        let fit = 1.0 - (-0.6 * f64::from(epoch)).exp();
        let over = 0.0015 * f64::from(epoch).powi(2);
        let of_task = |task: &TaskReport| {
            let worse = 1.3 - 0.3 * fit + over;
            let metrics = task.metrics.iter().map(|(name, value)| {
                let better = crate::metrics::find(name).unwrap().better;
                let early = |v: f64| if better == Better::Higher { 0.5 + (v - 0.5) * (fit - over) } else { v * worse };
                (name.to_string(), value.map(early))
            });
            let loss = task.metrics.get("logloss");
            EpochTask {
                train_loss: loss.map(|v| v * (worse - 1.5 * over)),
                valid_loss: loss.map(|v| v * worse),
                metrics: metrics.collect(),
            }
        };
        EpochReport { train_loss: Some(2.1 - 0.5 * fit - over), tasks: tasks.iter().map(of_task).collect() }
    });
    let feature = |name: &str, kind: &str, encoder: &str, rows, width| FeatureReport {
        name: name.into(),
        kind: kind.into(),
        encoder: encoder.into(),
        rows,
        width: Some(width),
    };
    RunReport {
        title: "MMoE on three objectives".into(),
        dataset: vec![
            entry("training rows", "1,436,609 in 4 files"),
            entry("validation rows", "20,000"),
            entry("skipped rows", "0"),
        ],
        trained: vec![
            entry("architecture", "mmoe, 4 experts [256, 128], gates [64], towers [64]"),
            entry("parameters", "412,803 in layers, 5,224,816 in embedding tables"),
            entry("optimizer", "adagrad, learning rate 0.01"),
            entry("time", "41.2 s, 209,218 rows/s"),
        ],
        best_epoch: Some(4),
        epochs: epochs.collect(),
        gates: vec![GateReport {
            name: "mmoe".into(),
            gates: tasks.iter().map(|task| task.name.clone()).collect(),
            experts: (0..4).map(|e| format!("expert {e}")).collect(),
            weights: vec![vec![0.61, 0.22, 0.05, 0.12], vec![0.14, 0.31, 0.46, 0.09], vec![0.08, 0.11, 0.13, 0.68]],
        }],
        tasks,
        features: vec![
            feature("user_id", "categorical", "vocabulary, min_count 10", Some(27_286), 16),
            feature("recent_items", "categorical", "list (mean), table of item_id", Some(7_552), 16),
            feature("duration", "dense", "min_max", None, 1),
        ],
    }
}

/// Every tag that opens is closed by its own name, in order.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let style = page.find("<style>").unwrap()..page.find("</style>").unwrap();
    for (at, _) in page.match_indices('<').filter(|(at, _)| *at <= style.start || *at >= style.end) {
        let tag = &page[at + 1..at + page[at..].find('>').expect("a tag ends")];
        let name = tag.split([' ', '/']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "at {at}");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_has_every_part_and_loads_nothing() {
    let report = sample();
    let page = html(&report);
    assert_well_formed(&page);
    for part in ["Results", "Learning curves", "Scores", "Gates", "What was trained", "Data", "Features"] {
        assert!(page.contains(&format!("<h2>{part}</h2>")), "{part}");
    }
    for task in &report.tasks {
        let auc = format!("{:.4}", task.metrics.get("auc").unwrap());
        assert!(page.contains(&format!("<td>{auc}</td>")), "{}", task.name);
    }
    for outside in ["http:", "https:", "url(", "@import", "<script", "<link", "<img", " src=", " href="] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    // For looking at it.
    if let Some(path) = std::env::var_os("POLYRANK_SAMPLE_REPORT") {
        std::fs::write(path, page).unwrap();
    }
}

#[test]
fn the_page_depends_on_the_report_alone() {
    let report = sample();
    let copy: RunReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(html(&report), html(&copy));
}

#[test]
fn parts_without_content_are_left_out() {
    let page = html(&RunReport { title: "empty".into(), ..RunReport::default() });
    assert_well_formed(&page);
    assert!(!page.contains("<h2>") && !page.contains("<svg"));
}

#[test]
fn hostile_names_stay_text_wherever_they_appear() {
    let mut report = sample();
    report.title = HOSTILE.into();
    for list in [&mut report.dataset, &mut report.trained] {
        list[0] = entry(HOSTILE, HOSTILE);
    }
    for task in &mut report.tasks {
        (task.name, task.kind) = (HOSTILE.into(), HOSTILE.into());
        task.metrics.insert(HOSTILE, Some(1.0));
        task.histogram.as_mut().unwrap().series[0].name = HOSTILE.into();
    }
    let gate = &mut report.gates[0];
    gate.name = HOSTILE.into();
    gate.gates.fill(HOSTILE.into());
    gate.experts.fill(HOSTILE.into());
    let feature = &mut report.features[0];
    (feature.name, feature.kind, feature.encoder) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    let page = html(&report);
    assert_well_formed(&page);
    assert!(!page.contains("<script") && !page.contains('\0'));
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;\u{fffd}"));
}

#[test]
fn undefined_values_are_dashes_and_diverged_ones_are_not_drawn() {
    let mut report = sample();
    report.tasks[0].metrics.insert("auc", None);
    assert!(html(&report).contains("<strong>–</strong>"));
    let diverged = vec![Some(0.5), Some(f64::NAN), Some(f64::INFINITY), Some(0.4)];
    let chart = lines("loss", "epoch", &[Line { name: "click".into(), values: diverged }], Some(1));
    assert_eq!(chart.matches("<circle").count(), 2);
    assert!(!chart.contains("NaN") && !chart.contains("inf"));
}

#[test]
fn a_gap_in_a_line_is_not_bridged() {
    let values = vec![Some(1.0), None, Some(2.0), Some(3.0)];
    let chart = lines("loss", "epoch", &[Line { name: "click".into(), values }], None);
    let path = chart.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1));
}

#[test]
fn numbers_read_well() {
    assert_eq!(super::number::count(0), "0");
    assert_eq!(super::number::count(1_234_567), "1,234,567");
    assert_eq!(super::number::value(0.712_345), "0.7123");
    assert_eq!(super::number::value(0.000_012_3), "1.230e-5");
    assert_eq!(super::number::value(12_345.67), "12345.7");
    assert_eq!(super::number::value(f64::NAN), "not finite");
    assert_eq!(super::number::metric("rows", Some(20_000.0)), "20,000");
    assert_eq!(super::text::shorten("übermäßig", 5), "über…");
    assert_eq!(super::text::shorten("kurz", 5), "kurz");
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), -1.0..2.0]
}

proptest! {
    #[test]
    fn any_report_makes_a_well_formed_page(
        texts in prop::collection::vec(any::<String>(), 3),
        numbers in prop::collection::vec(number(), 12),
        counts in prop::collection::vec(any::<u64>(), 0..5),
        best_epoch in any::<usize>(),
    ) {
        let metrics: TaskMetrics =
            ["auc", "rows", &texts[0]].iter().zip(&numbers).map(|(name, n)| (name.to_string(), Some(*n))).collect();
        let series = |at: usize| {
            HistogramSeries { name: texts[at].clone(), counts: counts[..counts.len() / (at + 1)].to_vec() }
        };
        let (train_loss, valid_loss) = (Some(numbers[3]), Some(numbers[4]));
        let of_task = EpochTask { train_loss, valid_loss, metrics: metrics.clone() };
        let weights = vec![numbers.clone(), vec![]];
        let report = RunReport {
            title: texts[0].clone(),
            epochs: vec![EpochReport { train_loss: Some(numbers[5]), tasks: vec![of_task] }; 3],
            best_epoch: Some(best_epoch),
            tasks: vec![TaskReport {
                name: texts[1].clone(),
                kind: texts[2].clone(),
                metrics,
                roc: vec![RocPoint { false_positive_rate: numbers[6], true_positive_rate: numbers[7] }; 2],
                histogram: Some(Histogram { low: numbers[8], high: numbers[9], series: vec![series(0), series(1)] }),
            }],
            gates: vec![GateReport { name: texts[2].clone(), weights, ..GateReport::default() }],
            ..RunReport::default()
        };
        let page = html(&report);
        assert_well_formed(&page);
        // A quote in a text is escaped, so these are attributes and nothing else.
        for attribute in ["d", "x", "y", "x1", "y1", "cx", "cy", "width", "height"].map(|name| format!(" {name}=\"")) {
            for value in page.split(&attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                prop_assert!(!value.contains("NaN") && !value.contains("inf"), "{attribute}{value}");
            }
        }
    }
}
