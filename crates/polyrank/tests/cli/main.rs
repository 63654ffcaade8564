//! The program as users run it: arguments in; files, standard output, messages and exit codes out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../polyrank-model/tests/docs/blocks.rs"]
mod blocks;
mod cache;
mod demo;
mod embeddings;
mod examples;
mod exit_codes;
mod formats;
mod hostile;
#[cfg(unix)]
mod interrupting;
mod pages;
mod prepare;
mod schema;
mod support;
mod synth;
