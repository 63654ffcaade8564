//! `[[operators]]`: what is done to raw columns before they are encoded.

use crate::block;
use crate::config::{InForce, Task};
use crate::error::{Quote, one_of, printable};
use crate::expression::Expression;
use crate::limits::OPERATORS;
use crate::operator::Operator;
use crate::read::{Context, Found};
use crate::spec::{Block, BlockContext, BlockSpec, OptionValue, Registry};
use crate::tree::{Node, Table, Value};

/// The key that every operator has besides its own options.
pub(crate) const NAME: &str = "name";
/// The options of an operator that averages labels.
const TARGET: &str = "target";
const WHERE: &str = "where";

/// The operators, and the key under which each was written.
pub(super) fn read(
    ctx: &mut Context,
    node: Option<&Node>,
    registry: &Registry<'_>,
    context: BlockContext<'_>,
) -> (Vec<Operator>, Vec<String>) {
    let (mut operators, mut labels) = (Vec::new(), Vec::new());
    let Some(node) = node else { return (operators, labels) };
    let Value::List(items) = &node.value else {
        let message = format!("expected a list of tables, found {}", node.value.describe());
        ctx.report_at(&node.place, "operators", message, Some("write [[operators]], in two brackets".to_owned()));
        return (operators, labels);
    };
    let specs: Vec<BlockSpec> = registry.operators.iter().map(|spec| spec.block).collect();
    for (i, item) in items.iter().enumerate() {
        if i == OPERATORS {
            ctx.report_at(&item.place, "operators", format!("more than {OPERATORS} operators"), None);
            break;
        }
        let alone = |name: &&str| items.iter().filter(|other| name_of(other) == Some(name)).count() == 1;
        let label = match name_of(item).filter(alone) {
            Some(name) => format!("operators.{}", printable(name)),
            None => format!("operators[{}]", i + 1),
        };
        if let Some(operator) = read_one(ctx, &label, item, registry, &specs, context) {
            operators.push(operator);
            labels.push(label);
        }
    }
    (operators, labels)
}

/// What an entry is called: its `name`, or else its type.
pub(crate) fn name_of(entry: &Node) -> Option<&str> {
    let Value::Table(table) = &entry.value else { return None };
    table.text(NAME).or_else(|| table.text("type"))
}

fn read_one(
    ctx: &mut Context,
    label: &str,
    node: &Node,
    registry: &Registry<'_>,
    specs: &[BlockSpec],
    context: BlockContext<'_>,
) -> Option<Operator> {
    ctx.remember(label, &node.place);
    let found = Found { node, key: label.to_owned() };
    let Value::Table(table) = &node.value else { return found.expected(ctx, "a table with `type`") };
    for entry in &table.0 {
        ctx.remember(&format!("{label}.{}", printable(&entry.key)), &entry.node.place);
    }
    if table.get("type").is_none() {
        let names: Vec<&str> = specs.iter().map(|spec| spec.name).collect();
        let hint = format!("set it to one of {}", one_of(&names, Quote::Value));
        ctx.report_at(&node.place, &format!("{label}.type"), "missing".to_owned(), Some(hint));
        return None;
    }
    let name = match table.get(NAME) {
        Some(node) => Found { node, key: format!("{label}.{NAME}") }.name(ctx, "a name"),
        None => None,
    };
    let options = table.0.iter().filter(|entry| entry.key != NAME).cloned().collect();
    let own = Node { place: node.place.clone(), value: Value::Table(Table(options)) };
    let found = Found { node: &own, key: label.to_owned() };
    let before = ctx.problems.found();
    let mut block = block::read(ctx, Some(&found), label, specs, |_| "", context);
    count_in_the_space(ctx, label, &mut block, specs, context);
    // Only of a block without problems are the steps known.
    let spec = registry.operators.iter().find(|spec| spec.block.name == block.kind)?;
    let steps = if ctx.problems.found() == before { (spec.steps)(&block) } else { Vec::new() };
    Some(Operator { name: name.unwrap_or_else(|| block.kind.clone()), block, steps })
}

/// An operator that averages labels counts the rows where they are learned, unless its `where` says which.
fn count_in_the_space(
    ctx: &mut Context,
    label: &str,
    block: &mut Block,
    specs: &[BlockSpec],
    context: BlockContext<'_>,
) {
    let spec = specs.iter().find(|spec| spec.name == block.kind);
    let has = |key: &str| spec.is_some_and(|spec| spec.options.iter().any(|option| option.key == key));
    if !has(TARGET) || !has(WHERE) || block.has(WHERE) {
        return;
    }
    let is_target = |task: &&Task| block.names(TARGET).contains(&task.column);
    let tasks: Vec<&Task> = context.tasks.iter().filter(is_target).collect();
    let spaces: Vec<Option<&str>> = tasks.iter().map(|task| task.when.as_ref().map(Expression::text)).collect();
    let Some(one) = tasks.iter().zip(&spaces).find_map(|(task, space)| Some((*task, (*space)?))) else { return };
    let (task, space) = one;
    let key = format!("{label}.{WHERE}");
    let named = block.names(TARGET).iter().all(|column| tasks.iter().any(|task| task.column == *column));
    if named && spaces.iter().all(|other| *other == Some(space)) {
        let because = format!("tasks.{}.when", printable(&task.name));
        ctx.in_force.retain(|choice| choice.key != key);
        ctx.in_force.push(InForce { key, value: Value::Text(space.to_owned()).written(), because });
        block.options.insert(WHERE.to_owned(), OptionValue::Text(space.to_owned()));
        return;
    }
    let message =
        format!("the task `{}` is learned only where {space}, and not every target is", printable(&task.name));
    let hint = "write `where`, \"true\" for all rows, or an operator for each target".to_owned();
    ctx.report(&key, message, Some(hint));
}
