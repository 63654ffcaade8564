use polyrank_schema::config::TaskKind;
use proptest::prelude::*;

use super::*;

fn trial(prior: &str, smoothing: f64) -> Trial {
    let options = [
        ("columns", names(&["item"])),
        ("target", names(&["click"])),
        ("prior", text(prior)),
        ("smoothing", OptionValue::Float(smoothing)),
    ];
    Trial::new("target_encoding", &options).unwrap()
}

const MADE: &str = "te_item_click";

/// (item, click), either of which may be missing.
type Row = (Option<i64>, Option<f64>);

fn batch(of: &[Row]) -> RecordBatch {
    rows(vec![("item", ints(of.iter().map(|(item, _)| *item))), ("click", floats(of.iter().map(|(_, click)| *click)))])
}

fn some_rows() -> impl Strategy<Value = Vec<Row>> {
    let label = prop::option::weighted(0.8, prop_oneof![Just(0.0), Just(1.0), -5.0..5.0f64]);
    prop::collection::vec((prop::option::weighted(0.9, 0i64..4), label), 1..60)
}

/// The fold of each row, found out by which labels a row's encoding depends on.
fn folds(n: usize) -> Vec<usize> {
    let trial = trial("fold", 0.0);
    // Row i has the label 2^i: the average of the other folds says which rows are in it.
    let of: Vec<Row> = (0..n).map(|i| (Some(0), Some(2f64.powi(i as i32)))).collect();
    let made = numbers(&trial.fit(&[batch(&of)]).unwrap().train(&batch(&of)), MADE);
    let mut seen: Vec<u64> = Vec::new();
    let fold = |encoding: &Option<f64>| {
        // Sums of different sets of labels differ, whatever their number is divided by.
        let outside = (1..=n)
            .map(|count| (encoding.unwrap() * count as f64, count))
            .find(|(sum, count)| sum.fract() == 0.0 && (*sum as u64).count_ones() as usize == *count);
        let outside = outside.unwrap().0 as u64;
        seen.iter().position(|other| *other == outside).unwrap_or_else(|| {
            seen.push(outside);
            seen.len() - 1
        })
    };
    made.iter().map(fold).collect()
}

/// NVTabular's formula, over the rows that `sees` and `in_prior` let in.
fn formula(
    of: &[Row],
    item: Option<i64>,
    p: f64,
    sees: impl Fn(usize) -> bool,
    in_prior: impl Fn(usize) -> bool,
) -> Option<f64> {
    let labels = |keep: &dyn Fn(usize) -> bool| -> (f64, f64) {
        let kept = of.iter().enumerate().filter(|(i, _)| keep(*i)).filter_map(|(_, (_, label))| *label);
        kept.fold((0.0, 0.0), |(n, sum), label| (n + 1.0, sum + label))
    };
    let (n, sum) = labels(&|i| in_prior(i));
    let prior = (n > 0.0).then(|| sum / n)?;
    let (n, sum) = labels(&|i| sees(i) && of[i].0 == item);
    Some(if n == 0.0 { prior } else { (sum / n * n + prior * p) / (n + p) })
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * (1.0 + b.abs()),
        (a, b) => a == b,
    }
}

#[test]
fn folds_are_about_equal_and_all_used() {
    let folds = folds(40);
    let sizes: Vec<usize> = (0..5).map(|fold| folds.iter().filter(|f| **f == fold).count()).collect();
    assert!(sizes.iter().all(|size| (2..=16).contains(size)), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 40);
}

#[test]
fn labels_are_read_as_their_task_reads_them() {
    let mut trial =
        Trial::new("target_encoding", &[("columns", names(&["item"])), ("target", names(&["got"]))]).unwrap();
    let task = |name: &str, positive: &str| Task {
        name: name.to_owned(),
        column: "got".to_owned(),
        kind: TaskKind::Binary { positive: Some(vec![positive.to_owned()]) },
        transform: Default::default(),
        weight: 1.0,
        weight_schedule: Default::default(),
        weight_columns: Vec::new(),
        class_weights: None,
        when: None,
    };
    trial.tasks = vec![task("buy", "bought")];
    let batch = rows(vec![("item", ints([Some(1); 4])), ("got", texts(&["bought", "seen", "", "bought"]))]);
    let made = numbers(&trial.fit(std::slice::from_ref(&batch)).unwrap().score(&batch), "te_item_got");
    assert!(made.iter().all(|x| close(*x, Some(2.0 / 3.0))), "{made:?}");
    trial.tasks.push(task("see", "seen"));
    let error = trial.fit(std::slice::from_ref(&batch)).err().unwrap().to_string();
    assert!(error.contains("`buy` and `see`"), "{error}");
    trial.tasks.clear();
    assert!(trial.fit(&[batch]).err().unwrap().to_string().contains("not a number"));
}

/// Rows for which the condition does not hold, or is unknown, are as if they had no label.
#[test]
fn only_rows_that_a_condition_holds_for_count() {
    let options = [
        ("columns", names(&["item"])),
        ("target", names(&["like"])),
        ("where", text("click = 1")),
        ("smoothing", OptionValue::Float(1.0)),
    ];
    let items = || ints([1, 1, 1, 2, 2, 1].map(Some));
    let clicks = ints([Some(1), Some(0), Some(1), Some(1), None, Some(0)]);
    let batch = rows(vec![("item", items()), ("click", clicks), ("like", ints([1, 0, 0, 1, 0, 0].map(Some)))]);
    let trial = Trial::new("target_encoding", &options).unwrap();
    let fitted = trial.fit(std::slice::from_ref(&batch)).unwrap();
    let blank = rows(vec![("item", items()), ("like", floats([Some(1.0), None, Some(0.0), Some(1.0), None, None]))]);
    let plain = [&options[..2], &options[3..]].concat();
    let plain = Trial::new("target_encoding", &plain).unwrap();
    let alike = plain.fit(std::slice::from_ref(&blank)).unwrap();
    let (mean, made) = (2.0 / 3.0, numbers(&fitted.score(&batch), "te_item_like"));
    let expected = [(1.0 + mean) / 3.0, (1.0 + mean) / 2.0].map(Some);
    assert!(close(made[0], expected[0]) && close(made[3], expected[1]), "{made:?}");
    assert_eq!(numbers(&fitted.train(&batch), "te_item_like"), numbers(&alike.train(&blank), "te_item_like"));
    assert_eq!(numbers(&fitted.reloaded().score(&batch), "te_item_like"), made);
    let broken = [&options[..2], &[("where", text("click ="))]].concat();
    assert!(Trial::new("target_encoding", &broken).err().unwrap().contains("`where`"));
}

#[test]
fn several_columns_are_one_key_and_several_targets_are_encoded() {
    let options =
        [("columns", names(&["a", "b"])), ("target", names(&["x", "y"])), ("smoothing", OptionValue::Float(0.0))];
    let trial = Trial::new("target_encoding", &options).unwrap();
    let batch = rows(vec![
        ("a", ints([Some(1), Some(1), Some(2), Some(2)])),
        ("b", texts(&["u", "v", "u", "u"])),
        ("x", floats([1.0, 2.0, 3.0, 5.0].map(Some))),
        ("y", ints([1, 0, 1, 0].map(Some))),
    ]);
    let made = trial.fit(std::slice::from_ref(&batch)).unwrap().score(&batch);
    assert_eq!(numbers(&made, "te_a_b_x"), [1.0, 2.0, 4.0, 4.0].map(Some));
    assert_eq!(numbers(&made, "te_a_b_y"), [1.0, 0.0, 0.5, 0.5].map(Some));
}

#[test]
fn without_labels_there_is_nothing_to_say() {
    let of: Vec<Row> = vec![(Some(1), None), (None, None)];
    let trial = trial("fold", 20.0);
    assert_eq!(numbers(&trial.fit(&[batch(&of)]).unwrap().train(&batch(&of)), MADE), [None, None]);
    let nothing = trial.fit(&[]).unwrap();
    for fitted in [nothing.reloaded(), nothing] {
        assert_eq!(numbers(&fitted.score(&batch(&of)), MADE), [None, None]);
    }
}

#[test]
fn saved_sums_that_were_tampered_with_are_refused() {
    let trial = trial("fold", 20.0);
    let of: Vec<Row> = (0..9).map(|i| (Some(i % 3), Some(1.0))).collect();
    let dir = tempfile::tempdir().unwrap();
    trial.fit(&[batch(&of)]).unwrap().save(dir.path());
    assert!(trial.load(dir.path()).is_ok());
    let table = dir.path().join("0000-target_encoding-table.arrow");
    let honest = std::fs::read(&table).unwrap();
    let file = std::fs::File::open(&table).unwrap();
    let saved = arrow_ipc::reader::FileReader::try_new(file, None).unwrap().next().unwrap().unwrap();
    let changed = |column: usize, array: ArrayRef| {
        let mut columns = saved.columns().to_vec();
        columns[column] = array;
        let batch = RecordBatch::try_new(saved.schema(), columns).unwrap();
        let mut writer =
            arrow_ipc::writer::FileWriter::try_new(std::fs::File::create(&table).unwrap(), &saved.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        trial.load(dir.path()).err().map_or_else(|| panic!("was not refused"), |e| e.to_string())
    };
    let negative = changed(1, ints([Some(-1), Some(1), Some(1)]));
    assert!(negative.contains("below 0") && negative.contains("0000-target_encoding.json"), "{negative}");
    assert!(changed(1, ints([None, Some(1), Some(1)])).contains("numbers and sums"));
    assert!(changed(6, floats([Some(f64::NAN), None, None])).contains("numbers and sums"));
    std::fs::write(&table, &honest[..honest.len() / 2]).unwrap();
    assert!(trial.load(dir.path()).is_err());
}

proptest! {
    /// The promise: whatever a row's own label is, its encoding is the same.
    #[test]
    fn a_row_never_sees_its_own_label(of in some_rows(), at in 0.0..1.0f64, other in prop::option::of(-100.0..100.0f64)) {
        let row = (at * of.len() as f64) as usize;
        let mut changed = of.clone();
        changed[row].1 = other;
        let trial = trial("fold", 3.0);
        let made = |of: &[Row]| numbers(&trial.fit(&[batch(of)]).unwrap().train(&batch(of)), MADE)[row];
        prop_assert_eq!(made(&of), made(&changed));
    }

    #[test]
    fn training_rows_are_encoded_by_the_formula(of in some_rows(), p in prop_oneof![Just(0.0), 0.0..50.0f64]) {
        let folds = folds(40);
        let of = &of[..of.len().min(40)];
        for prior in ["fold", "global"] {
            let trial = trial(prior, p);
            let made = numbers(&trial.fit(&[batch(of)]).unwrap().train(&batch(of)), MADE);
            for (row, made) in made.into_iter().enumerate() {
                let outside = |i: usize| folds[i] != folds[row];
                let want = formula(of, of[row].0, p, outside, |i| prior == "global" || outside(i));
                prop_assert!(close(made, want), "row {}: {:?}, not {:?}", row, made, want);
            }
        }
    }

    #[test]
    fn other_rows_are_encoded_by_all_training_rows(of in some_rows(), p in 0.0..50.0f64) {
        let trial = trial("fold", p);
        let new: Vec<Row> = [Some(0), Some(1), Some(9), None].map(|item| (item, None)).to_vec();
        let made = numbers(&trial.fit(&[batch(&of)]).unwrap().score(&batch(&new)), MADE);
        for ((item, _), made) in new.into_iter().zip(made) {
            prop_assert!(close(made, formula(&of, item, p, |_| true, |_| true)));
        }
    }

    #[test]
    fn parts_merge_and_states_come_back(of in some_rows(), at in 0.0..1.0f64) {
        let trial = trial("fold", 20.0);
        let batch = batch(&of);
        let whole = trial.fit(std::slice::from_ref(&batch)).unwrap();
        let (train, score) = (whole.train(&batch), whole.score(&batch));
        for other in [trial.fit(&halves(&batch, at)).unwrap(), trial.fit_apart(&halves(&batch, at)).unwrap(), whole.reloaded()] {
            prop_assert_eq!(&other.train(&batch), &train);
            prop_assert_eq!(&other.score(&batch), &score);
        }
        assert_rows_are_alone(&whole, &batch, |first_row| Phase::Training { first_row });
        assert_rows_are_alone(&whole, &batch, |_| Phase::Scoring);
    }
}
