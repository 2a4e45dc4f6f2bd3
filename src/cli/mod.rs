//! The commands. Each is a file here; each prints for people, and with `--json` for programs.
//!
//! Exit codes: 0 fine, 1 the answer is no, 2 usage or configuration.

mod alerts;
mod ca;
mod check;
mod config;
mod illegal;
mod lists;
mod log;
mod parent;
mod privacy;
mod scan;
mod seal;
mod serve;
mod table;
mod tls;
mod users;
mod who;

use clap::{Parser, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// A filtering forward proxy for schools.
#[derive(Parser)]
#[command(
    name = "usher",
    version,
    about,
    propagate_version = true,
    after_help = "Start it with: usher serve\nThen ask it: usher check https://www.example.org --group year-7"
)]
struct Arguments {
    /// The configuration of this installation.
    #[arg(long, global = true, value_name = "FILE", default_value = "config/usher.toml", env = "USHER_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the proxy.
    Serve(serve::Serve),
    /// Say what would happen to a request, and why.
    Check(check::Check),
    /// Keep the lists: update them, look at them, put them back.
    #[command(subcommand)]
    Lists(lists::Lists),
    /// Look at the illegal-content lists.
    #[command(subcommand)]
    Illegal(illegal::Illegal),
    /// Search the record.
    #[command(subcommand)]
    Log(log::Log),
    /// Alerts: look at them, deal with them, and try them on the past.
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// Look at the phrases pages are scored by.
    #[command(subcommand)]
    Scan(scan::Scan),
    /// Look at the parent proxy.
    #[command(subcommand)]
    Parent(parent::Parent),
    /// Keep the certificate authority.
    #[command(subcommand)]
    Ca(ca::Ca),
    /// Look after what happens where https is looked into.
    #[command(subcommand)]
    Tls(tls::Tls),
    /// Keep the users of this installation.
    #[command(subcommand)]
    Users(users::Users),
    /// Check the configuration.
    #[command(subcommand)]
    Config(config::Command),
}

/// What a command came to.
pub(crate) enum Answer {
    /// Fine.
    Yes,
    /// The answer is no: blocked, not found, problems in lists.
    No,
}

/// Runs the command that was typed.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let path = arguments.config;
    let answer = match arguments.command {
        Command::Serve(command) => command.run(&path),
        Command::Check(command) => command.run(&path),
        Command::Lists(command) => command.run(&path),
        Command::Illegal(command) => command.run(&path),
        Command::Log(command) => command.run(&path),
        Command::Alerts(command) => command.run(&path),
        Command::Scan(command) => command.run(&path),
        Command::Parent(command) => command.run(&path),
        Command::Ca(command) => command.run(&path),
        Command::Tls(command) => command.run(&path),
        Command::Users(command) => command.run(&path),
        Command::Config(command) => command.run(&path),
    };
    match answer {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        // The reader of a pipe has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "usher: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Prints one line of JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints a line, and lets a closed pipe be an error rather than a panic.
pub(crate) fn print(line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}
