//! The command-line program: compile, check, decide, explain, search, matrix, diff, residual, test, seed, init,
//! audit, types, import.
//!
//! The only part of the crate with input, output, a clock and randomness. Exit codes: 0 success, or
//! allowed; 1 denied, a finding that is an error, a failed case, or a difference; 2 wrong usage or unreadable input.

mod audit;
mod check;
mod compile;
mod decide;
mod diff;
mod failure;
mod import;
mod init;
mod input;
mod matrix;
mod output;
mod replay;
mod residual;
mod search;
mod seed;
mod test;
mod types;

pub use failure::Failure;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Compiles a tenant's rows to policies and decides requests with them.
#[derive(Debug, Parser)]
#[command(name = "parapet", version, about, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 success or allowed; 1 denied, findings, failed cases, or differences; 2 wrong usage or unreadable input."
)]
struct Arguments {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile a tenant document to Cedar policies or to a signed snapshot
    Compile(compile::Compile),
    /// Find everything that is wrong with a tenant document
    Check(check::Check),
    /// Decide one request
    Decide(decide::Decide),
    /// Decide one request and say why
    Explain(decide::Explain),
    /// Find the actions, resources or subjects that are allowed
    Search(search::Search),
    /// Print what every principal may do, as far as policies alone say
    Matrix(matrix::Matrix),
    /// Decide the requests of a file with two tenants and print what differs
    Diff(diff::Diff),
    /// Decide again what a log of decisions asked, with another snapshot, and print what would change
    Replay(replay::Replay),
    /// Say which resources of a type a subject may see: a condition as JSON, Cedar or SQL
    Residual(residual::ResidualCommand),
    /// Run fixture folders: every request must be decided as written
    Test(test::Test),
    /// Write a tenant document as SQL, with fresh API keys, for a database of one's own
    Seed(seed::Seed),
    /// Write the operators' tenant with its first operator as SQL, with the operator's API key: once
    Init(init::Init),
    /// Make a tenant document of what another system exports
    Import(import::Import),
    /// Verify an exported audit log
    Audit(audit::Audit),
    /// Print what a tenant's requests may say as TypeScript, for `@parapet/engine`
    Types(types::Types),
    /// Print the JSON Schema of tenant documents
    Schema,
}

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let result = match arguments.command {
        Command::Compile(command) => command.run(json),
        Command::Check(command) => command.run(json),
        Command::Decide(command) => command.run(json),
        Command::Explain(command) => command.run(json),
        Command::Search(command) => command.run(json),
        Command::Matrix(command) => command.run(json),
        Command::Diff(command) => command.run(json),
        Command::Replay(command) => command.run(json),
        Command::Residual(command) => command.run(json),
        Command::Test(command) => command.run(json),
        Command::Seed(command) => command.run(json),
        Command::Init(command) => command.run(json),
        Command::Audit(command) => command.run(json),
        Command::Import(command) => command.run(json),
        Command::Types(command) => command.run(json),
        Command::Schema => output::json(&crate::model::schema::json_schema()).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|failure| failure.report(json))
}
