//! The parser and the check of stored configurations, through the public interface.

#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod blocks;
mod columns;
mod common;
mod defaults;
mod hostile;
mod keys_and_values;
mod operators;
mod overrides;
mod references;
mod sequences;
mod stored;
mod weights;
