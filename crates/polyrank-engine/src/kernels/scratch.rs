//! Buffers in which product kernels repack what they read, kept by each thread from call to call.

use std::cell::RefCell;

use super::half::Pair;

/// What a call may overwrite.
#[derive(Default)]
pub(super) struct Scratch {
    /// The first operand's pairs.
    pub(super) left: Vec<Pair>,
    /// The second operand's pairs.
    pub(super) right: Vec<Pair>,
    /// The second operand's numbers.
    pub(super) numbers: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Runs `f` with this thread's buffers.
pub(super) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(f)
}
