//! The report of a training run: one HTML file that needs nothing else, with charts drawn here.
//!
//! [`RunReport`] is plain data; [`html`] turns it into a page. Names of tasks and features come from users: every text
//! is escaped, and the page forbids scripts and anything from a network.

pub(crate) mod chart;
mod number;
pub(crate) mod page;
mod run;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use page::html;
pub use run::{Entry, EpochReport, EpochTask, FeatureReport, GateReport, RunReport, TaskReport};
