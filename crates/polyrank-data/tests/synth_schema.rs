//! Rows of a schema: what tags, domains and value counts say holds of every row.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use polyrank_data::synth::{Design, Rows, Wishes, World};
use polyrank_schema::table::{Column, Domain, Schema, Tag, ValueType};

const ROWS: u64 = 20_000;

fn made(columns: Vec<Column>) -> RecordBatch {
    World::new(Design::of(&Schema::new(columns).unwrap()).unwrap(), 1).unwrap().rows(0..ROWS, true)
}

fn failure(columns: Vec<Column>) -> String {
    let design = Design::of(&Schema::new(columns).unwrap());
    design.and_then(|design| World::new(design, 1)).unwrap_err().to_string()
}

fn id(name: &str, of: Tag, domain: Domain) -> Column {
    Column::new(name).with_tags([of, Tag::Id]).with_type(ValueType::Int).with_domain(domain)
}

fn click() -> Column {
    Column::new("click").with_tags([Tag::Target, Tag::Binary]).with_type(ValueType::Int)
}

fn ints<'a>(batch: &'a RecordBatch, name: &str) -> &'a [i64] {
    batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values()
}

fn floats<'a>(batch: &'a RecordBatch, name: &str) -> &'a [f32] {
    batch.column_by_name(name).unwrap().as_primitive::<Float32Type>().values()
}

#[test]
fn values_lie_in_their_domains_and_lists_have_their_lengths() {
    let numbers = |name: &str, of: Tag| Column::new(name).with_tags([of, Tag::Continuous]);
    let batch = made(vec![
        id("user", Tag::User, Domain::ints(1, 400)),
        id("item", Tag::Item, Domain::ints(-5, 94).named("items")),
        id("session", Tag::Session, Domain::ints(0, 99_999)),
        Column::new("recent")
            .with_tags([Tag::Sequence])
            .with_domain(Domain::ints(-5, 94).named("items"))
            .with_value_count(2, Some(5)),
        Column::new("genres")
            .with_tags([Tag::Item, Tag::Categorical])
            .with_domain(Domain::ints(3, 9))
            .with_value_count(0, Some(3)),
        numbers("price", Tag::Item).with_type(ValueType::Float).with_domain(Domain::floats(-1.0, 2.5)),
        numbers("age", Tag::User).with_type(ValueType::Int).with_domain(Domain::ints(16, 80)),
        Column::new("city").with_tags([Tag::User]).with_type(ValueType::Text),
        Column::new("bundle").with_tags([Tag::Item, Tag::Embedding]).with_value_count(8, Some(8)),
        Column::new("hour").with_tags([Tag::Context]).with_domain(Domain::ints(0, 23)),
        Column::new("when").with_tags([Tag::Time]).with_type(ValueType::Int),
        click(),
        Column::new("stars")
            .with_tags([Tag::Target, Tag::Regression])
            .with_type(ValueType::Int)
            .with_domain(Domain::ints(1, 5)),
    ]);
    for (name, low, high) in
        [("user", 1, 400), ("item", -5, 94), ("session", 0, 99_999), ("age", 16, 80), ("hour", 0, 23), ("stars", 1, 5)]
    {
        let values = ints(&batch, name);
        assert!(values.iter().all(|x| (low..=high).contains(x)), "{name}");
        let distinct = values.iter().collect::<HashSet<_>>().len() as i64;
        assert!(distinct > (high - low).min(2000) * 3 / 4, "{name}: {distinct} values");
    }
    assert!(floats(&batch, "price").iter().all(|x| (-1.0..=2.5).contains(x)));
    assert!(ints(&batch, "when").is_sorted());
    for (name, shortest, longest, low, high) in [("recent", 2, 5, -5, 94), ("genres", 0, 3, 3, 9)] {
        let lists = batch.column_by_name(name).unwrap().as_list::<i32>();
        let lengths: HashSet<usize> = (0..lists.len()).map(|row| lists.value(row).len()).collect();
        assert_eq!(lengths, (shortest..=longest).collect(), "{name}");
        let values = lists.values().as_primitive::<Int64Type>().values();
        assert!(values.iter().all(|x| (low..=high).contains(x)), "{name}");
    }
    let vectors = batch.column_by_name("bundle").unwrap().as_list::<i32>();
    assert!((0..vectors.len()).all(|row| vectors.value(row).len() == 8));
    assert!(batch.column_by_name("city").unwrap().as_string::<i32>().value(0).starts_with("city_"));
    assert!(batch.column_by_name("click_probability").is_some() && batch.column_by_name("stars_mean").is_some());
}

/// What a column tells of the user or item is the same in every row of that user or item.
#[test]
fn what_is_tagged_user_or_item_is_a_function_of_the_user_or_item() {
    let batch = made(vec![
        id("user", Tag::User, Domain::ints(0, 99)),
        id("item", Tag::Item, Domain::ints(0, 99)),
        Column::new("city").with_tags([Tag::User]).with_type(ValueType::Int),
        Column::new("brand").with_tags([Tag::Item]).with_type(ValueType::Int),
        Column::new("page").with_tags([Tag::Context]).with_type(ValueType::Int),
        click(),
    ]);
    let pairs =
        |owner: &str, value: &str| ints(&batch, owner).iter().zip(ints(&batch, value)).collect::<HashSet<_>>().len();
    let distinct = |name: &str| ints(&batch, name).iter().collect::<HashSet<_>>().len();
    assert_eq!(pairs("user", "city"), distinct("user"));
    assert_eq!(pairs("item", "brand"), distinct("item"));
    assert!(pairs("user", "page") > 5 * distinct("user"));
    assert!(pairs("item", "city") > 5 * distinct("item"));
}

#[test]
fn a_target_says_its_rate_and_what_it_comes_after() {
    let like = Column::new("like")
        .with_tags([Tag::Target, Tag::Binary])
        .with_property("rate", 0.02)
        .with_property("after", "click");
    let batch = made(vec![
        id("user", Tag::User, Domain::ints(0, 999)),
        id("item", Tag::Item, Domain::ints(0, 999)),
        click().with_property("rate", 0.3),
        like,
    ]);
    let of = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int8Type>().values().to_vec();
    let (click, like) = (of("click"), of("like"));
    let share = |labels: &[i8]| labels.iter().filter(|y| **y == 1).count() as f64 / ROWS as f64;
    assert!((share(&click) - 0.3).abs() < 0.015 && (share(&like) - 0.02).abs() < 0.004);
    assert!(click.iter().zip(&like).all(|(click, like)| like <= click));
}

/// Each class comes as often as asked for, and as often as the probabilities beside the labels say; what other tasks like
/// makes the higher classes likelier.
#[test]
fn labels_of_several_classes_follow_their_probabilities() {
    let stars = Column::new("stars").with_tags([Tag::Target, Tag::MultiClass]).with_domain(Domain::ints(1, 4));
    let columns = |noise: f64| {
        let rates = vec![0.1, 0.2, 0.4, 0.3];
        let schema = Schema::new(vec![
            id("user", Tag::User, Domain::ints(0, 999)),
            id("item", Tag::Item, Domain::ints(0, 999)),
            click().with_property("rate", 0.3),
            stars.clone().with_property("rates", rates),
        ]);
        let wishes = Wishes { noise: Some(noise), ..Wishes::default() };
        World::new(wishes.applied(Design::of(&schema.unwrap()).unwrap()).unwrap(), 1).unwrap().rows(0..ROWS, true)
    };
    for noise in [0.0, 0.3] {
        let batch = columns(noise);
        let stars = ints(&batch, "stars");
        let truth = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().values().to_vec();
        let p: Vec<Vec<f64>> = (1..=4).map(|class| truth(&format!("stars_probability_{class}"))).collect();
        assert!((0..stars.len()).all(|row| (p.iter().map(|p| p[row]).sum::<f64>() - 1.0).abs() < 1e-12));
        for ((class, p), rate) in (1..=4).zip(&p).zip([0.1, 0.2, 0.4, 0.3]) {
            let share = stars.iter().filter(|label| **label == class).count() as f64 / ROWS as f64;
            let mean = p.iter().sum::<f64>() / ROWS as f64;
            assert!((mean - rate).abs() < 0.02 && (share - mean).abs() < 0.015, "{class}: {share}, {mean} for {rate}");
            // Of rows with about the same probability as many are of the class.
            let mut order: Vec<usize> = (0..stars.len()).collect();
            order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
            for part in order.chunks(4000) {
                let found = part.iter().filter(|row| stars[**row] == class).count() as f64 / 4000.0;
                let told = part.iter().map(|row| p[*row]).sum::<f64>() / 4000.0;
                assert!((found - told).abs() < 0.04, "{class}: {found} for {told}");
            }
        }
        let clicks = truth("click_probability");
        let mean_where = |liked: bool| {
            let rows: Vec<f64> =
                (0..stars.len()).filter(|r| (clicks[*r] > 0.3) == liked).map(|r| stars[r] as f64).collect();
            rows.iter().sum::<f64>() / rows.len() as f64
        };
        assert!(mean_where(true) > mean_where(false) + 0.1, "{} {}", mean_where(true), mean_where(false));
    }
}

#[test]
fn what_cannot_be_made_up_is_said() {
    let user = || id("user", Tag::User, Domain::ints(0, 9));
    assert!(failure(vec![user()]).contains("tagged `target`"));
    let classes = Column::new("mood").with_tags([Tag::Target, Tag::MultiClass]);
    assert!(
        failure(vec![user(), classes.clone()])
            .contains("`mood`: labels of several classes are the numbers of a domain")
    );
    let many = classes.clone().with_domain(Domain::ints(1, 65));
    assert!(failure(vec![user(), many]).contains("65 numbers; from 2 to 64"));
    let classes = classes.with_domain(Domain::ints(1, 3));
    let rates = |rates: &[f64]| classes.clone().with_property("rates", rates);
    assert!(failure(vec![user(), rates(&[0.5, 0.5])]).contains("`mood`: several classes have `rates`"));
    assert!(failure(vec![user(), rates(&[0.5, 0.4, 0.2])]).contains("sum to 1"));
    let design = Design::of(&Schema::new(vec![user(), classes]).unwrap()).unwrap();
    let wish = Wishes { rates: vec![("mood".to_owned(), 0.3)], ..Wishes::default() };
    assert!(wish.applied(design).unwrap_err().to_string().contains("property `rates`"));
    let after = click().with_property("after", "view");
    assert!(failure(vec![user(), after]).contains("`view`, which is no task before it"));
    let vector = Column::new("v").with_tags([Tag::Item, Tag::Embedding]).with_value_count(0, Some(8));
    assert!(failure(vec![user(), vector, click()]).contains("`v`"));
    let long = Column::new("l").with_tags([Tag::User, Tag::List]).with_value_count(0, Some(1 << 40));
    assert!(failure(vec![user(), long, click()]).contains("numbers"));
    let taken = Column::new("click_probability").with_type(ValueType::Int);
    assert!(failure(vec![user(), taken, click()]).contains("twice"));
    assert!(failure(vec![user(), click().with_property("rate", 1.5)]).contains("above 0 and below 1"));
    // The whole range of integers is a domain; how many values a category may have is bounded.
    let wide = Column::new("w").with_domain(Domain::ints(i64::MIN, i64::MAX));
    let said = World::new(Design::of(&Schema::new(vec![user(), wide, click()]).unwrap()).unwrap(), 1);
    assert!(said.is_ok() || said.unwrap_err().to_string().contains("`w`"));
}
