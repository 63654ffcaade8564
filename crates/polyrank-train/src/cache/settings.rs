//! The part of a configuration that decides what becomes of a raw row, and where two of them differ.

use polyrank_schema::config::{
    Combiner, FeatureKind, RegressionLoss, Side, Split, TaskKind, Validation, WeightSchedule,
};
use polyrank_schema::{Block, Config};
use serde_json::{Map, Value, json};

/// The most differences that are told.
const MOST: usize = 5;

/// What decides what becomes of a raw row. Files are left out, for they may move; so is all that only the network
/// knows of, so that one cache serves many networks.
pub(super) fn of(config: &Config) -> serde_json::Result<Value> {
    let mut config = config.clone();
    for feature in &mut config.features {
        feature.side = Side::Context;
        feature.pretrained = None;
        match &mut feature.kind {
            FeatureKind::Categorical { dim, list, .. } => {
                *dim = None;
                match list.as_mut().map(|list| &mut list.combiner) {
                    // Any of them reads the last values, the others the first.
                    Some(Combiner::Sequence(block)) => {
                        *block = Block { kind: "sequence".to_owned(), options: [].into() }
                    }
                    Some(combiner) => *combiner = Combiner::Mean,
                    None => {}
                }
            }
            FeatureKind::Dense { embedding, .. } => *embedding = None,
            FeatureKind::Bucketized { dim, .. } => *dim = None,
            FeatureKind::Vector { .. } => {}
        }
    }
    for task in &mut config.tasks {
        task.weight = 1.0;
        task.weight_schedule = WeightSchedule::Constant;
        if let TaskKind::Regression { loss } = &mut task.kind {
            *loss = RegressionLoss::Mse;
        }
    }
    let valid = match &config.data.valid {
        Validation::Files(_) => json!("files"),
        other => serde_json::to_value(other)?,
    };
    // Which rows validate by chance, follows from the seed.
    let seeded = matches!(&config.data.valid, Validation::Fraction { split: Split::Random | Split::Group(_), .. });
    Ok(json!({
        "data": {
            "valid": valid,
            "reading": config.data.reading,
            "weight_column": config.data.weight_column,
            "group": config.data.group.map(|group| group.column),
        },
        "operators": config.operators,
        "features": config.features,
        "tasks": config.tasks,
        "train": { "seed": seeded.then_some(config.train.seed) },
    }))
}

/// Where the settings of a cache are others than those of a configuration, in words; nothing if they are the same.
pub(super) fn differences(config: &Config, cached: &Value) -> serde_json::Result<Vec<String>> {
    let mut found = Vec::new();
    compare("", cached, &of(config)?, &mut found);
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    found.extend((more > 0).then(|| format!("and {more} more")));
    Ok(found)
}

/// The most characters of a value that are told.
const MOST_SHOWN: usize = 80;

/// Keys of the saved form that no configuration file has.
const UNSAID: [&str; 9] =
    ["kind", "categorical", "dense", "bucketized", "vector", "binary", "regression", "multi_class", "reading"];

fn compare(path: &str, cached: &Value, ours: &Value, found: &mut Vec<String>) {
    let inner = |key: &str| match (path.is_empty(), UNSAID.contains(&key)) {
        (true, _) => key.to_owned(),
        (_, true) => path.to_owned(),
        (_, false) => format!("{path}.{key}"),
    };
    match (cached, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                compare(&inner(key), of_key(a, key), of_key(b, key), found);
            }
        }
        // Features, tasks and operators have names.
        (Value::Array(a), Value::Array(b)) if names(a).is_some() && names(b).is_some() => named(path, a, b, found),
        _ if cached == ours => {}
        _ => found.push(format!("`{path}` is {} in the cache and {} here", shown(cached), shown(ours))),
    }
}

fn of_key<'a>(object: &'a Map<String, Value>, key: &str) -> &'a Value {
    object.get(key).unwrap_or(&Value::Null)
}

/// The names of things that all have one.
fn names(things: &[Value]) -> Option<Vec<&str>> {
    things.iter().map(|thing| thing.get("name").and_then(Value::as_str)).collect()
}

/// Compares things by their names.
fn named(path: &str, cached: &[Value], ours: &[Value], found: &mut Vec<String>) {
    let [theirs, here] = [cached, ours].map(|things| names(things).unwrap_or_default());
    if theirs == here {
        for ((a, b), name) in cached.iter().zip(ours).zip(here) {
            compare(&format!("{path}.{name}"), a, b, found);
        }
        return;
    }
    let before = found.len();
    found.extend(
        theirs.iter().filter(|name| !here.contains(name)).map(|name| format!("`{path}.{name}` is in the cache alone")),
    );
    found.extend(
        here.iter().filter(|name| !theirs.contains(name)).map(|name| format!("`{path}.{name}` is not in the cache")),
    );
    if found.len() == before {
        found.push(format!("`{path}` are in another order in the cache"));
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return "not set".to_owned();
    }
    let text = value.to_string();
    let cut: String = text.chars().take(MOST_SHOWN).collect();
    if cut.len() < text.len() { cut + "…" } else { text }
}
