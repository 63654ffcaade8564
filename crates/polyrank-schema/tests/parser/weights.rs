//! Weights, spaces and groups of tasks: what is read, what is refused, and what a stored configuration keeps.

use polyrank_schema::Config;
use polyrank_schema::config::{GroupWeight, WeightSchedule};

use crate::common::Edit::{After, Append};
use crate::common::{BASE, LIKE, REGISTRY, TRAIN, WATCH, check, parse};

#[test]
fn what_is_written_is_read_kept_and_asked_of_the_rows() {
    let text = format!(
        "{}weight_schedule = {{ type = 'decay', rate = 0.5 }}\nweight_columns = ['v', 'u']\n",
        BASE.replacen(TRAIN, &format!("{TRAIN}\nweight_column = 'w'\ngroup = 'user'\ngroup_weight = 'positives'"), 1)
            .replacen(LIKE, &format!("{LIKE}\nclass_weights = [1, 4.5]\nwhen = 'click == 1 AND age > 3'"), 1)
    );
    let config = parse(&text, &["train.best_metric=mean.weighted_gauc"]);
    let [like, watch] = &config.tasks[..] else { panic!("two tasks") };
    assert_eq!(like.class_weights, Some(vec![1.0, 4.5]));
    assert_eq!(like.when.as_ref().map(|when| when.text()), Some("click == 1 AND age > 3"));
    assert_eq!(watch.weight_schedule, WeightSchedule::Decay { rate: 0.5 });
    assert_eq!(watch.weight_columns, ["v", "u"]);
    assert_eq!(config.data.group.as_ref().map(|group| group.weight), Some(GroupWeight::Positives));
    assert_eq!(config.columns_needed(true), ["uid", "age", "like", "click", "watch", "v", "u", "w", "user"]);
    assert_eq!(config.columns_needed(false), ["uid", "age"]);
    let stored = serde_json::to_string(&config).unwrap();
    assert_eq!(Config::from_json(&stored, "schema.json", &REGISTRY).unwrap(), config);
}

#[test]
fn a_configuration_that_was_stored_without_them_has_none() {
    let config = parse(BASE, &[]);
    let stored = serde_json::to_string(&config).unwrap();
    for key in ["weight_column", "weight_schedule", "class_weights", "when", "group"] {
        assert!(!stored.contains(&format!("\"{key}\":")), "{key} is stored though it is not there");
    }
    assert_eq!(Config::from_json(&stored, "schema.json", &REGISTRY).unwrap(), config);
    assert!(config.tasks.iter().all(|task| !config.is_weighted(task)));
}

#[test]
fn a_decaying_weight_falls_from_the_second_epoch_on() {
    let decay = WeightSchedule::Decay { rate: 0.5 };
    assert_eq!([1, 2, 3, 4].map(|epoch| decay.factor(epoch)), [1.0, 0.5, 0.25, 0.125]);
    assert_eq!(WeightSchedule::Constant.factor(9), 1.0);
}

#[test]
fn what_cannot_be_is_refused_with_its_line() {
    check(&[
        (
            &[After(LIKE, "when = 'click ='")],
            "c.toml:11: tasks.like.when: \"click =\": expected an expression, found the end; texts go in 'single quotes'; \
             a column named like a word of SQL goes in \"double quotes\"",
        ),
        (&[After(LIKE, "when = 1")], "c.toml:11: tasks.like.when: expected an expression, as \"click == 1\", found 1"),
        (
            &[After(LIKE, "weight_column = 'w'\nweight_columns = ['v']")],
            "c.toml:11: tasks.like.weight_column: `weight_columns` is there too; list all of them in `weight_columns`",
        ),
        (
            &[After(LIKE, "weight_columns = ['v', 'v']")],
            "c.toml:11: tasks.like.weight_columns: \"v\" is listed twice; keep one",
        ),
        (
            &[After(LIKE, "class_weights = [1, 0]")],
            "c.toml:11: tasks.like.class_weights: expected two numbers above 0, of the negative and of the positive \
             class, as [1.0, 4.0], found a list",
        ),
        (
            &[After(LIKE, "kind = 'multi_class'\nclasses = 3\nclass_weights = [1, 2]")],
            "c.toml:13: tasks.like.class_weights: expected 3 numbers above 0, one a class, in the order of `classes`, found \
             a list",
        ),
        (
            &[After(LIKE, "transform = 'log1p'")],
            "c.toml:11: tasks.like.transform: belongs to tasks of kind \"regression\"; remove it",
        ),
        (
            &[After(WATCH, "transform = 'log'")],
            "c.toml:14: tasks.watch.transform: expected one of \"none\", \"log1p\", found the text \"log\"; did you mean \
             \"log1p\"?",
        ),
        (
            &[After(WATCH, "class_weights = [1, 2]")],
            "c.toml:14: tasks.watch.class_weights: belongs to tasks of kind \"binary\" or \"multi_class\"; remove it",
        ),
        (
            &[After(LIKE, "weight_schedule = 'decay'")],
            "c.toml:11: tasks.like.weight_schedule: \"decay\" needs a `rate`; write { type = \"decay\", rate = 0.9 }",
        ),
        (
            &[After(LIKE, "weight_schedule = { type = 'decay', rate = 0 }")],
            "c.toml:11: tasks.like.weight_schedule.rate: expected a number above 0, at most 10, found 0",
        ),
        (
            &[After(LIKE, "weight_schedule = { type = 'constant', rate = 0.5 }")],
            "c.toml:11: tasks.like.weight_schedule.rate: has no effect without type = \"decay\"; remove it",
        ),
        (
            &[After(TRAIN, "group_weight = 'positives'")],
            "c.toml:3: data.group_weight: has no effect without `group`; remove it",
        ),
        (
            &[Append("[train]\nbest_metric = 'like.gauc'\n")],
            "c.toml:15: train.best_metric: \"like.gauc\" needs groups of rows; name the column of the groups in \
             `data.group`, as group = \"user_id\"",
        ),
        (
            &[Append("[train]\nbest_metric = 'mean.weighted_auc'\n")],
            "c.toml:15: train.best_metric: \"mean.weighted_auc\" needs weights of rows; set `weight_column` or \
             `class_weights`, or take the metric without `weighted_`",
        ),
        (
            &[After(TRAIN, "columns = ['uid', 'age', 'like', 'watch', 'weight']\nweight_column = 'weigth'")],
            "c.toml:4: data.weight_column: `data.columns` has no column \"weigth\"; did you mean \"weight\"?",
        ),
        (
            &[After(TRAIN, "columns = ['uid', 'age', 'like', 'watch', 'click']"), After(LIKE, "when = 'clik = 1'")],
            "c.toml:12: tasks.like.when: `data.columns` has no column \"clik\"; did you mean \"click\"?",
        ),
    ]);
}
