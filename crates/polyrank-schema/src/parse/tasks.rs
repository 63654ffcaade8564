//! `[[tasks]]`: what is learned.

use crate::config::{LabelTransform, RegressionLoss, Task, TaskKind, WeightSchedule};
use crate::error::printable;
use crate::limits::{ABOVE_ZERO, CLASSES, RATE, TASKS};
use crate::named::{Goal, LossName, ScheduleName, Written};
use crate::read::{Context, Found, Section, repeated};
use crate::tree::{Node, Value};

/// The keys of one entry.
pub(crate) const KEYS: &[&str] = &[
    "name",
    "kind",
    "column",
    "positive",
    "classes",
    "loss",
    "delta",
    "transform",
    "weight",
    "weight_schedule",
    "weight_column",
    "weight_columns",
    "class_weights",
    "when",
];

const SCHEDULE_KEYS: &[&str] = &["type", "rate"];

/// The tasks, and the key under which each was written.
pub(super) fn read(ctx: &mut Context, node: Option<&Node>) -> (Vec<Task>, Vec<String>) {
    let (mut tasks, mut labels) = (Vec::new(), Vec::new());
    let Some(items) = super::features::entries(ctx, "tasks", node) else { return (tasks, labels) };
    for (i, item) in items.iter().enumerate() {
        if i == TASKS {
            ctx.report_at(&item.place, "tasks", format!("more than {TASKS} tasks"), None);
            break;
        }
        let name = match &item.value {
            Value::Table(table) => table.text("name").map(printable),
            _ => None,
        };
        let label = match name {
            Some(name) if !labels.contains(&format!("tasks.{name}")) => format!("tasks.{name}"),
            _ => format!("tasks[{}]", i + 1),
        };
        tasks.push(read_one(ctx, &label, item));
        labels.push(label);
    }
    (tasks, labels)
}

fn read_one(ctx: &mut Context, label: &str, node: &Node) -> Task {
    let section = Section::open(ctx, label, Some(node), KEYS);
    ctx.decided(&section);
    let name = match section.get(ctx, "name") {
        Some(found) => found.name(ctx, "a name").unwrap_or_default(),
        None => {
            section.missing(ctx, "name", "name the task; scores get this name");
            String::new()
        }
    };
    let column = section.pick(ctx, "column", |f, ctx| f.name(ctx, "the name of a column"), |_| name.clone());
    let goal = section.pick(ctx, "kind", Found::named, |_| Goal::Binary);
    let kind = match goal {
        Goal::Binary => {
            refuse(ctx, &section, &["loss", "delta", "transform"], "regression");
            refuse(ctx, &section, &["classes"], "multi_class");
            TaskKind::Binary { positive: section.optional(ctx, "positive", "1 (or true)", |f, ctx| f.values(ctx)) }
        }
        Goal::Regression => {
            refuse(ctx, &section, &["positive"], "binary");
            refuse(ctx, &section, &["classes"], "multi_class");
            TaskKind::Regression { loss: read_loss(ctx, &section) }
        }
        Goal::MultiClass => {
            refuse(ctx, &section, &["positive"], "binary");
            refuse(ctx, &section, &["loss", "delta", "transform"], "regression");
            TaskKind::MultiClass { classes: read_classes(ctx, &section) }
        }
    };
    let transform = match goal {
        Goal::Regression => section.pick(ctx, "transform", Found::named, |_| LabelTransform::None),
        Goal::Binary | Goal::MultiClass => LabelTransform::None,
    };
    let weight = section.pick(ctx, "weight", |f, ctx| f.float(ctx, ABOVE_ZERO), |_| 1.0);
    let weight_schedule = read_schedule(ctx, &section);
    let weight_columns = read_weight_columns(ctx, &section);
    let class_weights = match &kind {
        TaskKind::Binary { .. } => section.optional(ctx, "class_weights", "1 and 1", |found, ctx| {
            class_weights(
                found,
                ctx,
                2,
                "two numbers above 0, of the negative and of the positive class, as [1.0, 4.0]",
            )
        }),
        TaskKind::MultiClass { classes } => section.optional(ctx, "class_weights", "1 for each class", |found, ctx| {
            let count = classes.len();
            class_weights(
                found,
                ctx,
                count,
                &format!("{count} numbers above 0, one a class, in the order of `classes`"),
            )
        }),
        TaskKind::Regression { .. } => {
            refuse(ctx, &section, &["class_weights"], "binary\" or \"multi_class");
            None
        }
    };
    let when = section.optional(ctx, "when", "everywhere", Found::expression);
    Task { name, column, kind, transform, weight, weight_schedule, weight_columns, class_weights, when }
}

fn read_schedule(ctx: &mut Context, section: &Section<'_>) -> WeightSchedule {
    let Some(found) = section.get(ctx, "weight_schedule") else {
        ctx.default(section.at("weight_schedule"), ScheduleName::Constant.written());
        return WeightSchedule::Constant;
    };
    // A name alone stands for a table with this type, as for blocks.
    if let Value::Text(_) = found.node.value {
        if found.named(ctx) == Some(ScheduleName::Decay) {
            let hint = Some("write { type = \"decay\", rate = 0.9 }".to_owned());
            ctx.report_at(&found.node.place, &found.key, "\"decay\" needs a `rate`".to_owned(), hint);
        }
        return WeightSchedule::Constant;
    }
    let inner = Section::open(ctx, &found.key, Some(found.node), SCHEDULE_KEYS);
    match inner.get(ctx, "type").map(|name| name.named(ctx)) {
        Some(Some(ScheduleName::Decay)) => match inner.get(ctx, "rate") {
            Some(rate) => WeightSchedule::Decay { rate: rate.float(ctx, RATE).unwrap_or(1.0) },
            None => {
                inner.missing(ctx, "rate", "what the weight is multiplied by after each epoch, as 0.9");
                WeightSchedule::Constant
            }
        },
        Some(Some(ScheduleName::Constant)) => {
            inner.refuse(ctx, "rate", "has no effect without type = \"decay\"");
            WeightSchedule::Constant
        }
        Some(None) => WeightSchedule::Constant,
        None => {
            inner.missing(ctx, "type", "\"constant\" or \"decay\"");
            WeightSchedule::Constant
        }
    }
}

fn read_weight_columns(ctx: &mut Context, section: &Section<'_>) -> Vec<String> {
    let one = section.get(ctx, "weight_column");
    let several = section.get(ctx, "weight_columns");
    match (one, several) {
        (None, None) => {
            ctx.default(section.at("weight_columns"), "none".to_owned());
            Vec::new()
        }
        (Some(one), None) => one.name(ctx, "the name of a column").into_iter().collect(),
        (None, Some(several)) => {
            let columns = several.names(ctx, "a list of columns").unwrap_or_default();
            if let Some(twice) = repeated(&columns) {
                let message = format!("\"{}\" is listed twice", printable(twice));
                ctx.report_at(&several.node.place, &several.key, message, Some("keep one".to_owned()));
            }
            columns
        }
        (Some(one), Some(_)) => {
            let hint = "list all of them in `weight_columns`".to_owned();
            let message = "`weight_columns` is there too".to_owned();
            ctx.report_at(&one.node.place, &one.key, message, Some(hint));
            Vec::new()
        }
    }
}

/// One weight for each of `count` classes.
fn class_weights(found: &Found<'_>, ctx: &mut Context, count: usize, expected: &str) -> Option<Vec<f64>> {
    let weight = |node: &Node| match node.value {
        Value::Float(v) => Some(v).filter(|v| ABOVE_ZERO.holds(*v)),
        Value::Int(v) => Some(v as f64).filter(|v| ABOVE_ZERO.holds(*v)),
        _ => None,
    };
    let weights = match &found.node.value {
        Value::List(items) if items.len() == count => items.iter().map(weight).collect(),
        _ => None,
    };
    weights.or_else(|| found.expected(ctx, expected))
}

fn refuse(ctx: &mut Context, section: &Section<'_>, keys: &[&str], kind: &str) {
    for key in keys {
        section.refuse(ctx, key, &format!("belongs to tasks of kind \"{kind}\""));
    }
}

/// The label texts, or how many there are if they are 0, 1, 2, …; two after an error.
fn read_classes(ctx: &mut Context, section: &Section<'_>) -> Vec<String> {
    let numbered = |n: usize| (0..n).map(|class| class.to_string()).collect();
    let Some(found) = section.get(ctx, "classes") else {
        let hint = "list the labels, as [\"low\", \"high\"], or write how many there are if they are 0, 1, 2, …";
        section.missing(ctx, "classes", hint);
        return numbered(2);
    };
    let classes = match &found.node.value {
        Value::List(items) if !(2..=CLASSES).contains(&items.len()) => {
            let what = format!("2 to {CLASSES} classes, found {}", items.len());
            ctx.report_at(&found.node.place, &found.key, format!("expected {what}"), None);
            None
        }
        Value::List(_) => found.values(ctx),
        Value::Int(n) if (2..=CLASSES as i128).contains(n) => Some(numbered(*n as usize)),
        _ => found.expected(ctx, &format!("a list of label values, or their number from 2 to {CLASSES}")),
    };
    classes.unwrap_or_else(|| numbered(2))
}

fn read_loss(ctx: &mut Context, section: &Section<'_>) -> RegressionLoss {
    let loss = section.pick(ctx, "loss", Found::named, |_| LossName::Mse);
    if loss != LossName::Huber {
        section.refuse(ctx, "delta", "has no effect without loss = \"huber\"");
    }
    match loss {
        LossName::Mse => RegressionLoss::Mse,
        LossName::Mae => RegressionLoss::Mae,
        LossName::Huber => {
            RegressionLoss::Huber { delta: section.pick(ctx, "delta", |f, ctx| f.float(ctx, ABOVE_ZERO), |_| 1.0) }
        }
    }
}
