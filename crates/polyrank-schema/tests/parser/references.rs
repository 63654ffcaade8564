//! Names, references, columns and metrics that must fit together: each problem with its exact message.

use crate::common::Edit::{After, Append, Swap};
use crate::common::{AGE, AGE_KIND, BASE, LIKE, TRAIN, UID, WATCH, check, problems};

#[test]
fn features_fit_together() {
    check(&[
        (&[Swap(AGE, "")], "c.toml:6: features[2].name: missing; name the feature, or several alike with `names`"),
        (&[Swap(AGE, "name = ''")], "c.toml:7: features..name: expected a name, found the text \"\""),
        (&[Swap(AGE, "names = ['']")], "c.toml:7: features..names: expected one or more names, found an empty text"),
        (
            &[After(AGE, "column = ''")],
            "c.toml:8: features.age.column: expected the name of a column, found the text \"\"",
        ),
        (&[After(AGE, "column = ' a'")], "c.toml:8: features.age.column: spaces around the name \" a\""),
        (
            &[Swap(AGE_KIND, "kind = 'categorical'\ntable = ''")],
            "c.toml:9: features.age.table: expected the name of a feature, found the text \"\"",
        ),
        (
            &[After(TRAIN, "columns = []")],
            "c.toml:3: data.columns: expected one or more column names, found an empty list",
        ),
        (&[Swap(AGE, "name = 3")], "c.toml:7: features[2].name: expected a name, found 3"),
        (&[Swap(AGE, "names = []")], "c.toml:7: features[2].names: expected one or more names, found an empty list"),
        (
            &[Swap(AGE, "names = ['a','uid','a']")],
            "c.toml:7: features.a.name: another feature is named \"uid\"; names must be unique\n\
             c.toml:7: features.a.name: another feature is named \"a\"; names must be unique",
        ),
        (
            &[After(AGE, "names = ['b']")],
            "c.toml:8: features.age.names: `name` names the feature already; keep `name` or `names`",
        ),
        (
            &[Swap(AGE, "names = ['b','c']\ncolumn = 'd'")],
            "c.toml:8: features.b.column: one column for several names; give each feature its own entry, or leave \
             `column` out: each reads the column of its name",
        ),
        (
            &[Swap(AGE, "name = 'uid'")],
            "c.toml:7: features[2].name: another feature is named \"uid\"; names must be unique",
        ),
        (&[Swap(AGE, "name = ' a'")], "c.toml:7: features. a.name: spaces around the name \" a\""),
        (&[Swap(AGE, "name = \"a\\tb\"")], "c.toml:7: features.a\\tb.name: a control character in the name \"a\\tb\""),
        (
            &[Swap(AGE_KIND, "")],
            "c.toml:6: features.age.kind: missing; set it to one of \"categorical\", \"dense\", \"vector\"",
        ),
        (
            &[Swap(AGE_KIND, "kind = 'number'")],
            "c.toml:8: features.age.kind: expected one of \"categorical\", \"dense\", \"vector\", found the text \
             \"number\"",
        ),
        (
            &[Swap(AGE_KIND, "kind = 'vector'")],
            "c.toml:6: features.age.size: missing; set it to the length of the list",
        ),
        (
            &[Swap(AGE_KIND, "kind = 'vector'\nsize = 0\ndim = 3")],
            "c.toml:9: features.age.size: expected a whole number from 1 to 65536, found 0\n\
             c.toml:10: features.age.dim: has no meaning for features of kind \"vector\"; remove it",
        ),
        (
            &[After(AGE_KIND, "dim = 3")],
            "c.toml:9: features.age.dim: belongs to categorical features and to dense ones with the encoder \
             \"bucketize\"; remove it",
        ),
        (
            &[After(AGE_KIND, "table = 'uid'\nlist = true\nsize = 3")],
            "c.toml:9: features.age.table: belongs to features of kind \"categorical\"; remove it\n\
             c.toml:10: features.age.list: belongs to features of kind \"categorical\"; remove it\n\
             c.toml:11: features.age.size: belongs to features of kind \"vector\"; remove it",
        ),
        (&[After(UID, "size = 3")], "c.toml:6: features.uid.size: belongs to features of kind \"vector\"; remove it"),
        (
            &[Swap(AGE_KIND, "kind = 'categorical'\ntable = 'uidd'")],
            "c.toml:9: features.age.table: no feature is named \"uidd\"; did you mean \"uid\"?",
        ),
        (
            &[Swap(AGE_KIND, "kind = 'categorical'\ntable = 'age'")],
            "c.toml:9: features.age.table: a feature cannot share its own table; remove it",
        ),
        (
            &[Swap(AGE_KIND, "kind = 'categorical'\ntable = 'uid'\nencoder = 'vocabulary'")],
            "c.toml:10: features.age.encoder: `table` shares another feature's encoder; remove it",
        ),
        (
            &[Swap(AGE_KIND, "kind = 'categorical'\ntable = 'uid'\ndim = 8")],
            "c.toml:10: features.age.dim: the table of \"uid\" has another dimension, from its number of values; leave \
             `dim` out",
        ),
        (
            &[After(UID, "table = 'age'")],
            "c.toml:6: features.uid.table: \"age\" is no categorical feature: it has no table to share",
        ),
        (
            &[Append(
                "[[features]]\nname='a'\nkind='categorical'\ntable='b'\n\
                 [[features]]\nname='b'\nkind='categorical'\ntable='uid'",
            )],
            "c.toml:17: features.a.table: \"b\" itself shares a table; name the feature that has it: \"uid\"",
        ),
        (
            &[After(AGE, "column = 'like'")],
            "c.toml:8: features.age.column: \"like\" is the label of the task \"like\": a feature that reads it gives \
             the answer away; remove the feature",
        ),
        (
            &[After(TRAIN, "columns = ['uid','ago','like','watch']")],
            "c.toml:7: features.age.column: `data.columns` has no column \"age\"; did you mean \"ago\"?",
        ),
        (
            &[After(TRAIN, "columns = ['uid','uid','age','like','watch']")],
            "c.toml:3: data.columns: \"uid\" is listed twice",
        ),
        (
            &[After(TRAIN, "columns = ['uid','age','like','watch']\nvalid_fraction=0.1\nsplit='group:user'")],
            "c.toml:5: data.split: `data.columns` has no column \"user\"; known: \"uid\", \"age\", \"like\", \"watch\"",
        ),
        (
            &[After(TRAIN, "valid='v.csv'\nvalid_fraction=0.1")],
            "c.toml:4: data.valid_fraction: `valid` names validation files already; keep `valid` or `valid_fraction`",
        ),
    ]);
}

#[test]
fn tasks_fit_together() {
    check(&[
        (&[Swap(LIKE, "")], "c.toml:9: tasks[1].name: missing; name the task; scores get this name"),
        (
            &[Swap(LIKE, "name = 'watch'")],
            "c.toml:12: tasks[2].name: another task is named \"watch\"; names must be unique",
        ),
        (
            &[Swap(LIKE, "name = 'mean'")],
            "c.toml:10: tasks.mean.name: a task cannot be named \"mean\"; rename it: `mean.auc` is the mean over tasks",
        ),
        (
            &[After(LIKE, "kind = 'multiclass'")],
            "c.toml:11: tasks.like.kind: expected one of \"binary\", \"regression\", \"multi_class\", found the text \
             \"multiclass\"; did you mean \"multi_class\"?",
        ),
        (
            &[After(LIKE, "loss = 'mse'\ndelta = 1")],
            "c.toml:11: tasks.like.loss: belongs to tasks of kind \"regression\"; remove it\n\
             c.toml:12: tasks.like.delta: belongs to tasks of kind \"regression\"; remove it",
        ),
        (
            &[After(WATCH, "positive = 1")],
            "c.toml:14: tasks.watch.positive: belongs to tasks of kind \"binary\"; remove it",
        ),
        (
            &[After(WATCH, "delta = 1")],
            "c.toml:14: tasks.watch.delta: has no effect without loss = \"huber\"; remove it",
        ),
        (
            &[After(WATCH, "loss = 'huber'\ndelta = 0")],
            "c.toml:15: tasks.watch.delta: expected a number above 0, found 0",
        ),
        (
            &[After(WATCH, "loss = 'logloss'")],
            "c.toml:14: tasks.watch.loss: expected one of \"mse\", \"mae\", \"huber\", found the text \"logloss\"",
        ),
        (
            &[After(LIKE, "positive = []")],
            "c.toml:11: tasks.like.positive: expected 1 to 100000 values, found an empty list",
        ),
        (
            &[After(LIKE, "positive = ''")],
            "c.toml:11: tasks.like.positive: expected a value (an empty one is a missing one), found the text \
             \"\"",
        ),
        (
            &[After(LIKE, "positive = [1, '1']")],
            "c.toml:11: tasks.like.positive: \"1\" is listed twice; keep one (7, \"7\" and 7.0 are one value)",
        ),
        (
            &[After(LIKE, "positive = 1e17")],
            "c.toml:11: tasks.like.positive: expected a value (a float holds whole numbers up to 2^53 only), \
             found 1e17",
        ),
        (
            &[After(LIKE, "positive = {}")],
            "c.toml:11: tasks.like.positive: expected a value (a text, a number, true or false), found a table",
        ),
        (
            &[After(LIKE, "kind = 'multi_class'")],
            "c.toml:9: tasks.like.classes: missing; list the labels, as [\"low\", \"high\"], or write how many there are \
             if they are 0, 1, 2, …",
        ),
        (
            &[After(LIKE, "kind = 'multi_class'\nclasses = ['a']")],
            "c.toml:12: tasks.like.classes: expected 2 to 1000 classes, found 1",
        ),
        (
            &[After(LIKE, "kind = 'multi_class'\nclasses = 1")],
            "c.toml:12: tasks.like.classes: expected a list of label values, or their number from 2 to 1000, found 1",
        ),
        (
            &[After(LIKE, "kind = 'multi_class'\nclasses = [7, '7']")],
            "c.toml:12: tasks.like.classes: \"7\" is listed twice; keep one (7, \"7\" and 7.0 are one value)",
        ),
        (
            &[After(LIKE, "kind = 'multi_class'\nclasses = 3\npositive = 1")],
            "c.toml:13: tasks.like.positive: belongs to tasks of kind \"binary\"; remove it",
        ),
        (
            &[After(LIKE, "classes = 3")],
            "c.toml:11: tasks.like.classes: belongs to tasks of kind \"multi_class\"; remove it",
        ),
        (
            &[After(TRAIN, "null_values = ['2']"), After(LIKE, "kind = 'multi_class'\nclasses = 3")],
            "c.toml:13: tasks.like.classes: \"2\" means missing in `data.null_values`; remove it here or there",
        ),
        (
            &[After(TRAIN, "null_values = ['no']"), After(LIKE, "positive = 'no'")],
            "c.toml:12: tasks.like.positive: \"no\" means missing in `data.null_values`; remove it here or there",
        ),
    ]);
}

#[test]
fn metrics_belong_to_tasks() {
    check(&[
        (
            &[Append("[train]\nbest_metric = 'auc'")],
            "c.toml:15: train.best_metric: \"auc\" is no metric; write TASK.METRIC or mean.METRIC",
        ),
        (
            &[Append("[train]\nbest_metric = 'mean.acu'")],
            "c.toml:15: train.best_metric: unknown metric \"acu\"; did you mean \"auc\"?",
        ),
        (
            &[Append("[train]\nbest_metric = 'likes.auc'")],
            "c.toml:15: train.best_metric: no task is named \"likes\"; did you mean \"like\"?",
        ),
        (
            &[Append("[train]\nbest_metric = 'like.rmse'")],
            "c.toml:15: train.best_metric: the task \"like\" has no metric \"rmse\"; known: \"auc\", \"gauc\", \"logloss\", \
             \"accuracy\", \"precision\", \"recall\", \"loss\"",
        ),
        (
            &[Append("[train]\nbest_metric = 'watch.auc'")],
            "c.toml:15: train.best_metric: the task \"watch\" has no metric \"auc\"; known: \"rmse\", \"mae\", \
             \"loss\"",
        ),
        (
            &[Append("[train]\nbest_metric = ''")],
            "c.toml:15: train.best_metric: expected a metric, as \"mean.auc\" or \"TASK.logloss\", found the text \"\"",
        ),
        (
            &[Append("[train]\nbest_metric = 3")],
            "c.toml:15: train.best_metric: expected a metric, as \"mean.auc\" or \"TASK.logloss\", found 3",
        ),
        (
            &[Swap(WATCH, ""), Append("[train]\nbest_metric = 'mean.mae'")],
            "c.toml:15: train.best_metric: no task has the metric \"mae\"; known: \"auc\", \"gauc\", \"logloss\", \
             \"accuracy\", \"precision\", \"recall\", \"loss\"",
        ),
        (
            &[Append("[train]\nearly_stopping = {}")],
            "c.toml:15: train.early_stopping: there are no validation rows to watch; set `data.valid` or \
             `data.valid_fraction`",
        ),
        (
            &[After(TRAIN, "valid='v'"), Append("[train.early_stopping]\nmetric = 'mean.x'")],
            "c.toml:16: train.early_stopping.metric: unknown metric \"x\"; known: \"auc\", \"gauc\", \"logloss\", \"accuracy\", \
             \"precision\", \"recall\", \"rmse\", \"mae\", \"loss\"",
        ),
        (
            &[Append("[train]\nearly_stopping = true")],
            "c.toml:15: train.early_stopping: expected a table, found true\n\
             c.toml:15: train.early_stopping: there are no validation rows to watch; set `data.valid` or \
             `data.valid_fraction`",
        ),
    ]);
}

#[test]
fn names_are_of_bounded_length() {
    let named = |length: usize| problems(&BASE.replace("\"age\"", &format!("\"{}\"", "x".repeat(length))), &[]);
    assert_eq!(named(255), "no problem");
    let shown = "x".repeat(80);
    assert_eq!(named(256), format!("c.toml:7: features.{shown}….name: a name of more than 255 characters"));
}

#[test]
fn pretrained_vectors_need_a_row_for_each_value() {
    let own = |text: &'static str| Swap(AGE_KIND, text);
    check(&[
        (
            &[own("kind = 'dense'\npretrained = { file = 'v.csv' }")],
            "c.toml:9: features.age.pretrained: belongs to features of kind \"categorical\"; remove it",
        ),
        (
            &[own("kind = 'categorical'\npretrained = { file = 'v.csv' }")],
            "c.toml:9: features.age.pretrained: needs `dim`; set it to the vectors' length",
        ),
        (
            &[own("kind = 'categorical'\ntable = 'uid'\npretrained = { file = 'v.csv' }")],
            "c.toml:10: features.age.pretrained: belongs to the feature whose table this one shares; move it there",
        ),
        (
            &[own("kind = 'categorical'\ndim = 4\npretrained = {}")],
            "c.toml:10: features.age.pretrained.file: missing; name the file with the vectors",
        ),
        (
            &[own("kind = 'categorical'\ndim = 4\npretrained = { file = 'v.csv', frozen = true }")],
            "c.toml:10: features.age.pretrained.frozen: unknown key; known: `file`, `key`, `column`, `trainable`",
        ),
    ]);
}
