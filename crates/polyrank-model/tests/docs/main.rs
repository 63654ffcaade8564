//! The documents' code: every snippet stands in the file that it names, and the programs that the snippets make up run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod mmoe;
mod own_architecture;
mod ple;
mod quotes;
