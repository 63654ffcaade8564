//! The one place that prints.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "everything that is printed goes through here")]

use std::io::{self, Write};

use crate::failure::Failure;

/// Data, to standard output.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        // Whoever reads has seen enough (`| head`).
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::io("standard output", e)),
        Ok(()) => Ok(()),
    }
}

/// A message, to standard error.
pub(crate) fn message(text: &str) {
    eprintln!("{text}");
}
