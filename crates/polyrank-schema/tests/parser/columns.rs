//! `[[columns]]`, `data.schema` and selections: what columns decide, and what overrides it.

use polyrank_schema::config::{Combiner, FeatureKind, RegressionLoss, Side, TaskKind};
use polyrank_schema::table::{Domain, Select, Tag};
use polyrank_schema::{Config, ConfigErrors, Schema, SetOverride, parse_with_files};

use crate::common::REGISTRY;

const COLUMNS: &str = r#"
[data]
train = ["a.parquet"]

[[columns]]
name   = "user_id"
tags   = ["user_id"]
domain = { min = 0, max = 999, name = "user" }

[[columns]]
name   = "item_id"
tags   = ["item", "id"]
type   = "text"
domain = { name = "item" }

[[columns]]
name        = "recent"
tags        = ["user", "sequence"]
type        = "text"
domain      = { name = "item" }
value_count = { max = 20 }

[[columns]]
names = ["age", "price"]
tags  = ["continuous"]

[[columns]]
name = "price"
tags = ["item"]
"#;

/// The columns, price described once, with `more` behind.
fn with(more: &str) -> Result<Config, ConfigErrors> {
    with_sets(more, &[])
}

fn with_sets(more: &str, sets: &[&str]) -> Result<Config, ConfigErrors> {
    let columns = COLUMNS.replace("names = [\"age\", \"price\"]", "name = \"age\"").replace(
        "name = \"price\"\ntags = [\"item\"]",
        "name = \"price\"\ntags = [\"item\", \"continuous\"]\n\n[[columns]]\nname = \"vec\"\ntags = [\"embedding\"]\nvalue_count = 8\n\n\
         [[columns]]\nname = \"at\"\ntype = \"int\"\ntags = [\"time\"]\n\n\
         [[columns]]\nname = \"click\"\ntype = \"int\"\ntags = [\"target\", \"binary\"]\n\n\
         [[columns]]\nname = \"watch\"\ntype = \"float\"\ntags = [\"target\"]",
    );
    let sets: Vec<SetOverride> = sets.iter().map(|set| SetOverride::parse(set).unwrap()).collect();
    polyrank_schema::parse(&format!("{columns}\n{more}"), "c.toml", &REGISTRY, &sets)
}

fn problems(result: Result<Config, ConfigErrors>) -> String {
    result.unwrap_err().to_string()
}

fn kind<'a>(config: &'a Config, name: &str) -> &'a FeatureKind {
    &config.features.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no {name}")).kind
}

fn because<'a>(config: &'a Config, key: &str) -> (&'a str, &'a str) {
    let found =
        config.in_force.iter().find(|c| c.key == key).unwrap_or_else(|| panic!("no {key}: {:#?}", config.in_force));
    (&found.value, &found.because)
}

fn names(config: &Config) -> Vec<&str> {
    config.features.iter().map(|f| f.name.as_str()).collect()
}

#[test]
fn columns_alone_are_features_and_tasks() {
    let config = with("").unwrap();
    assert_eq!(names(&config), ["user_id", "item_id", "recent", "age", "price", "vec"]);
    assert_eq!(config.schema.len(), 9);
    let FeatureKind::Categorical { encoder, list: None, table: None, .. } = kind(&config, "user_id") else { panic!() };
    assert_eq!((encoder.kind.as_str(), encoder.size("size")), ("identity", 1000));
    let FeatureKind::Categorical { encoder, .. } = kind(&config, "item_id") else { panic!() };
    assert_eq!((encoder.kind.as_str(), encoder.int("min_count")), ("vocabulary", 2));
    let FeatureKind::Categorical { list: Some(list), table, encoder, .. } = kind(&config, "recent") else { panic!() };
    assert_eq!((&list.combiner, list.max_length, table.as_deref()), (&Combiner::Mean, Some(20), Some("item_id")));
    assert_eq!(encoder.int("min_count"), 2, "the shared table's");
    assert!(matches!(kind(&config, "age"), FeatureKind::Dense { .. }));
    assert_eq!(kind(&config, "vec"), &FeatureKind::Vector { size: 8 });
    let sides: Vec<Side> = config.features.iter().map(|f| f.side).collect();
    assert_eq!(sides, [Side::Context, Side::Item, Side::Context, Side::Context, Side::Item, Side::Context]);
    let tasks: Vec<(&str, bool)> =
        config.tasks.iter().map(|t| (t.name.as_str(), matches!(t.kind, TaskKind::Binary { .. }))).collect();
    assert_eq!(tasks, [("click", true), ("watch", false)]);

    for (key, value, why) in [
        ("features", "every column that is no target and no time", "default"),
        ("features.user_id.kind", "\"categorical\"", "tag id"),
        ("features.user_id.side", "\"context\"", "tag user"),
        ("features.item_id.side", "\"item\"", "tag item"),
        ("features.user_id.encoder", "{ type = \"identity\", size = 1000 }", "domain to 999"),
        ("features.recent.table", "\"item_id\"", "domain item"),
        ("features.recent.list", "{ combiner = \"mean\", max_length = 20 }", "several values a row"),
        ("features.vec.size", "8", "8 values a row"),
        ("features.age.side", "\"context\"", "default"),
        ("tasks.click.kind", "\"binary\"", "tag binary"),
        ("tasks.watch.kind", "\"regression\"", "type float"),
    ] {
        assert_eq!(because(&config, key), (value, why), "{key}");
    }
}

#[test]
fn a_selection_is_an_entry_a_column() {
    let config = with(
        "[[features]]\nselect = { tags = [\"user\"], exclude = \"recent\" }\ndim = 4\n\n\
         [[features]]\nselect = { all_tags = [\"item\", \"id\"], names = [\"price\"] }\ndim = 16\n\n\
         [[features]]\nname = \"age\"\nside = \"item\"\nencoder = \"log\"\n\n[[tasks]]\nname = \"click\"\nweight = 2.0",
    )
    .unwrap();
    assert_eq!(names(&config), ["user_id", "item_id", "price", "age"]);
    let dim = |name| match kind(&config, name) {
        FeatureKind::Categorical { dim, .. } => *dim,
        _ => None,
    };
    // A dense column cannot have the key, so it does not reach it.
    assert_eq!((dim("user_id"), dim("item_id"), dim("price")), (Some(4), Some(16), None));
    assert_eq!(config.features[3].side, Side::Item);
    assert_eq!(config.tasks.len(), 1);
    assert!(!config.in_force.iter().any(|c| c.key == "features.age.encoder.type"));
}

#[test]
fn labels_are_selected_as_features_are() {
    let more = "[[columns]]\nname = \"like\"\ntags = [\"target\", \"binary\"]\n\n\
                [[columns]]\nname = \"seen\"\ntags = [\"target\", \"regression\"]\n\n";
    let selected = |tasks: &str| with(&format!("{more}{tasks}"));
    let config = selected(
        "[[tasks]]\nselect = { tags = [\"target\"], exclude = [\"like\"] }\nweight = 0.5\n\
         loss = \"mae\"\n[[tasks]]\nname = \"click\"\nweight = 2",
    )
    .unwrap();
    let tasks: Vec<(&str, f64)> = config.tasks.iter().map(|task| (task.name.as_str(), task.weight)).collect();
    assert_eq!(tasks, [("watch", 0.5), ("seen", 0.5), ("click", 2.0)], "the schema's order, and what is named stays");
    assert!(config.tasks[..2].iter().all(|task| task.kind == TaskKind::Regression { loss: RegressionLoss::Mae }));
    let config = selected("[[tasks]]\nselect = { tags = [\"binary\"] }\nclass_weights = [1, 3]").unwrap();
    let tasks: Vec<&str> = config.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!((tasks, config.tasks[1].class_weights.clone()), (vec!["click", "like"], Some(vec![1.0, 3.0])));
    let set = with_sets(&format!("{more}[[tasks]]\nselect = {{}}"), &["tasks.like.weight=3"]).unwrap();
    assert_eq!(set.tasks.iter().map(|task| task.weight).collect::<Vec<_>>(), [1.0, 1.0, 3.0, 1.0]);

    let problem = |tasks: &str| problems(selected(tasks));
    let text = problem("[[tasks]]\nselect = { tags = [\"user\"] }");
    assert!(text.contains("tasks[1].select: no column is left to select; see the tags"), "{text}");
    let text = problem("[[tasks]]\nselect = { tags = [\"binary\"] }\nloss = \"mae\"");
    assert!(text.contains("tasks[1].loss: no selected column can have this"), "{text}");
    let text = problem("[[tasks]]\nselect = { tags = [\"binary\"] }\nwieght = 3");
    assert!(text.contains("unknown key; did you mean `weight`?"), "{text}");
    let plain = "[data]\ntrain = \"a.csv\"\n[[features]]\nname = \"x\"\nkind = \"dense\"\n[[tasks]]\nselect = {}";
    let text = problems(polyrank_schema::parse(plain, "c.toml", &REGISTRY, &[]));
    assert!(text.contains("c.toml:7: tasks[1].select: there are no columns to select from"), "{text}");
}

#[test]
fn what_is_written_wins() {
    let config = with(
        "[[features]]\nnames = [\"user_id\", \"item_id\"]\nencoder = { type = \"hash\", buckets = 10 }\n\n\
         [[features]]\nname = \"mine\"\ncolumn = \"recent\"\nlist = { combiner = \"sum\" }\n\n\
         [[features]]\nname = \"at\"\nkind = \"categorical\"",
    )
    .unwrap();
    for name in ["user_id", "item_id"] {
        let FeatureKind::Categorical { encoder, .. } = kind(&config, name) else { panic!() };
        assert_eq!(encoder.kind, "hash");
    }
    assert_eq!(config.features[0].side, Side::Context);
    assert_eq!(config.features[1].side, Side::Item);
    let FeatureKind::Categorical { list: Some(list), table, .. } = kind(&config, "mine") else { panic!() };
    assert_eq!((&list.combiner, table.as_deref()), (&Combiner::Sum, Some("item_id")));
    let FeatureKind::Categorical { encoder, .. } = kind(&config, "at") else { panic!() };
    assert_eq!(encoder.kind, "vocabulary");
    // A named column is not selected besides.
    let config = with("[[features]]\nselect = {}\n\n[[features]]\nname = \"age\"\nencoder = \"log\"").unwrap();
    assert_eq!(names(&config), ["user_id", "item_id", "recent", "price", "vec", "age"]);
    // A time is a feature if asked for.
    let config = with("[[features]]\nselect = { tags = [\"time\", \"id\"] }").unwrap();
    assert_eq!(names(&config), ["user_id", "item_id", "at"]);
}

#[test]
fn overrides_reach_what_columns_made() {
    let config = with_sets("", &["features.dim=12", "features.age.encoder=log", "tasks.watch.loss=mae"]).unwrap();
    let FeatureKind::Categorical { dim, .. } = kind(&config, "user_id") else { panic!() };
    assert_eq!(*dim, Some(12));
    assert!(matches!(kind(&config, "age"), FeatureKind::Dense { encoder, .. } if encoder.kind == "log"));
    // Another kind is decided anew, and a part of a decided block can be changed.
    let sets = ["features.user_id.kind=dense", "features.recent.list.max_length=5"];
    let config = with_sets("", &sets).unwrap();
    assert!(matches!(kind(&config, "user_id"), FeatureKind::Dense { encoder, .. } if encoder.kind == "min_max"));
    let FeatureKind::Categorical { list: Some(list), .. } = kind(&config, "recent") else { panic!() };
    assert_eq!((&list.combiner, list.max_length), (&Combiner::Mean, Some(5)));
    // With an encoder of its own a list does not share the table, and the owner is the next.
    let config = with_sets("", &["features.recent.encoder=vocabulary"]).unwrap();
    assert!(matches!(kind(&config, "recent"), FeatureKind::Categorical { table: None, .. }));
    let config = with_sets(
        "",
        &[
            "columns=[{ name = \"x\", tags = [\"continuous\"] }, { name = \"y\", type = \"bool\", tags = [\"target\"] }]",
        ],
    );
    assert_eq!(names(&config.unwrap()), ["x"]);
}

#[test]
fn a_preset_with_a_sequence_encoder_reads_sequences_beside_the_candidate() {
    let config = with("[model]\npreset = \"din\"").unwrap();
    let FeatureKind::Categorical { list: Some(list), .. } = kind(&config, "recent") else { panic!() };
    let Combiner::Sequence(block) = &list.combiner else { panic!("{list:?}") };
    assert_eq!((block.kind.as_str(), block.text("target"), list.max_length), ("din", "item_id", Some(20)));
}

#[test]
fn what_does_not_fit_is_said_where_it_stands() {
    let problem = |more: &str| problems(with(more));
    assert!(
        problems(polyrank_schema::parse(COLUMNS, "c.toml", &REGISTRY, &[]))
            .contains("c.toml:27: columns.price: another entry describes the column \"price\"; describe it in one")
    );
    let text = problem("[[columns]]\nname = \"x\"\ntags = [\"usr\"]");
    assert!(text.contains("columns.x.tags: no tag is named \"usr\"; did you mean \"user\"?"), "{text}");
    let text = problem("[[columns]]\nname = \"x\"\ntags = [\"id\", \"continuous\"]");
    assert!(text.contains("is tagged both \"continuous\" and \"id\""), "{text}");
    let text = problem("[[columns]]\nname = \"x\"\ntype = \"int\"");
    assert!(text.contains("features.x.kind: the column \"x\" does not say what it is; tag it"), "{text}");
    let text = problem("[[columns]]\nname = \"x\"\ntags = [\"target\"]");
    assert!(text.contains("tasks.x.kind: the column \"x\" does not say what it is"), "{text}");
    let text = problem("[[columns]]\nname = \"x\"\ndomain = { min = 2, max = 1 }\ntags = [\"categorical\"]");
    assert!(text.contains("`min` is above its `max`"), "{text}");
    let text = problem("[[columns]]\nname = \"x\"\nvalue_count = { min = -1 }\ntags = [\"list\"]");
    assert!(text.contains("columns.x.value_count.min: expected a whole number from 0"), "{text}");

    let text = problem("[[features]]\nselect = { tags = [\"itm\"] }");
    assert!(text.contains("features[1].select.tags: no tag is named \"itm\"; did you mean \"item\"?"), "{text}");
    let text = problem("[[features]]\nselect = { names = [\"agee\"] }");
    assert!(text.contains("features[1].select.names: no column is named \"agee\"; did you mean \"age\"?"), "{text}");
    let text = problem("[[features]]\nselect = { tags = [\"session\"] }");
    assert!(text.contains("features[1].select: no column is left to select"), "{text}");
    let text = problem("[[features]]\nselect = { tag = [\"user\"] }");
    assert!(text.contains("features[1].select.tag: unknown key; did you mean `tags`?"), "{text}");
    let text = problem("[[features]]\nselect = { tags = [\"user\"] }\n[[features]]\nselect = { tags = [\"id\"] }");
    assert!(text.contains("features[2].select: another entry selects the column \"user_id\" already"), "{text}");
    let text = problem("[[features]]\nselect = { tags = [\"user\"] }\nsize = 3");
    assert!(text.contains("features[1].size: no selected column can have this"), "{text}");
    let text = problem("[[features]]\nname = \"a\"\nselect = { tags = [\"user\"] }");
    assert!(text.contains("`name` beside `select`"), "{text}");
    // One fault, however many columns it reaches.
    let text = problem("[[features]]\nselect = { tags = [\"user\", \"item\"] }\nsid = \"item\"");
    assert_eq!(text.matches("unknown key").count(), 1, "{text}");
    let plain = "[data]\ntrain = \"a.csv\"\n[[features]]\nselect = {}\n[[tasks]]\nname = \"y\"";
    let text = problems(polyrank_schema::parse(plain, "c.toml", &REGISTRY, &[]));
    assert!(text.contains("c.toml:4: features[1].select: there are no columns to select from"), "{text}");
}

#[test]
fn a_schema_from_a_file_with_columns_laid_over_it() {
    let schema = Schema::new(vec![
        polyrank_schema::Column::new("uid")
            .with_type(polyrank_schema::table::ValueType::Int)
            .with_tags([Tag::User, Tag::Categorical, Tag::Own("mine".into())])
            .with_domain(Domain::ints(0, 9)),
        polyrank_schema::Column::new("y").with_tags([Tag::Target, Tag::Binary]),
        polyrank_schema::Column::new("z").with_tags([Tag::Categorical]),
    ])
    .unwrap();
    let text = schema.to_pbtxt();
    let open = |path: &str| match path {
        "s.pbtxt" => Ok(text.clone()),
        "bad.pbtxt" => Ok("feature {".to_owned()),
        other => Err(format!("{other}: no such file")),
    };
    let parse = |toml: &str| parse_with_files(toml, "c.toml", &REGISTRY, &[], &open);
    let head = "[data]\ntrain = \"a.csv\"\nschema = \"s.pbtxt\"\n";
    let config = parse(head).unwrap();
    assert_eq!((names(&config), config.tasks.len()), (vec!["uid", "z"], 1));
    assert_eq!(config.schema, schema);
    let config = parse(&format!("{head}[[columns]]\nname = \"z\"\ntags = \"continuous\"")).unwrap();
    assert!(matches!(kind(&config, "z"), FeatureKind::Dense { .. }));
    // A tag of the schema's own selects, and a name that is no tag at all does not.
    let config = parse(&format!("{head}[[features]]\nselect = {{ tags = [\"mine\"] }}")).unwrap();
    assert_eq!(names(&config), ["uid"]);
    assert_eq!(config.schema.select(&Select::tags([Tag::Own("mine".into())])).unwrap().len(), 1);

    let text = problems(parse(&head.replace("s.pbtxt", "none.pbtxt")));
    assert!(text.contains("c.toml:3: data.schema: none.pbtxt: no such file"), "{text}");
    let text = problems(parse(&head.replace("s.pbtxt", "bad.pbtxt")));
    assert!(text.contains("data.schema: bad.pbtxt:1: the file ends within a message"), "{text}");
    let text = problems(polyrank_schema::parse(head, "c.toml", &REGISTRY, &[]));
    assert!(text.contains("no files can be opened here"), "{text}");
}

#[test]
fn a_stored_configuration_keeps_its_columns_and_an_old_one_has_none() {
    let config = with("").unwrap();
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(Config::from_json(&text, "config.json", &REGISTRY).unwrap(), config);
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    old.as_object_mut().unwrap().remove("schema");
    assert!(Config::from_json(&old.to_string(), "config.json", &REGISTRY).unwrap().schema.is_empty());
    let bad = text.replace("[\"id\",\"user\"]", "[\"id\",\"continuous\"]");
    assert_ne!(bad, text);
    assert!(problems(Config::from_json(&bad, "config.json", &REGISTRY)).contains("is tagged both"));
}

#[test]
fn the_table_of_a_configuration_tells_what_its_features_are() {
    let text = "[data]\ntrain = \"a.csv\"\n\n[[columns]]\nname = \"uid\"\ntags = [\"user\"]\n\n\
                [[features]]\nname = \"uid\"\nkind = \"categorical\"\nencoder = { type = \"identity\", size = 10 }\n\n\
                [[features]]\nname = \"item\"\nkind = \"categorical\"\nside = \"item\"\n\n\
                [[features]]\nname = \"last\"\nkind = \"categorical\"\ntable = \"item\"\nlist = { max_length = 5 }\n\n\
                [[features]]\nname = \"age\"\nkind = \"dense\"\n\n[[features]]\nname = \"v\"\nkind = \"vector\"\nsize = 3\n\n\
                [[tasks]]\nname = \"y\"\n\n[[tasks]]\nname = \"z\"\nkind = \"regression\"";
    let table = polyrank_schema::parse(text, "c.toml", &REGISTRY, &[]).unwrap().table();
    assert_eq!(table.names(), ["uid", "item", "last", "age", "v", "y", "z"]);
    let tags = |name: &str| table.get(name).unwrap().tags.iter().map(Tag::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(tags("uid"), "categorical user");
    assert_eq!(tags("item"), "categorical item");
    assert_eq!(tags("age"), "continuous context");
    assert_eq!((tags("y"), tags("z")), ("target binary".to_owned(), "target regression".to_owned()));
    assert_eq!(table.get("uid").unwrap().cardinality(), Some(10));
    assert_eq!(
        (table.get("item").unwrap().domain_name(), table.get("last").unwrap().domain_name()),
        (Some("item"), Some("item"))
    );
    assert_eq!(table.get("last").unwrap().value_count.unwrap().max, Some(5));
    assert_eq!(table.get("v").unwrap().value_count.unwrap().fixed(), Some(3));
    // The schema that is written decides the same again.
    let open = |_: &str| Ok(table.to_pbtxt());
    let again = "[data]\ntrain = \"a.csv\"\nschema = \"s.pbtxt\"";
    let again = parse_with_files(again, "c.toml", &REGISTRY, &[], &open).unwrap();
    assert_eq!(names(&again), ["uid", "item", "last", "age", "v"]);
    let FeatureKind::Categorical { table: Some(owner), list: Some(list), .. } = kind(&again, "last") else { panic!() };
    assert_eq!((owner.as_str(), list.max_length), ("item", Some(5)));
}

#[test]
fn a_label_of_several_classes_has_those_of_its_domain() {
    let config = with(
        "[[columns]]\nname = \"stars\"\ntags = [\"target\", \"multi_class\"]\ndomain = { min = 1, max = 5 }\n\n\
         [[columns]]\nname = \"level\"\ntags = [\"target\", \"categorical\"]\ndomain = { min = 0, max = 2 }",
    )
    .unwrap();
    let classes = |name: &str| match &config.tasks.iter().find(|t| t.name == name).unwrap().kind {
        TaskKind::MultiClass { classes } => classes.join(" "),
        other => panic!("{other:?}"),
    };
    assert_eq!((classes("stars"), classes("level")), ("1 2 3 4 5".to_owned(), "0 1 2".to_owned()));
    assert_eq!(because(&config, "tasks.level.classes"), ("3", "domain 0 to 2"));
    assert_eq!(config.table().get("stars").unwrap().cardinality(), Some(6));
    let text = problems(with("[[columns]]\nname = \"stars\"\ntags = [\"target\", \"multi_class\"]"));
    assert!(text.contains("tasks.stars.classes: missing"), "{text}");
}
