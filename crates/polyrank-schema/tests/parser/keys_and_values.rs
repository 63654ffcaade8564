//! Keys, types, bounds and text that is no TOML: each problem with its exact message.

use crate::common::Edit::{After, Append, Swap, Whole};
use crate::common::{AGE, LIKE, TRAIN, UID, check};

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    check(&[
        (&[Append("[trian]\nseed=1")], "c.toml:14: trian: unknown key; did you mean `train`?"),
        (
            &[Append("[serving]\nport=1")],
            "c.toml:14: serving: unknown key; known: `data`, `columns`, `operators`, `features`, `tasks`, `model`, `train`",
        ),
        (
            &[After(TRAIN, "filter = 'x'")],
            "c.toml:3: data.filter: unknown key; known: `train`, `schema`, `valid`, `valid_fraction`, `split`, `test`, \
             `columns`, `separator`, `null_values`, `trim`, `on_bad_row`, `shuffle_buffer`, \
             `weight_column`, `group`, `group_weight`",
        ),
        (&[After(AGE, "encodr = 'log'")], "c.toml:8: features.age.encodr: unknown key; did you mean `encoder`?"),
        (
            &[Append("[model]\nmulti_tasks = 'mmoe'")],
            "c.toml:15: model.multi_tasks: unknown key; did you mean `multi_task`?",
        ),
        (&[Append("[model.towers]\nunit = [1]")], "c.toml:15: model.towers.unit: unknown key; did you mean `units`?"),
        (
            &[Append("[train.early_stopping]\npatince=1")],
            "c.toml:14: train.early_stopping: there are no validation rows to watch; set `data.valid` or \
             `data.valid_fraction`\n\
             c.toml:15: train.early_stopping.patince: unknown key; did you mean `patience`?",
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
            &[After(UID, "list = {comb='mean'}")],
            "c.toml:6: features.uid.list.comb: unknown key; did you mean `combiner`?",
        ),
    ]);
}

#[test]
fn wrong_types_and_bounds_say_what_was_expected_and_found() {
    check(&[
        (&[Swap(TRAIN, "train = 3")], "c.toml:2: data.train: expected a path or a list of paths, found 3"),
        (&[Swap(TRAIN, "train = []")], "c.toml:2: data.train: expected at least one file, found an empty list"),
        (
            &[Swap(TRAIN, "train = ['a', 3]")],
            "c.toml:2: data.train: expected a path or a list of paths, found 3 in the list",
        ),
        (&[Swap(TRAIN, "train = ['']")], "c.toml:2: data.train: a path that is empty or holds a zero byte"),
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
        (
            &[Append("[train]\nlearning_rate_decay = 1.1")],
            "c.toml:15: train.learning_rate_decay: expected a number above 0, to 1, found 1.1",
        ),
        (
            &[Append("[train]\naverage_from = 0")],
            "c.toml:15: train.average_from: expected a whole number from 1 to 1000000, found 0",
        ),
        (
            &[Append("[train]\nepochs = 3\naverage_from = 4")],
            "c.toml:16: train.average_from: there are only 3 epochs; raise `train.epochs`, or average from an earlier one",
        ),
        (&[Append("[train]\nshuffle = 1")], "c.toml:15: train.shuffle: expected true or false, found 1"),
        (
            &[Append("[train]\nprecision = 'fp16'")],
            "c.toml:15: train.precision: expected one of \"fp32\", \"bf16\", found the text \"fp16\"; did you mean \"fp32\"?",
        ),
        (
            &[Append("[train]\nnormaliser = 'mean'")],
            "c.toml:15: train.normaliser: expected one of \"weight_sum\", \"batch\", \"count\", \"sum\", found the \
             text \"mean\"",
        ),
        (
            &[Append("[model]\ndropout = 1.0")],
            "c.toml:15: model.dropout: expected a number from 0 to below 1, found 1.0",
        ),
        (&[Append("[model]\nl2 = -0.1")], "c.toml:15: model.l2: expected a number, 0 or above, found -0.1"),
        (&[Append("[model]\nl2 = nan")], "c.toml:15: model.l2: expected a number, 0 or above, found NaN"),
        (
            &[Append("[model]\nactivation = 'rellu'")],
            "c.toml:15: model.activation: expected one of \"linear\", \"relu\", \"leaky_relu\", \"prelu\", \
             \"sigmoid\", \"tanh\", \"gelu\", \"silu\", \"dice\", found the text \"rellu\"; did you mean \"relu\"?",
        ),
        (
            &[Append("[model]\nbatch_norm = 'yes'")],
            "c.toml:15: model.batch_norm: expected true or false, found the text \"yes\"",
        ),
        (&[Append("[model]\ntowers = [64]")], "c.toml:15: model.towers: expected a table, found a list"),
        (
            &[Append("[model.towers]\nunits = 64")],
            "c.toml:15: model.towers.units: expected a list of up to 64 layer widths, each a whole number from 1 to \
             65536, found 64",
        ),
        (
            &[Append("[model.towers]\nunits = [64, 0]")],
            "c.toml:15: model.towers.units: expected a list of up to 64 layer widths, each a whole number from 1 to \
             65536, found 0 in the list",
        ),
        (
            &[Append(
                "[model.towers]\nunits = \
                 [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,\
                 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
            )],
            "c.toml:15: model.towers.units: expected a list of up to 64 layer widths, each a whole number from 1 to \
             65536, found 65 of them",
        ),
        (
            &[Append("[model]\npreset = 'merlyn'")],
            "c.toml:15: model.preset: expected one of \"default\", \"paper\", \"deepctr\", \"merlin\", \"wide_deep\", \
             \"dcn\", \"dcn_v2\", \"pnn\", \"din\", \"dien\", found the text \"merlyn\"; did you mean \"merlin\"?",
        ),
        (
            &[Append("[model]\nlayer_init = 1979-05-27")],
            "c.toml:15: model.layer_init: expected one of \"auto\", \"glorot\", \"normal\", found a date or time",
        ),
        (
            &[After(TRAIN, "separator = ';;'")],
            "c.toml:3: data.separator: expected one ASCII character that is no quote and no line end, as \",\" or \
             \"\\t\", found the text \";;\"",
        ),
        (
            &[After(TRAIN, "separator = '\"'")],
            "c.toml:3: data.separator: expected one ASCII character that is no quote and no line end, as \",\" or \
             \"\\t\", found the text \"\"\"",
        ),
        (&[After(TRAIN, "split = 'tail'")], "c.toml:3: data.split: has no effect without `valid_fraction`; remove it"),
        (
            &[After(TRAIN, "valid_fraction = 0.2\nsplit = 'group:'")],
            "c.toml:4: data.split: expected \"random\", \"tail\" or \"group:COLUMN\", found the text \"group:\"",
        ),
        (
            &[After(TRAIN, "valid_fraction = 1")],
            "c.toml:3: data.valid_fraction: expected a number above 0 and below 1, found 1",
        ),
        (
            &[After(TRAIN, "shuffle_buffer = 100_000_001")],
            "c.toml:3: data.shuffle_buffer: expected a whole number from 1 to 100000000, found 100000001",
        ),
        (
            &[After(TRAIN, "on_bad_row = 'ignore'")],
            "c.toml:3: data.on_bad_row: expected one of \"error\", \"skip\", found the text \"ignore\"",
        ),
        (
            &[After(TRAIN, "null_values = [1]")],
            "c.toml:3: data.null_values: expected a text or a list of texts, found 1 in the list",
        ),
        (&[After(UID, "dim = 0")], "c.toml:6: features.uid.dim: expected a whole number from 1 to 4096, found 0"),
        (
            &[After(UID, "list = 'mean'")],
            "c.toml:6: features.uid.list: expected true, or a table with `combiner`, `max_length` and `separator`, \
             found the text \"mean\"",
        ),
        (
            &[After(UID, "list = {separator = ''}")],
            "c.toml:6: features.uid.list.separator: expected a text of 1 to 16 characters, found the text \"\"",
        ),
        (&[After(LIKE, "weight = 0")], "c.toml:11: tasks.like.weight: expected a number above 0, found 0"),
        (
            &[Whole("data = 3\nmodel = [1]\n[[features]]\nname='a'\nkind='dense'\n[[tasks]]\nname='t'")],
            "c.toml:1: data: expected a table, found 3\n\
             c.toml:2: model: expected a table, found a list",
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
fn without_a_needed_table_the_message_shows_how_to_write_it() {
    check(&[
        (
            &[Whole("")],
            "c.toml: data.train: missing; name the training files, as train = [\"data/train-*.parquet\"]\n\
             c.toml: features: missing; write at least one [[features]] entry\n\
             c.toml: tasks: missing; write at least one [[tasks]] entry",
        ),
        (
            &[Whole("features = 3\ntasks = []\n[data]\ntrain='x'")],
            "c.toml:1: features: expected a list of tables, found 3; write [[features]], in two brackets\n\
             c.toml:2: tasks: empty; write at least one [[tasks]] entry",
        ),
        (
            &[Whole("features = []\n[tasks]\n[data]\ntrain='x'")],
            "c.toml:1: features: empty; write at least one [[features]] entry\n\
             c.toml:2: tasks: expected a list of tables, found a table; write [[tasks]], in two brackets",
        ),
        (
            &[Whole("features = [1]\ntasks = [2]\n[data]\ntrain='x'")],
            "c.toml:1: features[1]: expected a table, found 1\n\
             c.toml:2: tasks[1]: expected a table, found 2",
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
            "c.toml:3:1: not valid TOML: duplicate key\n\
             c.toml:4:3: not valid TOML: unclosed table, expected `]`",
        ),
        (&[Whole("ü = 'a' b")], "c.toml:1:9: not valid TOML: unexpected key or value, expected newline, `#`"),
    ]);
}
