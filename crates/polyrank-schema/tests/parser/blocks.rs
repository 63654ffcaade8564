//! Blocks against the registry: each problem with its exact message.

use crate::common::Edit::{After, Append, Swap};
use crate::common::{AGE, UID, WATCH, check};

#[test]
fn blocks_are_checked_against_the_registry() {
    check(&[
        (
            &[Append("[model]\nmulti_task = 'mmo'")],
            "c.toml:15: model.multi_task: unknown type \"mmo\"; did you mean \"mmoe\"?",
        ),
        (
            &[Append("[model]\nmulti_task = { type = 'zzz' }")],
            "c.toml:15: model.multi_task: unknown type \"zzz\"; known: \"single\", \"shared_bottom\", \"omoe\", \
             \"mmoe\"",
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
            "c.toml:15: model.multi_task.expert_units: expected a list of up to 64 layer widths, each a whole number \
             from 1 to 65536, found 0 in the list",
        ),
        (
            &[Append("[model]\nmulti_task = { counts = [1, 9] }")],
            "c.toml:15: model.multi_task.counts: expected a whole number from 0 to 8, or a list of 1 to 1000 of them, \
             found a list",
        ),
        (
            &[Append("[model]\nmulti_task = { counts = -1 }")],
            "c.toml:15: model.multi_task.counts: expected a whole number from 0 to 8, or a list of 1 to 1000 of them, \
             found -1",
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
            "c.toml:15: model.multi_task.gate_input: expected one of \"previous\", \"input\", found the text \
             \"inputs\"",
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
            &[After(UID, "encoder = 'hash'")],
            "c.toml:6: features.uid.encoder.buckets: missing; set it to a whole number from 1 to 1000000",
        ),
        (
            &[After(UID, "encoder = 'min_max'")],
            "c.toml:6: features.uid.encoder: unknown type \"min_max\"; known: \"vocabulary\", \"hash\", \"identity\"",
        ),
        (
            &[After(AGE, "encoder = 'bucketize'")],
            "c.toml:8: features.age.encoder: bucketize needs one of `boundaries` and `quantiles`",
        ),
        (
            &[After(AGE, "encoder = {type='bucketize', boundaries=[2,1]}")],
            "c.toml:8: features.age.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found 1 \
             in the list",
        ),
        (
            &[After(AGE, "encoder = {type='bucketize', boundaries=[]}")],
            "c.toml:8: features.age.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found 0 \
             of them",
        ),
        (
            &[After(AGE, "encoder = {type='bucketize', boundaries=[1, inf]}")],
            "c.toml:8: features.age.encoder.boundaries: expected a list of 1 to 4096 strictly rising numbers, found \
             inf in the list",
        ),
        (
            &[After(WATCH, "[model]\nmulti_task = 'mmoe'"), Swap("[[tasks]]\nname = \"like\"\n", "")],
            "c.toml:13: model.multi_task: it needs two tasks or more; write type = \"single\" for one",
        ),
    ]);
}
