//! `polyrank init`.

use clap::Args;

use crate::failure::Failure;

/// Looks at data and writes a commented configuration.
#[derive(Debug, Args)]
pub(crate) struct Init {}

impl Init {
    pub(crate) fn run(self) -> Result<(), Failure> {
        Err(Failure::input("unwritten"))
    }
}
