//! Ctrl-C: the first asks to stop cleanly, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;
use crate::output;

/// A flag that the first Ctrl-C (or SIGTERM) sets.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let shared = flag.clone();
    ctrlc::set_handler(move || {
        if shared.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        output::message("stopping after this step; press Ctrl-C again to stop at once");
    })
    .map_err(|e| Failure::io("signal handler", std::io::Error::other(e)))?;
    Ok(flag)
}
