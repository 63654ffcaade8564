//! Reading ahead on another thread.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Runs an iterator ahead on its own thread and gives its items in order. Dropping it stops the thread once the item
/// in the making is done.
#[derive(Debug)]
pub struct Prefetch<T> {
    /// `None` once the items are at their end.
    items: Option<Receiver<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts to run `iterator` ahead, with up to `depth` items waiting beside the one in the making.
    ///
    /// # Errors
    /// The system has no thread to spare.
    pub fn new<I>(iterator: I, depth: usize) -> io::Result<Prefetch<T>>
    where
        I: Iterator<Item = T> + Send + 'static,
    {
        let (sender, items) = sync_channel(depth);
        let thread = Builder::new().name("polyrank-read".into()).spawn(move || {
            for item in iterator {
                if sender.send(item).is_err() {
                    break;
                }
            }
        })?;
        Ok(Prefetch { items: Some(items), thread: Some(thread) })
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let item = self.items.as_ref()?.recv().ok();
        if item.is_none() {
            self.items = None;
            // A panic over there must not pass for the end of the rows here.
            if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                std::panic::resume_unwind(panic);
            }
        }
        item
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // Without a receiver the thread's next send fails, and it ends.
        self.items = None;
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, concerned items that nobody wants any more.
            let _ = thread.join();
        }
    }
}
