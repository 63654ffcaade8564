//! Rows shaped as those of TenRec (Yuan et al. 2022): a video feed with four yes-or-no labels and how often it was watched.
//!
//! Rates are those of its QK-video part once rows are kept that were clicked, or have no label at all. Whoever likes,
//! shares, follows or watches has clicked before.

use super::design::{Column, Content, Design, Form, Knobs, Owner, Task, TaskKind};

pub(super) fn design() -> Design {
    let category = |name: &str, owner: Owner, values: u64| Column {
        name: name.to_owned(),
        owner,
        content: Content::Category { first: 0, values },
        form: Form::Int64,
        list: None,
    };
    let id = |name: &str, owner: Owner| Column {
        name: name.to_owned(),
        owner,
        content: Content::Id { first: 0, limit: None },
        form: Form::Int64,
        list: None,
    };
    let label = |name: &str, rate: f64, after: Option<&str>| Task {
        name: name.to_owned(),
        kind: TaskKind::Binary { rate },
        after: after.map(str::to_owned),
        form: Form::Int8,
    };
    Design {
        columns: vec![
            id("user_id", Owner::User),
            id("item_id", Owner::Item),
            category("video_category", Owner::Item, 30),
            category("gender", Owner::User, 3),
            category("age", Owner::User, 8),
        ],
        tasks: vec![
            label("click", 0.29, None),
            label("like", 0.0113, Some("click")),
            label("share", 0.0011, Some("click")),
            label("follow", 0.0010, Some("click")),
            Task {
                name: "watching_times".to_owned(),
                kind: TaskKind::Amount { mean: 0.5 },
                after: Some("click".to_owned()),
                form: Form::Int32,
            },
        ],
        users: 20_000,
        items: 5_000,
        knobs: Knobs::default(),
    }
}
