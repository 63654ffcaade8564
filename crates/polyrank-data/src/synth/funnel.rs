//! A shop's funnel: what was shown (a row), clicked, and then liked or bought, with the user's history of items.

use super::design::{Column, Content, Design, Form, Knobs, Owner, Task, TaskKind};

pub(super) fn design() -> Design {
    use Content::{Category, History, Id, Number, Time};
    let column = |name: &str, owner: Owner, content: Content, form: Form| Column {
        name: name.to_owned(),
        owner,
        content,
        form,
        list: None,
    };
    let task = |name: &str, rate: f64, after: Option<&str>| Task {
        name: name.to_owned(),
        kind: TaskKind::Binary { rate },
        after: after.map(str::to_owned),
        form: Form::Int8,
    };
    let recent = column("recent_items", Owner::User, History { first: 0 }, Form::Int64);
    Design {
        columns: vec![
            column("time", Owner::Context, Time, Form::Int64),
            column("session_id", Owner::Context, Id { first: 0, limit: None }, Form::Int64),
            column("user_id", Owner::User, Id { first: 0, limit: None }, Form::Int64),
            column("city", Owner::User, Category { first: 0, values: 100 }, Form::Text),
            column("user_age", Owner::User, Number { min: 16.0, max: 80.0 }, Form::Int32),
            column("item_id", Owner::Item, Id { first: 0, limit: None }, Form::Int64),
            column("category", Owner::Item, Category { first: 0, values: 50 }, Form::Int64),
            column("brand", Owner::Item, Category { first: 0, values: 300 }, Form::Int64),
            column("price", Owner::Item, Number { min: 1.0, max: 200.0 }, Form::Float32),
            column("position", Owner::Context, Category { first: 1, values: 20 }, Form::Int32),
            Column { list: Some((0, 20)), ..recent },
        ],
        tasks: vec![task("click", 0.10, None), task("like", 0.02, Some("click")), task("buy", 0.005, Some("click"))],
        users: 20_000,
        items: 5_000,
        knobs: Knobs::default(),
    }
}
