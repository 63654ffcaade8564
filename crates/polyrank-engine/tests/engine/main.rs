//! The engine proved from outside: gradients against central differences, invariants on bits, optimizers against their
//! formulas.

#![allow(clippy::unwrap_used, reason = "a test's failure names the line")]

mod classes;
mod errors;
mod frozen;
mod gates;
mod gradients;
mod interactions;
mod invariants;
mod isa;
mod lists;
mod optimizers;
mod random;
mod sequences;
mod statistics;
mod support;
mod weights;
