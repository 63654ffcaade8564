//! Every kind of problem, with its exact message.

mod common;

use common::{BASE, problems};

/// What changes in the base configuration.
enum Edit {
    Swap(&'static str, &'static str),
    Append(&'static str),
    Whole(&'static str),
}

use Edit::{Append, Swap, Whole};

fn check(cases: &[(&[Edit], &str)]) {
    for (edits, expected) in cases {
        let mut text = BASE.to_owned();
        for edit in *edits {
            match edit {
                Swap(from, to) => {
                    assert!(text.contains(from), "the base has no {from}");
                    text = text.replacen(from, to, 1);
                }
                Append(more) => text.push_str(more),
                Whole(all) => text = (*all).to_owned(),
            }
        }
        assert_eq!(problems(&text, &[]), *expected, "\n{text}");
    }
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    check(&[
        (&[Append("[trian]\nseed=1")], "c.toml:14: trian: unknown key; did you mean `train`?"),
        (
            &[Append("[serving]\nport=1")],
            "c.toml:14: serving: unknown key; known: `data`, `features`, `tasks`, `model`, `train`",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nfilter = 'x'")],
            "c.toml:3: data.filter: unknown key; known: `train`, `valid`, `valid_fraction`, `split`, `test`, `columns`, `separator`, `null_values`, `trim`, `on_bad_row`, `shuffle_buffer`",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nweight_column = 'w'")],
            "c.toml:3: data.weight_column: unknown key; known: `train`, `valid`, `valid_fraction`, `split`, `test`, `columns`, `separator`, `null_values`, `trim`, `on_bad_row`, `shuffle_buffer`",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\nencodr = 'log'")],
            "c.toml:8: features.age.encodr: unknown key; did you mean `encoder`?",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\nwhen = 'x == 1'")],
            "c.toml:11: tasks.like.when: unknown key; known: `name`, `kind`, `column`, `positive`, `loss`, `delta`, `weight`",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\nclass_weights = [1]")],
            "c.toml:11: tasks.like.class_weights: unknown key; known: `name`, `kind`, `column`, `positive`, `loss`, `delta`, `weight`",
        ),
        (
            &[Append("[model]\nmulti_tasks = 'mmoe'")],
            "c.toml:15: model.multi_tasks: unknown key; did you mean `multi_task`?",
        ),
        (&[Append("[model.towers]\nunit = [1]")], "c.toml:15: model.towers.unit: unknown key; did you mean `units`?"),
        (
            &[Append("[train.early_stopping]\npatince=1")],
            "c.toml:14: train.early_stopping: there are no validation rows to watch; set `data.valid` or `data.valid_fraction`\nc.toml:15: train.early_stopping.patince: unknown key; did you mean `patience`?",
        ),
        (
            &[Append("[model.multi_task]\ntype='mmoe'\nexpert = 3")],
            "c.toml:16: model.multi_task.expert: unknown key; did you mean `experts`?",
        ),
        (
            &[Append("[train.optimizer]\nlr = 3")],
            "c.toml:15: train.optimizer.lr: unknown key; known: `learning_rate`, `accumulator`, `eps`",
        ),
        (
            &[Append("[model.interaction]\ntype='none'\nunits = 3")],
            "c.toml:16: model.interaction.units: unknown key; \"none\" has no options",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\nlist = {comb='mean'}")],
            "c.toml:6: features.uid.list.comb: unknown key; did you mean `combiner`?",
        ),
    ]);
}

#[test]
fn wrong_types_and_bounds_say_what_was_expected_and_found() {
    check(&[
        (
            &[Swap("train = \"train.csv\"", "train = 3")],
            "c.toml:2: data.train: expected a path or a list of paths, found 3",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = []")],
            "c.toml:2: data.train: expected at least one file, found an empty list",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = ['a', 3]")],
            "c.toml:2: data.train: expected a path or a list of paths, found 3 in the list",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = ['']")],
            "c.toml:2: data.train: a path that is empty or holds a zero byte",
        ),
        (
            &[Append("[train]\nbatch_size = 0")],
            "c.toml:15: train.batch_size: expected a whole number from 1 to 1048576, found 0",
        ),
        (
            &[Append("[train]\nbatch_size = 4.0")],
            "c.toml:15: train.batch_size: expected a whole number from 1 to 1048576, found 4.0",
        ),
        (
            &[Append("[train]\nepochs = '3'")],
            "c.toml:15: train.epochs: expected a whole number from 1 to 1000000, found the text \"3\"",
        ),
        (
            &[Append("[train]\nseed = -1")],
            "c.toml:15: train.seed: expected a whole number from 0 to 18446744073709551615, found -1",
        ),
        (
            &[Append("[train]\nthreads = 2000")],
            "c.toml:15: train.threads: expected a whole number from 1 to 1024, found 2000",
        ),
        (&[Append("[train]\nclip_norm = 0")], "c.toml:15: train.clip_norm: expected a number above 0, found 0"),
        (&[Append("[train]\nshuffle = 1")], "c.toml:15: train.shuffle: expected true or false, found 1"),
        (
            &[Append("[train]\nprecision = 'fp16'")],
            "c.toml:15: train.precision: expected \"fp32\", found the text \"fp16\"; did you mean \"fp32\"?",
        ),
        (
            &[Append("[train]\nnormaliser = 'mean'")],
            "c.toml:15: train.normaliser: expected one of \"weight_sum\", \"batch\", \"count\", \"sum\", found the text \"mean\"",
        ),
        (
            &[Append("[model]\ndropout = 1.0")],
            "c.toml:15: model.dropout: expected a number from 0 to below 1, found 1.0",
        ),
        (&[Append("[model]\nl2 = -0.1")], "c.toml:15: model.l2: expected a number, 0 or above, found -0.1"),
        (&[Append("[model]\nl2 = nan")], "c.toml:15: model.l2: expected a number, 0 or above, found NaN"),
        (
            &[Append("[model]\nactivation = 'rellu'")],
            "c.toml:15: model.activation: expected one of \"linear\", \"relu\", \"leaky_relu\", \"prelu\", \"sigmoid\", \"tanh\", \"gelu\", \"silu\", \"dice\", found the text \"rellu\"; did you mean \"relu\"?",
        ),
        (
            &[Append("[model]\nbatch_norm = 'yes'")],
            "c.toml:15: model.batch_norm: expected true or false, found the text \"yes\"",
        ),
        (&[Append("[model]\ntowers = [64]")], "c.toml:15: model.towers: expected a table, found a list"),
        (
            &[Append("[model.towers]\nunits = 64")],
            "c.toml:15: model.towers.units: expected a list of up to 64 layer widths, each a whole number from 1 to 65536, found 64",
        ),
        (
            &[Append("[model.towers]\nunits = [64, 0]")],
            "c.toml:15: model.towers.units: expected a list of up to 64 layer widths, each a whole number from 1 to 65536, found 0 in the list",
        ),
        (
            &[Append(
                "[model.towers]\nunits = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
            )],
            "c.toml:15: model.towers.units: expected a list of up to 64 layer widths, each a whole number from 1 to 65536, found 65 of them",
        ),
        (
            &[Append("[model]\npreset = 'merlyn'")],
            "c.toml:15: model.preset: expected one of \"default\", \"paper\", \"deepctr\", \"merlin\", found the text \"merlyn\"; did you mean \"merlin\"?",
        ),
        (
            &[Append("[model]\nlayer_init = 1979-05-27")],
            "c.toml:15: model.layer_init: expected one of \"auto\", \"glorot\", \"normal\", found a date or time",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nseparator = ';;'")],
            "c.toml:3: data.separator: expected one ASCII character that is no quote and no line end, as \",\" or \"\\t\", found the text \";;\"",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nseparator = '\"'")],
            "c.toml:3: data.separator: expected one ASCII character that is no quote and no line end, as \",\" or \"\\t\", found the text \"\"\"",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nsplit = 'tail'")],
            "c.toml:3: data.split: has no effect without `valid_fraction`; remove it",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nvalid_fraction = 0.2\nsplit = 'group:'")],
            "c.toml:4: data.split: expected \"random\", \"tail\" or \"group:COLUMN\", found the text \"group:\"",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nvalid_fraction = 1")],
            "c.toml:3: data.valid_fraction: expected a number above 0 and below 1, found 1",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nshuffle_buffer = 100_000_001")],
            "c.toml:3: data.shuffle_buffer: expected a whole number from 1 to 100000000, found 100000001",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\non_bad_row = 'ignore'")],
            "c.toml:3: data.on_bad_row: expected one of \"error\", \"skip\", found the text \"ignore\"",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nnull_values = [1]")],
            "c.toml:3: data.null_values: expected a text or a list of texts, found 1 in the list",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\ndim = 0")],
            "c.toml:6: features.uid.dim: expected a whole number from 1 to 4096, found 0",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\nlist = 'mean'")],
            "c.toml:6: features.uid.list: expected true, or a table with `combiner`, `max_length` and `separator`, found the text \"mean\"",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\nlist = {separator = ''}")],
            "c.toml:6: features.uid.list.separator: expected a text of 1 to 16 characters, found the text \"\"",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\nweight = 0")],
            "c.toml:11: tasks.like.weight: expected a number above 0, found 0",
        ),
        (&[Append("data = 3")], "c.toml:14: tasks.watch.data: unknown key; did you mean `delta`?"),
    ]);
}

#[test]
fn blocks_are_checked_against_the_registry() {
    check(&[
        (
            &[Append("[model]\nmulti_task = 'mmo'")],
            "c.toml:15: model.multi_task: unknown type \"mmo\"; did you mean \"mmoe\"?",
        ),
        (
            &[Append("[model]\nmulti_task = { type = 'zzz' }")],
            "c.toml:15: model.multi_task: unknown type \"zzz\"; known: \"single\", \"shared_bottom\", \"omoe\", \"mmoe\"",
        ),
        (&[Append("[model]\nmulti_task = { type = 3 }")], "c.toml:15: model.multi_task.type: expected a text, found 3"),
        (
            &[Append("[model]\nmulti_task = 3")],
            "c.toml:15: model.multi_task: expected a table with `type`, or the type's name, found 3",
        ),
        (
            &[Append("[model]\nmulti_task = { experts = 0 }")],
            "c.toml:15: model.multi_task.experts: expected a whole number from 1 to 256, found 0",
        ),
        (
            &[Append("[model]\nmulti_task = { experts = 1.5 }")],
            "c.toml:15: model.multi_task.experts: expected a whole number from 1 to 256, found 1.5",
        ),
        (
            &[Append("[model]\nmulti_task = { expert_units = [0] }")],
            "c.toml:15: model.multi_task.expert_units: expected a list of up to 64 layer widths, each a whole number from 1 to 65536, found 0 in the list",
        ),
        (
            &[Append("[model]\nmulti_task = { temperature = 0 }")],
            "c.toml:15: model.multi_task.temperature: expected a number from 0.01 to 100.0, found 0",
        ),
        (
            &[Append("[model]\nmulti_task = { gate_bias = 1 }")],
            "c.toml:15: model.multi_task.gate_bias: expected true or false, found 1",
        ),
        (
            &[Append("[model]\nmulti_task = { gate_input = 'inputs' }")],
            "c.toml:15: model.multi_task.gate_input: expected one of \"previous\", \"input\", found the text \"inputs\"",
        ),
        (
            &[Append("[train.optimizer]\nlearning_rate = -1")],
            "c.toml:15: train.optimizer.learning_rate: expected a number, 0.0 or above, found -1",
        ),
        (
            &[Append("[train.optimizer]\ntype = 'adm'")],
            "c.toml:15: train.optimizer: unknown type \"adm\"; did you mean \"adam\"?",
        ),
        (
            &[Append("[train]\nembedding_optimizer = 'adm'")],
            "c.toml:15: train.embedding_optimizer: unknown type \"adm\"; did you mean \"adam\"?",
        ),
        (
            &[Append("[train]\noptimizer = {type='adam',note=3}")],
            "c.toml:15: train.optimizer.note: expected a text of up to 1024 characters, found 3",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\nencoder = 'hash'")],
            "c.toml:6: features.uid.encoder.buckets: missing; set it to a whole number from 1 to 1000000",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\nencoder = 'min_max'")],
            "c.toml:6: features.uid.encoder: unknown type \"min_max\"; known: \"vocabulary\", \"hash\", \"identity\"",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\nencoder = 'bucketize'")],
            "c.toml:8: features.age.encoder: bucketize needs one of `boundaries` and `quantiles`",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\nencoder = {type='bucketize', boundaries=[2,1]}")],
            "c.toml:8: features.age.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found 1 in the list",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\nencoder = {type='bucketize', boundaries=[]}")],
            "c.toml:8: features.age.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found 0 of them",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\nencoder = {type='bucketize', boundaries=[1, inf]}")],
            "c.toml:8: features.age.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found inf in the list",
        ),
        (
            &[
                Swap("kind = \"regression\"", "kind = \"regression\"\n[model]\nmulti_task = 'mmoe'"),
                Swap("[[tasks]]\nname = \"like\"\n", ""),
            ],
            "c.toml:13: model.multi_task: it needs two tasks or more; write type = \"single\" for one",
        ),
    ]);
}

#[test]
fn features_fit_together() {
    check(&[
        (
            &[Swap("name = \"age\"", "")],
            "c.toml:6: features[2].name: missing; name the feature, or several alike with `names`",
        ),
        (&[Swap("name = \"age\"", "name = ''")], "no problem"),
        (&[Swap("name = \"age\"", "name = 3")], "c.toml:7: features[2].name: expected a text, found 3"),
        (
            &[Swap("name = \"age\"", "names = []")],
            "c.toml:7: features[2].names: expected at least one name, found an empty list",
        ),
        (
            &[Swap("name = \"age\"", "names = ['a','uid','a']")],
            "c.toml:7: features.a.name: another feature is named \"uid\"; names must be unique\nc.toml:7: features.a.name: another feature is named \"a\"; names must be unique",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\nnames = ['b']")],
            "c.toml:8: features.age.names: `name` names the feature already; keep `name` or `names`",
        ),
        (
            &[Swap("name = \"age\"", "names = ['b','c']\ncolumn = 'd'")],
            "c.toml:8: features.b.column: one column for several names; give each feature its own entry, or leave `column` out: each reads the column of its name",
        ),
        (
            &[Swap("name = \"age\"", "name = 'uid'")],
            "c.toml:7: features[2].name: another feature is named \"uid\"; names must be unique",
        ),
        (
            &[Swap("name = \"age\"", "name = ' a'")],
            "c.toml:6: features. a.column: spaces around the name \" a\"\nc.toml:7: features. a.name: spaces around the name \" a\"",
        ),
        (
            &[Swap("name = \"age\"", "name = \"a\\tb\"")],
            "c.toml:6: features.a\\tb.column: a control character in the name \"a\\tb\"\nc.toml:7: features.a\\tb.name: a control character in the name \"a\\tb\"",
        ),
        (
            &[Swap(
                "name = \"age\"",
                "name = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
            )],
            "c.toml:6: features.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx….column: a name of more than 255 characters\nc.toml:7: features.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx….name: a name of more than 255 characters",
        ),
        (
            &[Swap("kind = \"dense\"", "")],
            "c.toml:6: features.age.kind: missing; one of \"categorical\", \"dense\", \"vector\"",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'number'")],
            "c.toml:8: features.age.kind: expected one of \"categorical\", \"dense\", \"vector\", found the text \"number\"",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'vector'")],
            "c.toml:6: features.age.size: missing; set it to the length of the list",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'vector'\nsize = 0\ndim = 3")],
            "c.toml:9: features.age.size: expected a whole number from 1 to 65536, found 0\nc.toml:10: features.age.dim: has no meaning for features of kind \"vector\"; remove it",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = \"dense\"\ndim = 3")],
            "c.toml:9: features.age.dim: belongs to categorical features and to dense ones with the encoder \"bucketize\"; remove it",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = \"dense\"\ntable = 'uid'\nlist = true\nsize = 3")],
            "c.toml:9: features.age.table: belongs to features of kind \"categorical\"; remove it\nc.toml:10: features.age.list: belongs to features of kind \"categorical\"; remove it\nc.toml:11: features.age.size: belongs to features of kind \"vector\"; remove it",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\nsize = 3")],
            "c.toml:6: features.uid.size: belongs to features of kind \"vector\"; remove it",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'categorical'\ntable = 'uidd'")],
            "c.toml:9: features.age.table: no feature is named \"uidd\"; did you mean \"uid\"?",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'categorical'\ntable = 'age'")],
            "c.toml:9: features.age.table: a feature cannot share its own table; remove it",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'categorical'\ntable = 'uid'\nencoder = 'vocabulary'")],
            "c.toml:10: features.age.encoder: `table` shares another feature's encoder; remove it",
        ),
        (
            &[Swap("kind = \"dense\"", "kind = 'categorical'\ntable = 'uid'\ndim = 8")],
            "c.toml:10: features.age.dim: the table of \"uid\" has another dimension, from its number of values; leave `dim` out",
        ),
        (
            &[Swap("kind = \"categorical\"", "kind = \"categorical\"\ntable = 'age'")],
            "c.toml:6: features.uid.table: \"age\" is no categorical feature: it has no table to share",
        ),
        (
            &[Append(
                "[[features]]\nname='a'\nkind='categorical'\ntable='b'\n[[features]]\nname='b'\nkind='categorical'\ntable='uid'",
            )],
            "c.toml:17: features.a.table: \"b\" itself shares a table; name the feature that has it: \"uid\"",
        ),
        (
            &[Swap("name = \"age\"", "name = \"age\"\ncolumn = 'like'")],
            "c.toml:8: features.age.column: \"like\" is the label of the task \"like\": a feature that reads it gives the answer away; remove the feature",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\ncolumns = ['uid','ago','like','watch']")],
            "c.toml:7: features.age.column: `data.columns` has no column \"age\"; did you mean \"ago\"?",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\ncolumns = ['uid','uid','age','like','watch', '']")],
            "c.toml:3: data.columns: \"uid\" is listed twice\nc.toml:3: data.columns: an empty name",
        ),
        (
            &[Swap(
                "train = \"train.csv\"",
                "train = \"train.csv\"\ncolumns = ['uid','age','like','watch']\nvalid_fraction=0.1\nsplit='group:user'",
            )],
            "c.toml:5: data.split: `data.columns` has no column \"user\"; known: \"uid\", \"age\", \"like\", \"watch\"",
        ),
        (
            &[Swap("train = \"train.csv\"", "train = \"train.csv\"\nvalid='v.csv'\nvalid_fraction=0.1")],
            "c.toml:4: data.valid_fraction: `valid` names validation files already; keep `valid` or `valid_fraction`",
        ),
    ]);
}

#[test]
fn tasks_fit_together() {
    check(&[
        (&[Swap("name = \"like\"", "")], "c.toml:9: tasks[1].name: missing; name the task; scores get this name"),
        (
            &[Swap("name = \"like\"", "name = 'watch'")],
            "c.toml:12: tasks[2].name: another task is named \"watch\"; names must be unique",
        ),
        (
            &[Swap("name = \"like\"", "name = 'mean'")],
            "c.toml:10: tasks.mean.name: a task cannot be named \"mean\"; rename it: `mean.auc` is the mean over tasks",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\nkind = 'multiclass'")],
            "c.toml:11: tasks.like.kind: expected one of \"binary\", \"regression\", found the text \"multiclass\"",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\nloss = 'mse'\ndelta = 1")],
            "c.toml:11: tasks.like.loss: belongs to tasks of kind \"regression\"; remove it\nc.toml:12: tasks.like.delta: belongs to tasks of kind \"regression\"; remove it",
        ),
        (
            &[Swap("kind = \"regression\"", "kind = \"regression\"\npositive = 1")],
            "c.toml:14: tasks.watch.positive: belongs to tasks of kind \"binary\"; remove it",
        ),
        (
            &[Swap("kind = \"regression\"", "kind = \"regression\"\ndelta = 1")],
            "c.toml:14: tasks.watch.delta: has no effect without loss = \"huber\"; remove it",
        ),
        (
            &[Swap("kind = \"regression\"", "kind = \"regression\"\nloss = 'huber'\ndelta = 0")],
            "c.toml:15: tasks.watch.delta: expected a number above 0, found 0",
        ),
        (
            &[Swap("kind = \"regression\"", "kind = \"regression\"\nloss = 'logloss'")],
            "c.toml:14: tasks.watch.loss: expected one of \"mse\", \"mae\", \"huber\", found the text \"logloss\"",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\npositive = []")],
            "c.toml:11: tasks.like.positive: expected at least one label value, found an empty list",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\npositive = ''")],
            "c.toml:11: tasks.like.positive: expected a label value (an empty label is a missing one), found the text \"\"",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\npositive = [1, '1']")],
            "c.toml:11: tasks.like.positive: \"1\" is listed twice; keep one (7, \"7\" and 7.0 are one value)",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\npositive = 1e17")],
            "c.toml:11: tasks.like.positive: expected a label value (a float holds whole numbers up to 2^53 only), found 1e17",
        ),
        (
            &[Swap("name = \"like\"", "name = \"like\"\npositive = {}")],
            "c.toml:11: tasks.like.positive: expected a label value (a text, a number, true or false), found a table",
        ),
        (
            &[
                Swap("train = \"train.csv\"", "train = \"train.csv\"\nnull_values = ['no']"),
                Swap("name = \"like\"", "name = \"like\"\npositive = 'no'"),
            ],
            "c.toml:12: tasks.like.positive: \"no\" means missing in `data.null_values`; remove it here or there",
        ),
    ]);
}

#[test]
fn options_without_effect_are_refused() {
    check(&[
        (
            &[Append("[model]\ninit_std = 1")],
            "c.toml:15: model.init_std: has no effect without layer_init = \"normal\"; remove it",
        ),
        (
            &[Append("[model]\nembedding_init_limit = 1")],
            "c.toml:15: model.embedding_init_limit: has no effect without embedding_init = \"uniform\"; remove it",
        ),
        (
            &[Append("[model]\nembedding_init = 'uniform'\nembedding_init_std = 1")],
            "c.toml:16: model.embedding_init_std: has no effect without embedding_init = \"normal\"; remove it",
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
            "c.toml:15: train.best_metric: the task \"like\" has no metric \"rmse\"; known: \"auc\", \"logloss\", \"accuracy\", \"loss\"",
        ),
        (
            &[Append("[train]\nbest_metric = 'watch.auc'")],
            "c.toml:15: train.best_metric: the task \"watch\" has no metric \"auc\"; known: \"rmse\", \"mae\", \"loss\"",
        ),
        (&[Append("[train]\nbest_metric = 3")], "c.toml:15: train.best_metric: expected a text, found 3"),
        (
            &[Swap("kind = \"regression\"", ""), Append("[train]\nbest_metric = 'mean.mae'")],
            "c.toml:15: train.best_metric: no task has the metric \"mae\"; known: \"auc\", \"logloss\", \"accuracy\", \"loss\"",
        ),
        (
            &[Append("[train]\nearly_stopping = {}")],
            "c.toml:15: train.early_stopping: there are no validation rows to watch; set `data.valid` or `data.valid_fraction`",
        ),
        (
            &[
                Swap("train = \"train.csv\"", "train = \"train.csv\"\nvalid='v'"),
                Append("[train.early_stopping]\nmetric = 'mean.x'"),
            ],
            "c.toml:16: train.early_stopping.metric: unknown metric \"x\"; known: \"auc\", \"logloss\", \"accuracy\", \"rmse\", \"mae\", \"loss\"",
        ),
        (
            &[Append("[train]\nearly_stopping = true")],
            "c.toml:15: train.early_stopping: expected a table, found true\nc.toml:15: train.early_stopping: there are no validation rows to watch; set `data.valid` or `data.valid_fraction`",
        ),
    ]);
}

#[test]
fn without_a_needed_table_the_message_shows_how_to_write_it() {
    check(&[
        (
            &[Whole("")],
            "c.toml: data.train: missing; name the training files, as train = [\"data/train-*.parquet\"]\nc.toml: features: missing; write at least one [[features]] entry\nc.toml: tasks: missing; write at least one [[tasks]] entry",
        ),
        (
            &[Whole("features = 3\ntasks = []\n[data]\ntrain='x'")],
            "c.toml:1: features: expected a list of tables, found 3; write [[features]], in two brackets\nc.toml:2: tasks: empty; write at least one [[tasks]] entry",
        ),
        (
            &[Whole("features = []\n[tasks]\n[data]\ntrain='x'")],
            "c.toml:1: features: empty; write at least one [[features]] entry\nc.toml:2: tasks: expected a list of tables, found a table; write [[tasks]], in two brackets",
        ),
        (
            &[Whole("features = [1]\ntasks = [2]\n[data]\ntrain='x'")],
            "c.toml:1: features[1]: expected a table, found 1\nc.toml:1: features[1].name: missing; name the feature, or several alike with `names`\nc.toml:1: features[1].kind: missing; one of \"categorical\", \"dense\", \"vector\"\nc.toml:2: tasks[1]: expected a table, found 2\nc.toml:2: tasks[1].name: missing; name the task; scores get this name",
        ),
    ]);
}

#[test]
fn what_is_not_toml_has_a_line_and_a_column() {
    check(&[
        (
            &[Whole("[data]\ntrain = \n")],
            "c.toml:2:9: not valid TOML: string values must be quoted, expected literal string",
        ),
        (
            &[Whole("[data]\ntrain = 'a'\ntrain = 'b'\n[x\n")],
            "c.toml:3:1: not valid TOML: duplicate key\nc.toml:4:3: not valid TOML: unclosed table, expected `]`",
        ),
        (&[Whole("ü = 'a' b")], "c.toml:1:9: not valid TOML: unexpected key or value, expected newline, `#`"),
    ]);
}

#[test]
fn unknown_and_unfitting_overrides_name_the_set() {
    for (sets, expected) in [
        (&["train.thread=2"][..], "--set train.thread: unknown key; did you mean `threads`?"),
        (&["train.threads=x"][..], "--set train.threads: expected a whole number from 1 to 1024, found the text \"x\""),
        (&["features.dimm=2"][..], "--set features.dimm: unknown key; did you mean `dim`?"),
        (&["features.size=2"][..], "--set features.size: no entry of [[features]] can have this"),
        (&["features.name=x"][..], "--set features.name: no entry of [[features]] can have this"),
        (&["features.ui.dim=2"][..], "--set features.ui.dim: no feature is named \"ui\"; did you mean \"uid\"?"),
        (&["features.uid.dim=0"][..], "--set features.uid.dim: expected a whole number from 1 to 4096, found 0"),
        (
            &["features.dim=0"][..],
            "--set features.dim: features.uid.dim: expected a whole number from 1 to 4096, found 0",
        ),
        (&["tasks.likes.weight=2"][..], "--set tasks.likes.weight: no task is named \"likes\"; did you mean \"like\"?"),
        (&["tasks.weigth=2"][..], "--set tasks.weigth: unknown key; did you mean `weight`?"),
        (&["tasks.delta=2"][..], "--set tasks.delta: no entry of [[tasks]] can have this"),
        (
            &["model.multi_task={type='mmoe',expert=1}"][..],
            "--set model.multi_task: model.multi_task.expert: unknown key; did you mean `experts`?",
        ),
        (&["model.multi_task.expert=1"][..], "--set model.multi_task.expert: unknown key; did you mean `experts`?"),
        (
            &["features.encoder=vocabulry"][..],
            "--set features.encoder: features.uid.encoder: unknown type \"vocabulry\"; did you mean \"vocabulary\"?",
        ),
        (
            &["features.encoder.min_cuont=3"][..],
            "--set features.encoder.min_cuont: no entry of [[features]] can have this",
        ),
        (&["features=[]"][..], "--set features: empty; write at least one [[features]] entry"),
        (&["servng=1"][..], "--set servng: unknown key; known: `data`, `features`, `tasks`, `model`, `train`"),
        (
            &["features=3", "features.dim=2"][..],
            "--set features.dim: there are no entries of [[features]]\n--set features: expected a list of tables, found 3; write [[features]], in two brackets",
        ),
        (
            &["train={seed='x'}"][..],
            "--set train: train.seed: expected a whole number from 0 to 18446744073709551615, found the text \"x\"",
        ),
        (&["data.train=[]"][..], "--set data.train: expected at least one file, found an empty list"),
        (
            &["train.early_stopping.patience=3"][..],
            "--set train.early_stopping.patience: train.early_stopping: there are no validation rows to watch; set `data.valid` or `data.valid_fraction`",
        ),
    ] {
        assert_eq!(problems(BASE, sets), expected, "{sets:?}");
    }
}
