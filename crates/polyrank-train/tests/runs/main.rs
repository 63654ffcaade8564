//! Whole training runs on small files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod averages;
mod by_key;
mod checkpoints;
mod classes;
mod diverging;
mod hostile_rows;
mod invariants;
mod memory;
mod networks;
mod operators;
mod pretrained;
mod sequences;
mod support;
mod transform;
mod undefined;
mod weights;
