use proptest::prelude::*;
use serde_json::json;

use super::super::{Bounds, Column, Domain, Schema, Tag, ValueCount, ValueType};

/// As Merlin 23.8 writes it.
const MERLIN: &str = include_str!("merlin.pbtxt");

#[test]
fn what_merlin_writes_is_read() {
    let schema = Schema::from_pbtxt(MERLIN, "schema.pbtxt").unwrap();
    assert_eq!(schema.names(), ["user_id", "hist", "vec", "rag", "age", "city", "flag", "click"]);
    let user = schema.get("user_id").unwrap();
    assert_eq!(user.tags, [Tag::User, Tag::Id, Tag::Categorical].into_iter().collect());
    assert_eq!(user.domain, Some(Domain::ints(0, 1000).named("user_id")));
    assert_eq!(user.value_count, None);
    assert_eq!(user.properties["embedding_sizes"], json!({"cardinality": 1001, "dimension": 64}));
    assert_eq!(user.properties["cat_path"], json!(".//categories/unique.user_id.parquet"));
    assert_eq!(user.properties["num_buckets"], json!(null));
    assert_eq!(user.properties["dtype_item_size"], json!(64));
    let hist = schema.get("hist").unwrap();
    assert_eq!(hist.tags, [Tag::Sequence, Tag::Item, Tag::Own("mine".into())].into_iter().collect());
    assert_eq!(hist.value_count, Some(ValueCount { min: 0, max: Some(20) }));
    assert_eq!(hist.domain_name(), Some("item_id"));
    assert_eq!(schema.get("vec").unwrap().value_count.unwrap().fixed(), Some(16));
    assert_eq!(schema.get("rag").unwrap().value_count, Some(ValueCount::default()));
    assert_eq!(schema.get("age").unwrap().domain, Some(Domain::floats(0.0, 1.5)));
    assert_eq!(schema.get("city").unwrap().value_type, None);
    assert_eq!(
        schema.get("click").unwrap().tags,
        [Tag::Target, Tag::Binary, Tag::Classification].into_iter().collect()
    );
}

#[test]
fn what_tensorflow_writes_is_read() {
    let text = r#"
        feature { name: "a" type: BYTES presence { min_fraction: 1.0 } value_count { min: 1 max: 1 } domain: "words" }
        feature { name: "b" type: FLOAT shape { dim { size: 8 } } lifecycle_stage: BETA }
        feature { name: "c" type: FLOAT shape {} float_domain { max: 2.5f } }
        feature { name: "d" type: INT bool_domain { name: "d" } }
        feature { name: "e" annotation { extra_metadata { [type.googleapis.com/google.protobuf.Struct] {
            fields { key: "x" value { list_value { values { number_value: 1.5 } values { bool_value: true } } } }
            fields { key: "y" value { struct_value { fields { key: "z" value { string_value: "w" } } } } }
            fields { key: "is_list" value { bool_value: true } } } } } }
        string_domain { name: "words" value: "x" }
        default_environment: "TRAINING""#;
    let schema = Schema::from_pbtxt(text, "schema.pbtxt").unwrap();
    assert_eq!(schema.get("a").unwrap().value_count, None);
    assert_eq!(schema.get("a").unwrap().domain, Some(Domain::of("words")));
    assert_eq!(schema.get("b").unwrap().value_count.unwrap().fixed(), Some(8));
    assert_eq!(schema.get("c").unwrap().domain, Some(Domain::floats(0.0, 2.5)));
    assert_eq!(schema.get("d").unwrap().value_type, Some(ValueType::Bool));
    let e = schema.get("e").unwrap();
    assert_eq!((&e.properties["x"], &e.properties["y"]), (&json!([1.5, true]), &json!({"z": "w"})));
    assert_eq!((e.properties.len(), e.value_count), (2, Some(ValueCount::default())));
}

#[test]
fn an_error_names_file_line_and_column() {
    for (text, message) in [
        ("", "s.pbtxt: has no `feature`; is this the schema of a table?"),
        ("feature {\n}", "s.pbtxt:1: a feature without a name; write name: \"…\""),
        (
            "feature {\n name: 'a'\n type: DOUBLE }",
            "s.pbtxt:3: column \"a\": expected INT, FLOAT or BYTES, found DOUBLE",
        ),
        ("feature: 1", "s.pbtxt:1: expected `feature { … }`"),
        ("feature { name: 'a' name: 'b' }", "s.pbtxt:1: `name` is written twice; keep one"),
        ("feature { name: 'a' int_domain {\nmax: 1.5 } }", "s.pbtxt:2: column \"a\": `max` cannot be 1.5"),
        (
            "feature { name: 'a' int_domain { max: 99999999999999999999 } }",
            "s.pbtxt:1: column \"a\": `max` cannot be 99999999999999999999",
        ),
        ("feature { name: 'a' value_count { min: -1 } }", "s.pbtxt:1: column \"a\": `min` cannot be -1"),
        (
            "\nfeature { name: 'a' annotation { tag: 'id' tag: 'continuous' } }",
            "s.pbtxt:2: column \"a\": is tagged both \"continuous\" and \"id\"; remove one",
        ),
        (
            "feature { name: 'a' }\nfeature { name: 'a' }",
            "s.pbtxt:2: column \"a\": is there twice; names must be unique",
        ),
        ("feature { name: '\\377' }", "s.pbtxt:1: `name` is not UTF-8 text"),
        (
            "feature { name: 'a' type: STRUCT }",
            "s.pbtxt:1: column \"a\": holds features of its own, which no column does; flatten it",
        ),
        (
            "feature { name: 'a' annotation { extra_metadata { type_url: 'type.googleapis.com/google.protobuf.Struct' value: '\\n\\377' } } }",
            "s.pbtxt:1: column \"a\": properties that end early: the bytes are damaged",
        ),
    ] {
        assert_eq!(Schema::from_pbtxt(text, "s.pbtxt").unwrap_err().to_string(), message, "{text}");
    }
    // A property within a property within …, as bytes.
    let mut bytes = Vec::new();
    for _ in 0..1000 {
        let mut outer = vec![6 << 3 | 2];
        let inner = [&[1 << 3 | 2][..], &varint(bytes.len()), &bytes].concat();
        outer.extend(varint(inner.len()));
        outer.extend(inner);
        bytes = outer;
    }
    let entry = [&[1 << 3 | 2, 1, b'k', 2 << 3 | 2][..], &varint(bytes.len()), &bytes].concat();
    let whole = [&[1 << 3 | 2][..], &varint(entry.len()), &entry].concat();
    assert!(super::wire::decode(&whole).unwrap_err().contains("more than 32 values within each other"));
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn properties() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        (-1_000_000i64..1_000_000).prop_map(|n| json!(n)),
        (0.1f64..0.9).prop_map(|x| json!(x)),
        "\\PC{0,6}".prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| json!(v)),
            prop::collection::btree_map("[a-z\"é]{1,4}", inner, 0..4).prop_map(|m| json!(m)),
        ]
    })
}

fn columns() -> impl Strategy<Value = Column> {
    let kind = prop_oneof![
        (any::<i64>(), any::<i64>()).prop_map(|(a, b)| (Some(ValueType::Int), Some(Domain::ints(a.min(b), a.max(b))))),
        (-9.0f64..9.0).prop_map(|x| (Some(ValueType::Float), Some(Domain::floats(x, x + 1.0)))),
        Just((
            Some(ValueType::Float),
            Some(Domain { name: None, bounds: Bounds::Float { min: Some(-0.5), max: None } })
        )),
        Just((Some(ValueType::Text), None)),
        prop::sample::select(vec![ValueType::Text, ValueType::Int, ValueType::Float])
            .prop_map(|value_type| (Some(value_type), Some(Domain::of("things")))),
        Just((Some(ValueType::Bool), None)),
        Just((None, None)),
    ];
    let tags = prop::collection::vec(
        prop_oneof![
            Just(Tag::User),
            Just(Tag::Item),
            Just(Tag::Id),
            Just(Tag::Categorical),
            Just(Tag::Target),
            Just(Tag::Own("own \"tag\" ü".into()))
        ],
        0..4,
    );
    let counts = prop::option::of((0u64..5, prop::option::of(1u64..4)));
    let named = prop::option::of("[a-z\u{e0}-\u{ef}]{1,5}");
    let more = prop::collection::btree_map("[a-z]{1,5}", properties(), 0..3);
    (kind, tags, counts, named, more).prop_map(|((value_type, domain), tags, count, name, properties)| Column {
        name: String::new(),
        tags: tags.into_iter().collect(),
        value_type,
        domain: domain.map(|domain| Domain { name: domain.name.or(name), ..domain }),
        value_count: count.map(|(min, more)| ValueCount { min, max: more.map(|more| min + more) }),
        properties,
    })
}

proptest! {
    #[test]
    fn a_schema_comes_back_as_it_went(columns in prop::collection::vec(columns(), 1..6)) {
        let named = columns.into_iter().enumerate().map(|(i, column)| column.with_name(format!("c\"\\{i}é")));
        let schema = Schema::new(named.collect()).unwrap();
        prop_assert_eq!(Schema::from_pbtxt(&schema.to_pbtxt(), "s").unwrap(), schema);
    }

    #[test]
    fn no_text_is_fatal(text in "[a-z{}<>\\[\\]:\"'\\\\0-9#\n ,;.\u{0}é-]{0,80}", cut in 0usize..3000) {
        let _ = Schema::from_pbtxt(&text, "s");
        let cut = (0..=cut.min(MERLIN.len())).rev().find(|at| MERLIN.is_char_boundary(*at)).unwrap_or(0);
        let _ = Schema::from_pbtxt(&format!("{}{text}{}", &MERLIN[..cut], &MERLIN[cut..]), "s");
        let _ = super::wire::decode(text.as_bytes());
    }
}
