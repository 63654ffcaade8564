use proptest::prelude::*;

use super::*;

fn trial() -> Trial {
    let options = [
        ("by", names(&["user"])),
        ("columns", names(&["x"])),
        ("statistics", names(&["count", "sum", "mean", "var", "std", "min", "max"])),
    ];
    Trial::new("group_statistics", &options).unwrap()
}

fn batch(of: &[(Option<i64>, Option<f64>)]) -> RecordBatch {
    rows(vec![("user", ints(of.iter().map(|(user, _)| *user))), ("x", floats(of.iter().map(|(_, x)| *x)))])
}

#[test]
fn statistics_by_hand() {
    let of = [(Some(1), Some(2.0)), (Some(1), Some(6.0)), (Some(1), None), (None, Some(5.0)), (Some(2), None)];
    let trial = trial();
    let fitted = trial.fit(&[batch(&of)]).unwrap();
    let asked = rows(vec![("user", texts(&["1", "", "2", "3"]))]);
    for fitted in [fitted.reloaded(), fitted] {
        let made = fitted.score(&asked);
        let of = |name: &str| numbers(&made, name);
        assert_eq!(of("user_count"), [3.0, 1.0, 1.0, 0.0].map(Some));
        assert_eq!(of("user_x_sum"), [Some(8.0), Some(5.0), Some(0.0), None]);
        assert_eq!(of("user_x_mean"), [Some(4.0), Some(5.0), None, None]);
        assert_eq!(of("user_x_var"), [Some(8.0), None, None, None]);
        assert_eq!(of("user_x_std"), [Some(8.0f64.sqrt()), None, None, None]);
        assert_eq!(of("user_x_min"), [Some(2.0), Some(5.0), None, None]);
        assert_eq!(of("user_x_max"), [Some(6.0), Some(5.0), None, None]);
    }
}

#[test]
fn the_count_alone_needs_no_columns() {
    let trial = Trial::new("group_statistics", &[("by", names(&["user", "x"])), ("into", names(&["n"]))]).unwrap();
    let of = batch(&[(Some(1), Some(2.0)), (Some(1), Some(2.0)), (Some(2), Some(2.0))]);
    assert_eq!(numbers(&trial.fit(std::slice::from_ref(&of)).unwrap().score(&of), "n"), [2.0, 2.0, 1.0].map(Some));
    let nothing = trial.fit(&[]).unwrap();
    assert_eq!(numbers(&nothing.reloaded().score(&of), "n"), [0.0; 3].map(Some));
}

#[test]
fn options_that_do_not_fit_together() {
    let with = |more: &[(&str, OptionValue)]| {
        let options = [&[("by", names(&["user"]))], more].concat();
        Trial::new("group_statistics", &options).err().unwrap()
    };
    assert!(with(&[("statistics", names(&["median"]))]).contains("no `median`"));
    assert!(with(&[("statistics", names(&["mean"]))]).contains("need `columns`"));
    assert!(with(&[("columns", names(&["x"]))]).contains("no statistic of them"));
    assert!(with(&[("into", names(&["a", "b"]))]).contains("2 names for 1"));
    assert!(with(&[("by", names(&["user", "user"]))]).contains("twice"));
}

#[test]
fn a_saved_count_that_cannot_be_is_refused() {
    let trial = Trial::new("group_statistics", &[("by", names(&["user"]))]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    trial.fit(&[batch(&[(Some(1), None), (Some(2), None)])]).unwrap().save(dir.path());
    let write = |counts: ArrayRef, state: &str| {
        let table = rows(vec![("key:user", texts(&["1", "2"])), ("value:user_count", counts)]);
        let file = std::fs::File::create(dir.path().join("0000-group_statistics-table.arrow")).unwrap();
        let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &table.schema()).unwrap();
        writer.write(&table).unwrap();
        writer.finish().unwrap();
        let json = format!(
            r#"{{"format":1,"operator":"group_statistics","writes":["user_count"],"state":{{"keys":{state}}}}}"#
        );
        std::fs::write(dir.path().join("0000-group_statistics.json"), json).unwrap();
        trial.load(dir.path()).map(|_| ()).map_err(|e| e.to_string())
    };
    write(ints([Some(1), Some(3)]), "2").unwrap();
    assert!(write(ints([Some(1), Some(0)]), "2").unwrap_err().contains("without rows"));
    assert!(write(floats([Some(1.0), Some(2.0)]), "2").unwrap_err().contains("type"));
    assert!(write(ints([Some(1), Some(3)]), "3").unwrap_err().contains("3 keys"));
}

proptest! {
    #[test]
    fn order_and_parts_do_not_matter(
        of in prop::collection::vec((prop::option::weighted(0.9, 0i64..4), prop::option::weighted(0.8, any::<i16>())), 1..40),
        at in 0.0..1.0f64,
        by in 0usize..40,
    ) {
        let of: Vec<_> = of.into_iter().map(|(user, x)| (user, x.map(|x| f64::from(x) / 8.0))).collect();
        let (trial, batch) = (trial(), batch(&of));
        let whole = trial.fit(std::slice::from_ref(&batch)).unwrap();
        let want = whole.score(&batch);
        let others =
            [trial.fit_apart(&halves(&batch, at)).unwrap(), trial.fit(&[turned(&batch, by)]).unwrap(), whole.reloaded()];
        for other in others {
            prop_assert_eq!(&other.score(&batch), &want);
        }
        assert_rows_are_alone(&whole, &batch, |_| Phase::Scoring);
    }
}
