//! Where a micro-batch's values lie while it runs.

use crate::kernels::arena::Arena;
use crate::kernels::buffer::{Buffer, Plain};
use crate::kernels::half::Left;
use crate::plan::Plan;

/// An arena, and what its values are rounded into.
pub(crate) struct Workspace<T> {
    pub(crate) arena: Arena<T>,
    /// By the plan's place: a value rounded to bf16, made by the layer that computes it or for the first op that multiplies it.
    pub(crate) lefts: Vec<Left>,
    pub(crate) scratch: Scratch<T>,
}

/// Matrices that one op makes of its weights and that nothing reads once it has run.
pub(crate) struct Scratch<T> {
    /// Weights times something.
    pub(crate) scaled: Buffer<T>,
    /// Their gradient.
    pub(crate) outer: Buffer<T>,
    /// Weights transposed.
    pub(crate) turned: Buffer<T>,
}

impl<T: Plain> Workspace<T> {
    /// Runs `f` with the values that a micro-batch holds.
    pub(crate) fn with_held<R>(&mut self, held: &mut Buffer<T>, f: impl FnOnce(&mut Self) -> R) -> R {
        self.arena.swap_held(held);
        let result = f(self);
        self.arena.swap_held(held);
        result
    }

    pub(crate) fn new(plan: &Plan) -> Workspace<T> {
        let lefts = std::iter::repeat_with(Left::default).take(plan.lefts).collect();
        let scratch = Scratch { scaled: Buffer::new(), outer: Buffer::new(), turned: Buffer::new() };
        Workspace { arena: Arena::new(plan.micro_rows, plan.widths), lefts, scratch }
    }
}
