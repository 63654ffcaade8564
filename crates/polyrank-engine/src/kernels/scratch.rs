//! A buffer in which a product kernel repacks what it reads, kept by each thread from call to call.

use std::cell::RefCell;

thread_local! {
    static NUMBERS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` with this thread's buffer.
pub(super) fn with<R>(f: impl FnOnce(&mut Vec<f32>) -> R) -> R {
    NUMBERS.with_borrow_mut(f)
}
