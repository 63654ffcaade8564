use proptest::prelude::*;

use super::*;

type Row = (Option<i64>, Option<i64>, Option<f64>);

fn batch(of: &[Row]) -> RecordBatch {
    rows(vec![
        ("user", ints(of.iter().map(|(user, ..)| *user))),
        ("at", ints(of.iter().map(|(_, at, _)| *at))),
        ("x", floats(of.iter().map(|(.., x)| *x))),
    ])
}

fn trial(shift: i64) -> Trial {
    let options = [
        ("key", names(&["user"])),
        ("time", text("at")),
        ("columns", names(&["x", "at"])),
        ("shift", OptionValue::Int(shift)),
    ];
    Trial::new("difference_lag", &options).unwrap()
}

#[test]
fn differences_by_hand() {
    let of = [(1, 10, 3.0), (1, 14, 5.5), (2, 9, 1.0), (1, 11, 4.0)].map(|(u, at, x)| (Some(u), Some(at), Some(x)));
    let trial_1 = trial(1);
    let fitted = trial_1.fit(&[batch(&of)]).unwrap();
    for fitted in [fitted.reloaded(), fitted] {
        let made = fitted.train(&batch(&of));
        assert_eq!(numbers(&made, "x_difference_lag_1"), [None, Some(1.5), None, Some(1.0)]);
        assert_eq!(numbers(&made, "at_difference_lag_1"), [None, Some(3.0), None, Some(1.0)]);
        let new = fitted.score(&batch(&[
            (Some(1), Some(20), Some(6.0)),
            (Some(2), Some(9), Some(6.0)),
            (Some(1), Some(20), None),
        ]));
        assert_eq!(numbers(&new, "x_difference_lag_1"), [Some(0.5), None, None]);
    }
    let trial_2 = trial(2);
    let made = trial_2.fit(&[batch(&of)]).unwrap().train(&batch(&of));
    assert_eq!(numbers(&made, "x_difference_lag_2"), [None, Some(2.5), None, None]);
    let nothing = trial_2.fit(&[]).unwrap();
    assert_eq!(numbers(&nothing.reloaded().score(&batch(&of)), "x_difference_lag_2"), [None; 4]);
}

#[test]
fn later_rows_are_refused() {
    for shift in [0, -1] {
        let options = [
            ("key", names(&["u"])),
            ("time", text("t")),
            ("columns", names(&["x"])),
            ("shift", OptionValue::Int(shift)),
        ];
        assert!(Trial::new("difference_lag", &options).err().unwrap().contains("later rows are not known"));
    }
}

proptest! {
    #[test]
    fn nothing_at_a_rows_time_or_later_is_seen(
        of in prop::collection::vec((prop::option::weighted(0.9, 0i64..3), prop::option::weighted(0.9, 0i64..8), prop::option::weighted(0.8, -9.0..9.0f64)), 1..40),
        at in 0.0..1.0f64,
        cut in 0.0..1.0f64,
    ) {
        let row = (at * of.len() as f64) as usize;
        let now = of[row].1;
        let mut changed = of.clone();
        for (i, (_, time, x)) in changed.iter_mut().enumerate() {
            if i != row && (time.is_none() || now.is_none() || *time >= now) {
                *x = Some(1e6);
            }
        }
        let trial = trial(1);
        let whole = trial.fit(&[batch(&of)]).unwrap();
        let made = whole.train(&batch(&of));
        let other = trial.fit(&[batch(&changed)]).unwrap().train(&batch(&changed));
        prop_assert_eq!(numbers(&made, "x_difference_lag_1")[row], numbers(&other, "x_difference_lag_1")[row]);
        for other in [trial.fit_apart(&halves(&batch(&of), cut)).unwrap(), whole.reloaded()] {
            prop_assert_eq!(&other.score(&batch(&of)), &made);
        }
        assert_rows_are_alone(&whole, &batch(&of), |_| Phase::Scoring);
    }
}
