//! A buffer in which a product kernel repacks what it reads, kept by each thread from call to call.

use std::cell::RefCell;

use super::buffer::Buffer;

thread_local! {
    static NUMBERS: RefCell<Buffer<f32>> = const { RefCell::new(Buffer::new()) };
}

/// Runs `f` with this thread's buffer.
pub(super) fn with<R>(f: impl FnOnce(&mut Buffer<f32>) -> R) -> R {
    NUMBERS.with_borrow_mut(f)
}
