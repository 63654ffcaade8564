//! Sequence encoders of lists and embeddings of numbers: where they are written, and what must fit together.

use polyrank_schema::Config;
use polyrank_schema::config::{Combiner, FeatureKind, List};

use crate::common::Edit::{After, Append};
use crate::common::{AGE_KIND, BASE, REGISTRY, UID, check, parse};

/// A list of the table of `uid`, which it is compared with.
const SEEN: &str = "[[features]]\nname = 'seen'\nkind = 'categorical'\ntable = 'uid'\n";

fn with_list(list: &str) -> String {
    format!("{BASE}{SEEN}list = {list}\n")
}

fn list(config: &Config) -> List {
    match &config.features[2].kind {
        FeatureKind::Categorical { list: Some(list), .. } => list.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sequence_encoder_stands_where_a_pooling_does() {
    let config = parse(&with_list("{ combiner = 'din', target = 'uid', max_length = 5, separator = ',' }"), &[]);
    let list = list(&config);
    assert_eq!((list.max_length, list.separator.as_str()), (Some(5), ","));
    let Combiner::Sequence(block) = &list.combiner else { panic!("{list:?}") };
    assert_eq!((block.kind.as_str(), block.text("target"), block.units("units")), ("din", "uid", &[36][..]));
    let noted = |key: &str| config.in_force.iter().any(|f| f.key == key);
    assert!(noted("features.seen.list.units") && !noted("features.seen.list.combiner"));
    // Poolings are stored as they always were, and both kinds come back.
    assert_eq!(serde_json::to_string(&Combiner::Mean).unwrap(), "\"mean\"");
    let stored = serde_json::to_string(&config).unwrap();
    assert_eq!(Config::from_json(&stored, "schema.json", &REGISTRY).unwrap(), config);
    let set = parse(
        &with_list("{ combiner = 'mean' }"),
        &["features.seen.list.combiner=din", "features.seen.list.max_length=9", "features.seen.list.target=uid"],
    );
    assert!(matches!(crate::sequences::list(&set).combiner, Combiner::Sequence(_)));
}

#[test]
fn sequences_that_do_not_fit() {
    let seen = |list: &'static str| Append(Box::leak(format!("{SEEN}list = {list}\n").into_boxed_str()));
    check(&[
        (
            &[seen("{ combiner = 'dinn' }")],
            "c.toml:18: features.seen.list.combiner: expected one of \"mean\", \"sum\", \"max\", \"din\", found the text \
             \"dinn\"; did you mean \"din\"?",
        ),
        (
            &[seen("{ combiner = 'din', target = 'uid' }")],
            "c.toml:18: features.seen.list.max_length: missing; set it to how many of the last values a sequence \
             keeps, 1 to 1000",
        ),
        (
            &[seen("{ combiner = 'din', target = 'uid', max_length = 1001 }")],
            "c.toml:18: features.seen.list.max_length: expected a whole number from 1 to 1000, found 1001",
        ),
        (
            &[seen("{ combiner = 'din', max_length = 5 }")],
            "c.toml:18: features.seen.list.target: missing; set it to a text of up to 1024 characters",
        ),
        (
            &[seen("{ combiner = 'din', target = 'uid', max_length = 5, unit = [3] }")],
            "c.toml:18: features.seen.list.unit: unknown key; did you mean `units`?",
        ),
        (
            &[seen("{ combiner = 'din', target = 'uib', max_length = 5 }")],
            "c.toml:18: features.seen.list.target: no feature is named \"uib\"; did you mean \"uid\"?",
        ),
        (
            &[seen("{ combiner = 'din', target = 'age', max_length = 5 }")],
            "c.toml:18: features.seen.list.target: \"age\" is no categorical feature with one value a row; name the \
             candidate's, as \"item_id\"",
        ),
        (
            &[
                seen("{ combiner = 'din', target = 'gid', max_length = 5 }"),
                Append("[[features]]\nname = 'gid'\nkind = 'categorical'\n"),
            ],
            "c.toml:18: features.seen.list.target: \"gid\" has another table, and the two are compared in one; write \
             table = \"gid\" for the list",
        ),
    ]);
}

#[test]
fn embeddings_of_numbers() {
    let config = parse(BASE, &["features.age.embedding=linear"]);
    let FeatureKind::Dense { embedding: Some(block), .. } = &config.features[1].kind else { panic!() };
    assert_eq!((block.kind.as_str(), block.int("dim")), ("linear", 8));
    let stored = serde_json::to_string(&config).unwrap();
    assert_eq!(Config::from_json(&stored, "schema.json", &REGISTRY).unwrap(), config);
    // A feature without one is stored as it always was.
    let plain = serde_json::to_string(&parse(BASE, &[]).features[1]).unwrap();
    assert!(!plain.contains("embedding"), "{plain}");
    check(&[
        (
            &[After(UID, "embedding = 'linear'")],
            "c.toml:6: features.uid.embedding: belongs to features of kind \"dense\"; `dim` is a categorical feature's; \
             remove it",
        ),
        (
            &[After(AGE_KIND, "encoder = { type = 'bucketize', quantiles = 4 }\nembedding = 'linear'")],
            "c.toml:10: features.age.embedding: a bucket has an embedding row already; remove it",
        ),
        (
            &[After(AGE_KIND, "encoder = 'piecewise_linear'\nembedding = 'periodic'")],
            "c.toml:10: features.age.embedding: \"periodic\" takes one number, and the encoder gives several; write type \
             = \"linear\", or another encoder",
        ),
        (
            &[
                After(AGE_KIND, "embedding = { shared = true }"),
                Append("[[features]]\nname = 'b'\nkind = 'dense'\nembedding = { shared = true, dim = 4 }\n"),
            ],
            "c.toml:18: features.b.embedding: shares its parameters with \"age\", which is written otherwise; write both \
             alike, or leave `shared` out",
        ),
    ]);
}
