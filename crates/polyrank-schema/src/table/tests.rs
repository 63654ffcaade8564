use super::*;

/// The columns of TenRec's video rows, as Merlin's example describes them.
fn tenrec() -> Schema {
    let ids = |name: &str, most: i64| Column::new(name).with_type(ValueType::Int).with_domain(Domain::ints(0, most));
    Schema::new(vec![
        ids("user_id", 5000).with_tags([Tag::User, Tag::Id, Tag::Categorical]),
        ids("item_id", 9000).with_tags([Tag::Item, Tag::Id, Tag::Categorical]),
        ids("gender", 2).with_tags([Tag::User, Tag::Categorical]),
        ids("recent", 9000).with_tags([Tag::User, Tag::Sequence]).with_value_count(0, Some(20)),
        ids("click", 1).with_tags([Tag::Target, Tag::Binary]),
        Column::new("watching_times").with_type(ValueType::Float).with_tags([Tag::Target, Tag::Regression]),
    ])
    .unwrap()
}

#[test]
fn columns_are_chosen_by_tag_and_by_name() {
    let schema = tenrec();
    assert_eq!(schema.select_tags(&[Tag::User]).names(), ["user_id", "gender", "recent"]);
    assert_eq!(schema.select_tags(&[Tag::Item, Tag::Regression]).names(), ["item_id", "watching_times"]);
    assert_eq!(schema.select(&Select::all_tags([Tag::User, Tag::Id])).unwrap().names(), ["user_id"]);
    assert_eq!(schema.exclude_tags(&[Tag::Target, Tag::Id]).names(), ["gender", "recent"]);
    assert_eq!(schema.targets().names(), ["click", "watching_times"]);
    assert_eq!(schema.select_names(&["click", "user_id"]).unwrap().names(), ["user_id", "click"]);
    assert_eq!(schema.without(&["click", "recent"]).unwrap().len(), 4);
    assert_eq!(schema.first().unwrap().name, "user_id");

    let some = Select { names: vec!["click".into()], ..Select::tags([Tag::User]) };
    let fewer = some.excluding(Select::all_tags([Tag::User, Tag::Id])).excluding(Select::names(["recent"]));
    assert_eq!(schema.select(&fewer).unwrap().names(), ["gender", "click"]);
    assert_eq!(schema.select(&Select::default()).unwrap(), schema);
    let rest = Select::default().excluding(Select::tags([Tag::Target]));
    assert_eq!(schema.select(&rest).unwrap().len(), 4);
}

#[test]
fn a_name_that_no_column_has_is_an_error_that_names_the_nearest() {
    let error = tenrec().without(&["clik"]).unwrap_err().to_string();
    assert_eq!(error, "no column is named \"clik\"; did you mean \"click\"?");
    let within = Select::tags([Tag::User]).excluding(Select::names(["gendr"]));
    assert!(tenrec().select(&within).unwrap_err().to_string().contains("\"gender\""));
}

#[test]
fn sums_and_differences() {
    let schema = tenrec();
    let (users, items) = (schema.select_tags(&[Tag::User]), schema.select_tags(&[Tag::Item]));
    assert_eq!((&users + &items).names(), ["user_id", "gender", "recent", "item_id"]);
    assert_eq!((&schema - &users).names(), ["item_id", "click", "watching_times"]);
    // Laid over what is there: tags that collide give way, other tags and the domain stay.
    let over = Schema::new(vec![Column::new("gender").with_tags([Tag::Continuous])]).unwrap();
    let gender = (&schema + &over).get("gender").cloned().unwrap();
    assert_eq!(gender.tags, [Tag::User, Tag::Continuous].into_iter().collect());
    assert_eq!(gender.cardinality(), Some(3));
    assert_eq!((&schema + &schema), schema);
    let text = Schema::new(vec![Column::new("gender").with_type(ValueType::Text)]).unwrap();
    assert_eq!((&schema + &text).get("gender").unwrap().domain, None);
    let ages = Schema::new(vec![Column::new("gender").with_domain(Domain::floats(0.5, 2.0))]).unwrap();
    assert_eq!((&schema + &ages).get("gender").unwrap().value_type, None);
}

#[test]
fn what_no_schema_holds() {
    let fault = |columns: Vec<Column>| Schema::new(columns).unwrap_err().to_string();
    let tagged = |tags: &[Tag]| Column { tags: tags.iter().cloned().collect(), ..Column::new("a") };
    assert_eq!(
        fault(vec![tagged(&[Tag::Continuous, Tag::Categorical])]),
        "column \"a\": is tagged both \"categorical\" and \"continuous\"; remove one"
    );
    for tags in [[Tag::Id, Tag::Continuous], [Tag::Id, Tag::Embedding], [Tag::Binary, Tag::Regression]] {
        assert!(fault(vec![tagged(&tags)]).contains("is tagged both"), "{tags:?}");
    }
    assert!(fault(vec![Column::new("a"), Column::new("a")]).contains("is there twice"));
    assert!(fault(vec![Column::new("")]).contains("an empty name"));
    assert!(fault(vec![Column::new("a\nb")]).contains("control character"));
    assert!(fault(vec![Column::new("a").with_tags([Tag::Own(" x".into())])]).contains("as a tag"));
    assert!(fault(vec![Column::new("a").with_domain(Domain::ints(2, 1))]).contains("`min` is above"));
    assert!(fault(vec![Column::new("a").with_domain(Domain::floats(0.0, f64::NAN))]).contains("no finite number"));
    assert!(fault(vec![Column::new("a").with_value_count(2, Some(1))]).contains("value count"));
    let text = Column::new("a").with_type(ValueType::Text).with_domain(Domain::ints(0, 1));
    assert!(fault(vec![text]).contains("another type of number"));
}

#[test]
fn tags_by_name() {
    assert_eq!(Tag::known("multi_class"), Ok(vec![Tag::MultiClass]));
    assert_eq!(Tag::known("user_id"), Ok(vec![Tag::User, Tag::Id]));
    assert_eq!(Tag::read("mine"), [Tag::Own("mine".into())]);
    assert_eq!(Tag::known("usr"), Err("no tag is named \"usr\"; did you mean \"user\"?".into()));
    assert!(Tag::known("zzzzzzzz").unwrap_err().contains("known: \"categorical\""));
}

#[test]
fn a_schema_survives_json_and_is_checked_on_the_way_in() {
    let schema = tenrec();
    let text = serde_json::to_string(&schema).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    let bad = r#"[{"name": "a", "tags": ["continuous", "categorical"]}]"#;
    assert!(serde_json::from_str::<Schema>(bad).unwrap_err().to_string().contains("is tagged both"));
}

#[test]
fn cardinalities_count_from_zero() {
    let of = |domain: Domain| Column::new("a").with_domain(domain).cardinality();
    assert_eq!(of(Domain::ints(1, 9)), Some(10));
    assert_eq!(of(Domain::ints(-1, 9)), None);
    assert_eq!(of(Domain::ints(0, i64::MAX)), Some(1 << 63));
    assert_eq!(of(Domain::floats(0.0, 9.0)), None);
    assert_eq!(Column::new("a").with_type(ValueType::Bool).cardinality(), Some(2));
}
