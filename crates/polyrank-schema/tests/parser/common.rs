//! A small registry, as the crates that own the blocks would state it, and a configuration to vary.

use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, Config, OptionSpec, Preset, Registry, SetOverride};

const fn option(key: &'static str, kind: OptionKind, default: OptionDefault) -> OptionSpec {
    OptionSpec { key, kind, default, doc: "" }
}

const fn block(name: &'static str, options: &'static [OptionSpec]) -> BlockSpec {
    BlockSpec { name, doc: "", options, check: no_further_check }
}

const COUNT: OptionKind = OptionKind::Int { min: 1, max: 1_000_000 };
const UNBOUNDED: OptionKind = OptionKind::Float { min: 0.0, max: f64::MAX };

const CATEGORICAL: &[BlockSpec] = &[
    block(
        "vocabulary",
        &[
            option("min_count", COUNT, OptionDefault::Always(Literal::Int(1))),
            option("oov_buckets", COUNT, OptionDefault::Always(Literal::Int(1))),
        ],
    ),
    block("hash", &[option("buckets", COUNT, OptionDefault::Required)]),
    block("identity", &[option("size", COUNT, OptionDefault::Absent)]),
];

const DENSE: &[BlockSpec] = &[
    block("none", &[]),
    block("min_max", &[]),
    block("standard", &[]),
    block("log", &[]),
    block("piecewise_linear", &[option("bins", COUNT, OptionDefault::Always(Literal::Int(16)))]),
    BlockSpec {
        name: "bucketize",
        doc: "",
        options: &[
            option("boundaries", OptionKind::Rising, OptionDefault::Absent),
            option("quantiles", OptionKind::Int { min: 2, max: 1024 }, OptionDefault::Absent),
        ],
        check: |block, _| match block.has("boundaries") == block.has("quantiles") {
            true => Err("bucketize needs one of `boundaries` and `quantiles`".to_owned()),
            false => Ok(()),
        },
    },
];

const NUMBERS: &[BlockSpec] = &[
    block(
        "linear",
        &[
            option("dim", COUNT, OptionDefault::Always(Literal::Int(8))),
            option("shared", OptionKind::Bool, OptionDefault::Always(Literal::Bool(false))),
        ],
    ),
    block("periodic", &[option("shared", OptionKind::Bool, OptionDefault::Always(Literal::Bool(false)))]),
];

const SEQUENCES: &[BlockSpec] = &[block(
    "din",
    &[
        option("target", OptionKind::Text, OptionDefault::Required),
        option("units", OptionKind::Units, OptionDefault::Always(Literal::Units(&[36]))),
    ],
)];

const INTERACTIONS: &[BlockSpec] = &[block("none", &[])];

const EXPERTS: &[OptionSpec] = &[
    option("experts", OptionKind::Int { min: 1, max: 256 }, OptionDefault::Always(Literal::Int(3))),
    option("expert_units", OptionKind::Units, OptionDefault::Always(Literal::Units(&[256, 128]))),
    option(
        "gate_units",
        OptionKind::Units,
        OptionDefault::ByPreset(|preset| match preset {
            Preset::Deepctr => Literal::Units(&[64]),
            _ => Literal::Units(&[]),
        }),
    ),
    option("counts", OptionKind::Counts { min: 0, max: 8 }, OptionDefault::Absent),
    option("temperature", OptionKind::Float { min: 0.01, max: 100.0 }, OptionDefault::Always(Literal::Float(1.0))),
    option("gate_bias", OptionKind::Bool, OptionDefault::Always(Literal::Bool(false))),
    option("gate_input", OptionKind::Name(&["previous", "input"]), OptionDefault::Always(Literal::Text("previous"))),
];

const fn experts(name: &'static str) -> BlockSpec {
    BlockSpec {
        name,
        doc: "",
        options: EXPERTS,
        check: |_, context| match context.tasks.len() {
            0 | 1 => Err("it needs two tasks or more; write type = \"single\" for one".to_owned()),
            _ => Ok(()),
        },
    }
}

const MULTI_TASKS: &[BlockSpec] = &[
    block("single", &[]),
    block("shared_bottom", &[option("units", OptionKind::Units, OptionDefault::Always(Literal::Units(&[256, 128])))]),
    experts("omoe"),
    experts("mmoe"),
];

const LEARNING_RATE: OptionSpec = option(
    "learning_rate",
    UNBOUNDED,
    OptionDefault::ByPreset(|preset| match preset {
        Preset::Merlin => Literal::Float(0.001),
        _ => Literal::Float(0.01),
    }),
);

const OPTIMIZERS: &[BlockSpec] = &[
    block("sgd", &[LEARNING_RATE]),
    block(
        "adagrad",
        &[
            LEARNING_RATE,
            option(
                "accumulator",
                UNBOUNDED,
                OptionDefault::ByPreset(|preset| match preset {
                    Preset::Merlin => Literal::Float(0.1),
                    _ => Literal::Float(0.0),
                }),
            ),
            option("eps", UNBOUNDED, OptionDefault::Always(Literal::Float(1e-10))),
        ],
    ),
    block("adam", &[LEARNING_RATE, option("note", OptionKind::Text, OptionDefault::Absent)]),
];

pub const REGISTRY: Registry<'static> = Registry {
    operators: &[],
    categorical_encoders: CATEGORICAL,
    dense_encoders: DENSE,
    number_embeddings: NUMBERS,
    sequences: SEQUENCES,
    interactions: INTERACTIONS,
    multi_tasks: MULTI_TASKS,
    optimizers: OPTIMIZERS,
};

/// Two features, two tasks; line 1 is `[data]`.
pub const BASE: &str = "\
    [data]
train = \"train.csv\"
[[features]]
name = \"uid\"
kind = \"categorical\"
[[features]]
name = \"age\"
kind = \"dense\"
[[tasks]]
name = \"like\"
[[tasks]]
name = \"watch\"
kind = \"regression\"
";

/// The example of the reference, with the keys that exist.
pub const EXAMPLE: &str = r#"
[data]
train   = ["data/train-*.parquet"]
valid   = ["data/valid.parquet"]
test    = []
columns = ["uid", "user_city", "item_id", "recent_items", "duration_time", "finish", "like"]
separator = "\t"
null_values = ["\\N"]

[[features]]
names   = ["uid", "item_id"]
kind    = "categorical"
side    = "context"
dim     = 16
encoder = { type = "vocabulary", min_count = 10, oov_buckets = 1 }

[[features]]
name  = "recent_items"
kind  = "categorical"
list  = { combiner = "mean", max_length = 50, separator = "|" }
table = "item_id"

[[features]]
name    = "duration_time"
kind    = "dense"
encoder = { type = "min_max" }

[[features]]
name    = "duration_bucket"
kind    = "dense"
column  = "duration_time"
dim     = 4
encoder = { type = "bucketize", boundaries = [1, 2.5, 10] }

[[features]]
name   = "title"
column = "user_city"
kind   = "vector"
size   = 3

[[tasks]]
name = "finish"
kind = "binary"
positive = [1, "yes", true, 2.0]

[[tasks]]
name = "like"
kind = "regression"
loss = "huber"
delta = 0.5
weight = 0.25

[model]
preset      = "default"
interaction = { type = "none" }
multi_task  = { type = "mmoe", experts = 3, expert_units = [256, 128], gate_units = [64] }
towers      = { units = [64] }

[train]
batch_size     = 4096
epochs         = 3
optimizer      = { type = "adagrad", learning_rate = 0.01 }
early_stopping = { metric = "mean.auc", patience = 2 }
precision      = "fp32"
"#;

pub fn sets(texts: &[&str]) -> Vec<SetOverride> {
    texts.iter().map(|t| SetOverride::parse(t).unwrap()).collect()
}

pub fn parse(text: &str, set: &[&str]) -> Config {
    polyrank_schema::parse(text, "c.toml", &REGISTRY, &sets(set)).unwrap_or_else(|e| panic!("{e}"))
}

/// The messages of a text that has problems.
pub fn problems(text: &str, set: &[&str]) -> String {
    match polyrank_schema::parse(text, "c.toml", &REGISTRY, &sets(set)) {
        Ok(_) => "no problem".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

pub fn encoder(config: &Config, feature: &str) -> Block {
    use polyrank_schema::config::FeatureKind;
    let feature = config.features.iter().find(|f| f.name == feature).unwrap();
    match &feature.kind {
        FeatureKind::Categorical { encoder, .. }
        | FeatureKind::Dense { encoder, .. }
        | FeatureKind::Bucketized { encoder, .. } => encoder.clone(),
        FeatureKind::Vector { .. } => panic!("a vector has no encoder"),
    }
}

/// What changes in the base configuration.
pub enum Edit {
    /// The first line in place of the second.
    Swap(&'static str, &'static str),
    /// The second line behind the first.
    After(&'static str, &'static str),
    /// These lines at the end.
    Append(&'static str),
    /// This text in place of all.
    Whole(&'static str),
}

/// Lines of the base configuration that edits refer to.
pub const TRAIN: &str = "train = \"train.csv\"";
pub const UID: &str = "kind = \"categorical\"";
pub const AGE: &str = "name = \"age\"";
pub const AGE_KIND: &str = "kind = \"dense\"";
pub const LIKE: &str = "name = \"like\"";
pub const WATCH: &str = "kind = \"regression\"";

/// Edits the base configuration and compares all its messages.
pub fn check(cases: &[(&[Edit], &str)]) {
    for (edits, expected) in cases {
        let mut text = BASE.to_owned();
        for edit in *edits {
            match edit {
                Edit::Swap(from, to) => {
                    assert!(text.contains(from), "the base has no {from}");
                    text = text.replacen(from, to, 1);
                }
                Edit::After(line, more) => {
                    assert!(text.contains(line), "the base has no {line}");
                    text = text.replacen(line, &format!("{line}\n{more}"), 1);
                }
                Edit::Append(more) => text.push_str(more),
                Edit::Whole(all) => text = (*all).to_owned(),
            }
        }
        assert_eq!(problems(&text, &[]), *expected, "\n{text}");
    }
}
