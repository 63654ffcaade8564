//! The command line: one subcommand a file under `commands/`.
//!
//! Standard output carries data only; messages and progress go to standard error. Exit codes: 0 done, 2 the input is to
//! blame (a wrong key, a missing, corrupt or foreign file), 1 anything else.

mod commands;
mod failure;
mod interrupt;
mod load;
mod output;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;

/// Trains and serves one ranking model for many objectives.
#[derive(Debug, Parser)]
#[command(name = "polyrank", version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // A damaged file that trips a decoder becomes an error with a message of its own.
        if !polyrank_data::read::decoding() {
            usual(panic);
        }
    }));
    let arguments = Arguments::parse();
    match arguments.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::message(&format!("{failure}"));
            failure.code()
        }
    }
}
