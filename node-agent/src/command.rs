//! The command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use hostnet::Host;

use crate::install::{Install, Uninstall};
use crate::{agent, inventory, repair, report};

/// What a node has for fast packet processing: handed out, reported, kept in order
#[derive(Parser)]
#[command(name = "node-agent", version)]
struct Cli {
    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(agent::Run),
    Inventory(inventory::Print),
    Install(Install),
    Uninstall(Uninstall),
    Report(report::Print),
    Repair(repair::Repair),
}

/// Runs what the command line says, and tells on stderr why it could not.
#[expect(clippy::print_stderr, reason = "this is where a command's failure is told")]
#[must_use]
pub fn run(host: &Host) -> ExitCode {
    let Cli { verbose, command } = Cli::parse();
    cni::logging::init(Some(if verbose { "debug" } else { "info" }), None, "node-agent");
    let done: Result<()> = match command {
        Command::Run(run) => run.run(host),
        Command::Inventory(print) => print.run(host),
        Command::Install(install) => install.run(host),
        Command::Uninstall(uninstall) => uninstall.run(host),
        Command::Report(print) => print.run(host),
        Command::Repair(repair) => repair.run(host),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("node-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
