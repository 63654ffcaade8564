//! What the blocks of task chains share: click, then conversion, then more, each of which implies the one before.

use polyrank_schema::Block;
use polyrank_schema::config::TaskKind;
use polyrank_schema::spec::BlockContext;

/// A chain is one of probabilities, and has at least two.
pub(super) fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if let Some(task) = context.tasks.iter().find(|task| !matches!(task.kind, TaskKind::Binary { .. })) {
        return Err(format!(
            "`{}` relates probabilities of binary tasks, and `{}` is not one; make it binary, or take a block that only \
             shares layers, as `mmoe`",
            block.kind, task.name
        ));
    }
    if context.tasks.len() < 2 {
        return Err(format!(
            "`{}` needs at least 2 tasks in the order in which they happen, as click and conversion, there is {}; use \
             `single` for one task",
            block.kind,
            context.tasks.len()
        ));
    }
    Ok(())
}

/// A chain that is trained over all rows: the product says by itself that a task can only happen where the one before
/// has.
pub(super) fn check_entire_space(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    check(block, context)?;
    match context.tasks.iter().find(|task| task.when.is_some()) {
        Some(task) => Err(format!(
            "`{}` learns every task from all rows, and `{}` has a `when`; remove it, or take a block that only shares \
             layers, as `mmoe`",
            block.kind, task.name
        )),
        None => Ok(()),
    }
}
