//! What must hold between keys: the parser and the check of a stored configuration ask the same questions.

mod operators;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Combiner, Config, FeatureKind, List, TaskKind, Validation};
use crate::error::{Quote, printable, suggestion};
use crate::limits::{FEATURES, NAME_CHARS, TASKS};
use crate::metric::{Metric, MetricKind};
use crate::read::Context;
use crate::spec::{Block, Registry};
use operators::Columns;

/// The option of a sequence encoder that names the feature which it compares a list with.
const TARGET: &str = "target";
/// The encoder of numbers that gives several columns, and the one embedding that takes them.
const PIECEWISE_LINEAR: &str = "piecewise_linear";
const LINEAR: &str = "linear";
/// The block that makes the towers' layers as its own.
const PEPNET: &str = "pepnet";

/// The key under which messages name each operator, each feature and each task.
pub(crate) struct Labels {
    pub(crate) operators: Vec<String>,
    pub(crate) features: Vec<String>,
    pub(crate) tasks: Vec<String>,
}

/// Reports what does not fit together. An empty name or column is one that could not be read: it was reported.
pub(crate) fn check(ctx: &mut Context, config: &Config, labels: &Labels, registry: &Registry<'_>) {
    check_files(ctx, config);
    let features: Vec<(&str, &str)> =
        labels.features.iter().zip(&config.features).map(|(l, f)| (l.as_str(), f.name.as_str())).collect();
    check_names(ctx, "feature", &features, FEATURES);
    let tasks: Vec<(&str, &str)> =
        labels.tasks.iter().zip(&config.tasks).map(|(l, t)| (l.as_str(), t.name.as_str())).collect();
    check_names(ctx, "task", &tasks, TASKS);
    for (label, _) in tasks.iter().filter(|(_, name)| *name == "mean") {
        let hint = Some("rename it: `mean.auc` is the mean over tasks".to_owned());
        ctx.report(&format!("{label}.name"), "a task cannot be named \"mean\"".to_owned(), hint);
    }
    check_tables(ctx, config, labels);
    check_targets(ctx, config, labels);
    check_embeddings(ctx, config, labels);
    check_pretrained(ctx, config, labels);
    let columns = operators::check(ctx, config, labels, registry);
    check_columns(ctx, config, labels, &columns);
    check_labels(ctx, config, labels, &columns);
    check_scores(ctx, config, labels);
    check_metrics(ctx, config);
    check_average(ctx, config);
    check_towers(ctx, config);
}

/// PEPNet has no towers of its own: their layers go on above the task's, gated like them.
fn check_towers(ctx: &mut Context, config: &Config) {
    let layers = &config.model.tower_layers;
    let keys = [
        ("activation", layers.activation.is_some()),
        ("dropout", layers.dropout.is_some()),
        ("batch_norm", layers.batch_norm.is_some()),
    ];
    for (key, _) in keys.into_iter().filter(|(_, written)| *written && config.model.multi_task.kind == PEPNET) {
        let message = "has no effect with multi_task = \"pepnet\", whose layers are all alike".to_owned();
        ctx.report(&format!("model.towers.{key}"), message, Some("remove it".to_owned()));
    }
}

fn check_files(ctx: &mut Context, config: &Config) {
    let empty: &[String] = &[];
    let valid = if let Validation::Files(files) = &config.data.valid { files } else { empty };
    for (key, files) in
        [("data.train", &config.data.train[..]), ("data.valid", valid), ("data.test", &config.data.test)]
    {
        if files.iter().any(|f| f.is_empty() || f.contains('\0')) {
            ctx.report(key, "a path that is empty or holds a zero byte".to_owned(), None);
        }
    }
}

/// Why a text cannot name a feature, a task or a column.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("an empty name".to_owned());
    }
    if name.chars().count() > NAME_CHARS {
        return Some(format!("a name of more than {NAME_CHARS} characters"));
    }
    if name.chars().any(char::is_control) {
        return Some(format!("a control character in the name \"{}\"", printable(name)));
    }
    (name.trim() != name).then(|| format!("spaces around the name \"{name}\""))
}

fn check_names(ctx: &mut Context, what: &str, names: &[(&str, &str)], most: usize) {
    if names.len() > most {
        ctx.report(&format!("{what}s"), format!("{} {what}s, at most {most} are allowed", names.len()), None);
    }
    let mut seen = BTreeSet::new();
    for (label, name) in names {
        let key = format!("{label}.name");
        if !name.is_empty()
            && let Some(fault) = name_fault(name)
        {
            ctx.report(&key, fault, None);
        }
        if !name.is_empty() && !seen.insert(*name) {
            let message = format!("another {what} is named \"{}\"", printable(name));
            ctx.report(&key, message, Some("names must be unique".to_owned()));
        }
    }
}

fn check_tables(ctx: &mut Context, config: &Config, labels: &Labels) {
    let by_name: BTreeMap<&str, &FeatureKind> =
        config.features.iter().rev().map(|f| (f.name.as_str(), &f.kind)).collect();
    for (feature, label) in config.features.iter().zip(&labels.features) {
        let FeatureKind::Categorical { dim, table: Some(table), .. } = &feature.kind else { continue };
        let key = format!("{label}.table");
        let shown = printable(table);
        match by_name.get(table.as_str()) {
            _ if *table == feature.name => {
                ctx.report(&key, "a feature cannot share its own table".to_owned(), Some("remove it".to_owned()));
            }
            None => {
                let names: Vec<&str> = by_name.keys().copied().filter(|n| *n != feature.name).collect();
                let hint = if ctx.problems.full() { None } else { suggestion(table, &names, Quote::Value) };
                ctx.report(&key, format!("no feature is named \"{shown}\""), hint);
            }
            Some(FeatureKind::Categorical { table: Some(owner), .. }) => {
                let hint = Some(format!("name the feature that has it: \"{}\"", printable(owner)));
                ctx.report(&key, format!("\"{shown}\" itself shares a table"), hint);
            }
            Some(FeatureKind::Categorical { dim: owner, encoder, .. }) if dim != owner && !encoder.kind.is_empty() => {
                let owner = owner.map_or("from its number of values".to_owned(), |d| d.to_string());
                let message = format!("the table of \"{shown}\" has another dimension, {owner}");
                ctx.report(&format!("{label}.dim"), message, Some("leave `dim` out".to_owned()));
            }
            Some(FeatureKind::Categorical { .. }) => {}
            Some(_) => {
                ctx.report(&key, format!("\"{shown}\" is no categorical feature: it has no table to share"), None)
            }
        }
    }
}

/// What a sequence encoder compares a list with: one value of the same table.
fn check_targets(ctx: &mut Context, config: &Config, labels: &Labels) {
    for (feature, label) in config.features.iter().zip(&labels.features) {
        let FeatureKind::Categorical { list: Some(List { combiner: Combiner::Sequence(block), .. }), table, .. } =
            &feature.kind
        else {
            continue;
        };
        // A missing or unreadable target was reported as such.
        let target = block.text(TARGET);
        if target.is_empty() {
            continue;
        }
        let (key, shown) = (format!("{label}.list.{TARGET}"), printable(target));
        let owner = table.as_deref().unwrap_or(&feature.name);
        match config.features.iter().find(|f| f.name == target).map(|f| &f.kind) {
            None => {
                let names: Vec<&str> = config.features.iter().map(|f| f.name.as_str()).collect();
                let hint = if ctx.problems.full() { None } else { suggestion(target, &names, Quote::Value) };
                ctx.report(&key, format!("no feature is named \"{shown}\""), hint);
            }
            // Of a feature that could not be read nothing is known.
            Some(FeatureKind::Categorical { encoder, .. }) if encoder.kind.is_empty() => {}
            Some(FeatureKind::Categorical { list: None, table: other, .. }) => {
                let other = other.as_deref().unwrap_or(target);
                if other != owner {
                    let message = format!("\"{shown}\" has another table, and the two are compared in one");
                    let hint = format!("write table = \"{}\" for the list", printable(other));
                    ctx.report(&key, message, Some(hint));
                }
            }
            Some(_) => {
                let message = format!("\"{shown}\" is no categorical feature with one value a row");
                ctx.report(&key, message, Some("name the candidate's, as \"item_id\"".to_owned()));
            }
        }
    }
}

/// Vectors are looked up by value, and are rows of the feature's own table.
fn check_pretrained(ctx: &mut Context, config: &Config, labels: &Labels) {
    for (feature, label) in config.features.iter().zip(&labels.features) {
        let Some(vectors) = &feature.pretrained else { continue };
        let key = format!("{label}.pretrained");
        let (problem, hint) = match &feature.kind {
            // Of a feature that could not be read nothing is known.
            FeatureKind::Categorical { encoder, table: None, .. } if encoder.kind.is_empty() => continue,
            FeatureKind::Categorical { table: Some(_), .. } => {
                ("belongs to the feature whose table this one shares", "move it there")
            }
            FeatureKind::Categorical { encoder, .. }
                if !["vocabulary", "identity"].contains(&encoder.kind.as_str()) =>
            {
                ("needs a row for each value", "use the encoder \"vocabulary\" or \"identity\"")
            }
            FeatureKind::Categorical { dim: None, .. } => ("needs `dim`", "set it to the vectors' length"),
            FeatureKind::Categorical { .. } if vectors.file.contains('\0') => {
                ("a path that holds a zero byte", "name the file with the vectors")
            }
            FeatureKind::Categorical { .. } => continue,
            FeatureKind::Dense { .. } | FeatureKind::Bucketized { .. } | FeatureKind::Vector { .. } => {
                ("belongs to features of kind \"categorical\"", "remove it")
            }
        };
        ctx.report(&key, problem.to_owned(), Some(hint.to_owned()));
    }
}

/// Embeddings of numbers fit what their encoders give, and those that share parameters are alike.
fn check_embeddings(ctx: &mut Context, config: &Config, labels: &Labels) {
    let mut shared: BTreeMap<&str, (&str, &Block, i64)> = BTreeMap::new();
    for (feature, label) in config.features.iter().zip(&labels.features) {
        let FeatureKind::Dense { encoder, embedding: Some(block) } = &feature.kind else { continue };
        let key = format!("{label}.embedding");
        let several = encoder.kind == PIECEWISE_LINEAR;
        if several && block.kind != LINEAR {
            let message = format!("\"{}\" takes one number, and the encoder gives several", printable(&block.kind));
            ctx.report(&key, message, Some(format!("write type = \"{LINEAR}\", or another encoder")));
        }
        if !block.flag("shared") {
            continue;
        }
        let columns = if several { encoder.int("bins") } else { 1 };
        let (first, other, other_columns) =
            *shared.entry(block.kind.as_str()).or_insert((feature.name.as_str(), block, columns));
        if (other, other_columns) != (block, columns) {
            let message = format!("shares its parameters with \"{}\", which is written otherwise", printable(first));
            ctx.report(&key, message, Some("write both alike, or leave `shared` out".to_owned()));
        }
    }
}

fn check_columns(ctx: &mut Context, config: &Config, labels: &Labels, columns: &Columns) {
    let features = config.features.iter().zip(&labels.features).map(|(f, l)| (l, &f.name, &f.column));
    let tasks = config.tasks.iter().zip(&labels.tasks).map(|(t, l)| (l, &t.name, &t.column));
    // A column named as its feature or task shares that name's faults, which were reported.
    let named = features.chain(tasks).map(|(l, name, column)| (format!("{l}.column"), column, name == column));
    let group = config.group_column().map(str::to_owned);
    let split = group.iter().map(|c| ("data.split".to_owned(), c, false));
    let data = &config.data;
    let weight = data.weight_column.iter().map(|c| ("data.weight_column".to_owned(), c, false));
    let grouped = data.group.iter().map(|group| ("data.group".to_owned(), &group.column, false));
    let weights = config.tasks.iter().zip(&labels.tasks).flat_map(|(t, l)| {
        let weights = t.weight_columns.iter().map(move |c| (format!("{l}.weight_columns"), c, false));
        let when = t.when.iter().flat_map(|when| when.columns());
        weights.chain(when.map(move |c| (format!("{l}.when"), c, false)))
    });
    let mut listed = BTreeSet::new();
    for column in config.data.reading.columns.iter().flatten() {
        if let Some(fault) = name_fault(column) {
            ctx.report("data.columns", fault, None);
        }
        if !listed.insert(column.as_str()) {
            ctx.report("data.columns", format!("\"{}\" is listed twice", printable(column)), None);
        }
    }
    for (key, column, reported) in
        named.chain(split).chain(weight).chain(grouped).chain(weights).filter(|(_, c, _)| !c.is_empty())
    {
        if columns.known.is_none()
            && !reported
            && let Some(fault) = name_fault(column)
        {
            ctx.report(&key, fault, None);
        }
        columns.check_read(ctx, &key, column);
    }
    if let Some((column, operator)) = group.as_ref().and_then(|c| Some((c, columns.fitted_by(c)?))) {
        let message = format!(
            "\"{}\" is made by `{operator}`, which is fitted on the training rows, and this decides which they are",
            printable(column)
        );
        ctx.report("data.split", message, Some("split by a column that needs no fitting".to_owned()));
    }
}

fn check_labels(ctx: &mut Context, config: &Config, labels: &Labels, columns: &Columns) {
    let tasks: BTreeMap<&str, &str> = config.tasks.iter().rev().map(|t| (t.column.as_str(), t.name.as_str())).collect();
    for (feature, label) in config.features.iter().zip(&labels.features).filter(|(f, _)| !f.column.is_empty()) {
        let Some((target, task)) = columns.label_of(&feature.column).and_then(|c| tasks.get_key_value(c)) else {
            continue;
        };
        let (column, task) = (printable(&feature.column), printable(task));
        let what = if *target == feature.column {
            format!("\"{column}\" is")
        } else {
            format!("\"{column}\" is made of \"{}\",", printable(target))
        };
        let message = format!("{what} the label of the task \"{task}\": a feature that reads it gives the answer away");
        ctx.report(&format!("{label}.column"), message, Some("remove the feature".to_owned()));
    }
    for (task, label) in config.tasks.iter().zip(&labels.tasks) {
        let (key, values) = match &task.kind {
            TaskKind::Binary { positive: Some(positive) } => ("positive", positive),
            TaskKind::MultiClass { classes } => ("classes", classes),
            TaskKind::Binary { positive: None } | TaskKind::Regression { .. } => continue,
        };
        let nulls = &config.data.reading.null_values;
        if let Some(value) = values.iter().find(|v| nulls.contains(v)) {
            let message = format!("\"{}\" means missing in `data.null_values`", printable(value));
            ctx.report(&format!("{label}.{key}"), message, Some("remove it here or there".to_owned()));
        }
    }
}

/// Score columns have different names: those of classes could be other tasks'.
fn check_scores(ctx: &mut Context, config: &Config, labels: &Labels) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (task, label) in config.tasks.iter().zip(&labels.tasks) {
        for column in task.score_columns() {
            if let Some(other) = owners.insert(column.clone(), &task.name)
                && other != task.name
            {
                let message = format!(
                    "its score column \"{}\" would also be one of the task \"{}\"",
                    printable(&column),
                    printable(other)
                );
                let hint = "rename one of the two: classes' scores are named TASK_CLASS".to_owned();
                ctx.report(&format!("{label}.name"), message, Some(hint));
                break;
            }
        }
    }
}

fn check_average(ctx: &mut Context, config: &Config) {
    let epochs = config.train.epochs;
    // Epochs out of their limits were reported as such.
    if epochs > 0 && config.train.average_from.is_some_and(|from| from > epochs) {
        let problem = if epochs == 1 { "there is only 1 epoch" } else { &format!("there are only {epochs} epochs") };
        let hint = "raise `train.epochs`, or average from an earlier one".to_owned();
        ctx.report("train.average_from", problem.to_owned(), Some(hint));
    }
}

fn check_metrics(ctx: &mut Context, config: &Config) {
    let (best_key, early_key) = ("train.best_metric", "train.early_stopping.metric");
    let mut metrics = vec![(best_key, config.train.best_metric.as_str())];
    if let Some(early) = &config.train.early_stopping {
        // One of the two is the other's default: then the one that was written is to blame.
        if early.metric != config.train.best_metric {
            metrics.push((early_key, early.metric.as_str()));
        } else if ctx.is_written(early_key) {
            metrics = vec![(early_key, early.metric.as_str())];
        }
        if config.data.valid == Validation::None {
            let hint = Some("set `data.valid` or `data.valid_fraction`".to_owned());
            ctx.report("train.early_stopping", "there are no validation rows to watch".to_owned(), hint);
        }
    }
    for (key, name) in metrics {
        // An unreadable name and a missing task were reported as such.
        if name.is_empty() || config.tasks.is_empty() {
            continue;
        }
        let metric = match Metric::parse(name, &config.tasks) {
            Ok(metric) => metric,
            Err(message) => {
                ctx.report(key, message, None);
                continue;
            }
        };
        if metric.kind == MetricKind::Gauc && config.data.group.is_none() {
            let hint = Some("name the column of the groups in `data.group`, as group = \"user_id\"".to_owned());
            ctx.report(key, format!("\"{}\" needs groups of rows", printable(name)), hint);
        }
        let mut of = config.tasks.iter().enumerate().filter(|(t, _)| metric.task.is_none_or(|task| task == *t));
        if metric.weighted && !of.any(|(_, task)| config.is_weighted(task)) {
            let hint =
                Some("set `weight_column` or `class_weights`, or take the metric without `weighted_`".to_owned());
            ctx.report(key, format!("\"{}\" needs weights of rows", printable(name)), hint);
        }
    }
}
