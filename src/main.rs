//! The one binary: argument parsing, then `cli` (a person's commands) or `app` (a firm's).

use std::process::ExitCode;

use clap::Parser;
use strongroom::cli;

/// Secure client file exchange for accounting firms.
#[derive(Parser)]
#[command(name = "strongroom", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Seal(cli::seal::SealArgs),
    Open(cli::open::OpenArgs),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Seal(args) => cli::seal::run(&args),
        Command::Open(args) => cli::open::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            #[expect(clippy::print_stderr, reason = "the one place that reports a failure")]
            {
                eprintln!("strongroom: {} [{}]", failure.message(false), failure.code());
            }
            ExitCode::from(failure.status())
        }
    }
}
