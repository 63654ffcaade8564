use proptest::prelude::*;

use super::*;

/// (user, time, item, like).
type Row = (Option<i64>, Option<i64>, i64, i64);

fn batch(of: &[Row]) -> RecordBatch {
    rows(vec![
        ("user", ints(of.iter().map(|(user, ..)| *user))),
        ("at", ints(of.iter().map(|(_, at, ..)| *at))),
        ("item", ints(of.iter().map(|(.., item, _)| Some(*item)))),
        ("like", ints(of.iter().map(|(.., like)| Some(*like)))),
    ])
}

fn trial(max_length: i64) -> Trial {
    let options = [
        ("key", names(&["user"])),
        ("time", text("at")),
        ("collect", names(&["item", "like"])),
        ("max_length", OptionValue::Int(max_length)),
    ];
    Trial::new("history", &options).unwrap()
}

#[test]
fn a_row_sees_its_users_events_before_it() {
    let of = [(1, 10, 100, 1), (2, 11, 200, 0), (1, 12, 101, 0), (1, 12, 102, 1), (1, 15, 103, 0)];
    let of = of.map(|(user, at, item, like)| (Some(user), Some(at), item, like));
    let trial = trial(2);
    let fitted = trial.fit(&[batch(&of)]).unwrap();
    let asked = [
        (Some(1), Some(10), 0, 0),
        (Some(1), Some(12), 0, 0),
        (Some(1), Some(99), 0, 0),
        (Some(3), Some(99), 0, 0),
        (None, Some(99), 0, 0),
        (Some(1), None, 0, 0),
    ];
    for fitted in [fitted.reloaded(), fitted] {
        let made = fitted.score(&batch(&asked));
        let list = |items: &[i64]| items.iter().copied().map(Some).collect::<Vec<_>>();
        let want = [list(&[]), list(&[100]), list(&[102, 103]), list(&[]), list(&[]), list(&[])];
        assert_eq!(lists(&made, "item_history"), want);
        assert_eq!(lists(&made, "like_history")[2], list(&[1, 0]));
        // Rows of the same time do not see each other.
        assert_eq!(lists(&fitted.train(&batch(&of)), "item_history")[2..4], [list(&[100]), list(&[100])]);
    }
}

/// Times as text: the same lists as of numbers that rise alike.
#[test]
fn dates_order_events_as_numbers_do() {
    let of = [(1, 10, 100, 1), (2, 11, 200, 0), (1, 12, 101, 0), (1, 12, 102, 1), (1, 15, 103, 0)];
    let of = of.map(|(user, at, item, like)| (Some(user), Some(at), item, like));
    let dated = |of: &[Row]| {
        let moments: Vec<String> = of.iter().map(|row| format!("2024-03-{:02}T08:00:00Z", row.1.unwrap())).collect();
        let at = texts(&moments.iter().map(String::as_str).collect::<Vec<_>>());
        let (schema, mut columns) = (batch(of).schema(), batch(of).columns().to_vec());
        columns[schema.index_of("at").unwrap()] = at.clone();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        rows(names.zip(columns).collect())
    };
    let trial = trial(2);
    let (numbers, moments) = (trial.fit(&[batch(&of)]).unwrap(), trial.fit(&[dated(&of)]).unwrap());
    let expected = lists(&numbers.train(&batch(&of)), "item_history");
    assert_eq!(lists(&moments.train(&dated(&of)), "item_history"), expected);
    assert_eq!(lists(&moments.reloaded().score(&dated(&of)), "item_history"), expected);
}

#[test]
fn files_that_all_precede_the_rows_need_no_times() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("one.csv"), "who,pos,item,like\n1,2,12,0\n1,0,10,1\n2,0,20,0\n1,1,11,1\n,5,9,9\n")
        .unwrap();
    let lists_a_user = "{\"who\": 1, \"pos\": [0, 1, 2], \"item\": [10, 11, 12], \"like\": [1, 1, 0]}\n{\"who\": 2, \"pos\": [0], \"item\": [20], \"like\": [0]}\n{\"who\": 3, \"pos\": [], \"item\": [], \"like\": []}\n";
    std::fs::write(dir.path().join("many.jsonl"), lists_a_user).unwrap();
    for file in ["one.csv", "many.jsonl"] {
        let options = [
            ("key", names(&["user"])),
            ("events", names(&[file])),
            ("event_key", names(&["who"])),
            ("event_time", text("pos")),
            ("collect", names(&["item", "like"])),
            ("max_length", OptionValue::Int(2)),
            ("into", names(&["items", "likes"])),
        ];
        let trial = Trial::new("history", &options).unwrap();
        let fitted = trial.ready(dir.path()).unwrap();
        for fitted in [fitted.reloaded(), fitted] {
            let made = fitted.score(&rows(vec![("user", texts(&["1", "2", "3", ""]))]));
            let of = |name: &str| -> Vec<Vec<String>> {
                let array = made.column_by_name(name).unwrap().as_list::<i32>();
                let array = array.iter().map(|items| arrow_cast::cast(&items.unwrap(), &DataType::Utf8).unwrap());
                array.map(|items| items.as_string::<i32>().iter().map(|t| t.unwrap().to_owned()).collect()).collect()
            };
            assert_eq!(of("items"), [vec!["11", "12"], vec!["20"], vec![], vec![]], "{file}");
            assert_eq!(of("likes"), [vec!["1", "0"], vec!["0"], vec![], vec![]], "{file}");
        }
    }
}

#[test]
fn only_events_that_a_condition_holds_for_count() {
    let of = [(10, 100, 1), (11, 101, 0), (12, 102, 1)].map(|(at, item, like)| (Some(1), Some(at), item, like));
    let options = [
        ("key", names(&["user"])),
        ("time", text("at")),
        ("collect", names(&["item"])),
        ("where", text("like = 1 AND at > 10")),
    ];
    let trial = Trial::new("history", &options).unwrap();
    assert_eq!(trial.steps[0].fits_on, ["item", "like"]);
    let made = trial.fit(&[batch(&of)]).unwrap().score(&batch(&[(Some(1), Some(99), 0, 0)]));
    assert_eq!(lists(&made, "item_history"), [[Some(102)]]);

    let dir = tempfile::tempdir().unwrap();
    let lists_a_user = "{\"user\": 1, \"item\": [10, 11, 12], \"like\": [1, 0, 1]}\n{\"user\": 2, \"item\": [20], \"like\": [\"x\"]}\n";
    std::fs::write(dir.path().join("many.jsonl"), lists_a_user).unwrap();
    let with = |condition| {
        let options = [
            ("key", names(&["user"])),
            ("events", names(&["many.jsonl"])),
            ("collect", names(&["item"])),
            ("where", text(condition)),
        ];
        Trial::new("history", &options)
    };
    let trial = with("like = '1'").unwrap();
    let made = trial.ready(dir.path()).unwrap().score(&rows(vec![("user", ints([Some(1)]))]));
    let items = made.column_by_name("item_history").unwrap().as_list::<i32>().value(0);
    assert_eq!(items.len(), 2);
    let error = with("like + 1 > 0").unwrap().ready(dir.path()).err().unwrap().to_string();
    assert!(error.contains("many.jsonl:2"), "{error}");
    assert!(with("like = ").err().unwrap().contains("`where`"));
}

#[test]
fn files_with_times_are_seen_up_to_the_row() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("log.csv"), "user,at,item\n1,5,a\n1,3,b\n1,,c\n1,5.5,d\n").unwrap();
    let options = [
        ("key", names(&["user"])),
        ("time", text("at")),
        ("events", names(&["log.csv"])),
        ("collect", names(&["item"])),
    ];
    let trial = Trial::new("history", &options).unwrap();
    let fitted = trial.ready(dir.path()).unwrap();
    let asked = rows(vec![("user", ints([Some(1); 4])), ("at", floats([Some(3.0), Some(5.0), Some(5.25), Some(6.0)]))]);
    for fitted in [fitted.reloaded(), fitted] {
        let made = fitted.score(&asked);
        let items = made.column_by_name("item_history").unwrap().as_list::<i32>();
        let of =
            |row: usize| items.value(row).as_string::<i32>().iter().map(|t| t.unwrap().to_owned()).collect::<String>();
        assert_eq!([of(0), of(1), of(2), of(3)], ["", "b", "ba", "bad"]);
    }
}

#[test]
fn what_would_leak_or_does_not_fit_is_refused() {
    let with = |more: &[(&str, OptionValue)]| {
        let options = [&[("key", names(&["user"])), ("collect", names(&["item"]))], more].concat();
        Trial::new("history", &options).err().unwrap()
    };
    assert!(with(&[]).contains("own history"));
    assert!(with(&[("time", text("at")), ("event_time", text("t"))]).contains("not given"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("bad.jsonl"),
        "{\"user\": 1, \"a\": [1], \"b\": [2]}\n{\"user\": 1, \"a\": [1, 2], \"b\": [3]}\n",
    )
    .unwrap();
    let options = [("key", names(&["user"])), ("events", names(&["bad.jsonl"])), ("collect", names(&["a", "b"]))];
    let error = Trial::new("history", &options).unwrap().ready(dir.path()).err().unwrap().to_string();
    assert!(error.contains("bad.jsonl:2") && error.contains("`b`"), "{error}");
}

fn some_rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::option::weighted(0.9, 0i64..3), prop::option::weighted(0.9, 0i64..8), 0i64..1000, 0i64..2);
    prop::collection::vec(row, 1..40)
}

proptest! {
    /// The promise: what a row is made of does not change with its own label, nor with anything at its time or after.
    #[test]
    fn nothing_at_a_rows_time_or_later_is_seen(of in some_rows(), at in 0.0..1.0f64, other in any::<i64>()) {
        let row = (at * of.len() as f64) as usize;
        let now = of[row].1;
        let mut changed = of.clone();
        for (i, (_, time, item, like)) in changed.iter_mut().enumerate() {
            if i == row || time.is_none() || now.is_none() || *time >= now {
                (*item, *like) = (other, other);
            }
        }
        let trial = trial(5);
        let made = |of: &[Row]| {
            let made = trial.fit(&[batch(of)]).unwrap().train(&batch(of));
            (lists(&made, "item_history")[row].clone(), lists(&made, "like_history")[row].clone())
        };
        prop_assert_eq!(made(&of), made(&changed));
    }

    #[test]
    fn lists_are_the_last_events_before_a_row(of in some_rows(), max in 1i64..6) {
        let trial = trial(max);
        let made = lists(&trial.fit(&[batch(&of)]).unwrap().train(&batch(&of)), "item_history");
        for ((user, now, ..), made) in of.iter().zip(made) {
            let sees = |(other, time, ..): &&Row| user.is_some() && other == user && now.is_some() && time.is_some() && time < now;
            let mut want: Vec<_> = of.iter().filter(sees).collect();
            want.sort_by_key(|(_, time, ..)| *time);
            let want: Vec<_> = want.iter().map(|(.., item, _)| Some(*item)).collect();
            prop_assert_eq!(&made[..], &want[want.len().saturating_sub(max as usize)..]);
        }
    }

    #[test]
    fn parts_merge_and_states_come_back(of in some_rows(), at in 0.0..1.0f64) {
        let (trial, batch) = (trial(5), batch(&of));
        let whole = trial.fit(std::slice::from_ref(&batch)).unwrap();
        let want = whole.score(&batch);
        for other in [trial.fit_apart(&halves(&batch, at)).unwrap(), whole.reloaded()] {
            for name in ["item_history", "like_history"] {
                prop_assert_eq!(lists(&other.score(&batch), name), lists(&want, name));
            }
        }
        prop_assert_eq!(&whole.train(&batch), &want);
        assert_rows_are_alone(&whole, &batch, |_| Phase::Scoring);
    }
}
