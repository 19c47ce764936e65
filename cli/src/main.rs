//! `fastpath`: the operator's tool. See README.md for what each command does to the host.
//!
//! Attachments are made and taken back by CNI plugins; what was attached is remembered in the cache
//! that other CNI runtimes use too. This program itself changes nothing but that cache; `measure` says
//! what it makes and takes away.
#![forbid(unsafe_code)]

mod attach;
mod check;
mod detach;
mod drawing;
mod error_text;
mod explain;
mod gc;
mod host;
mod measure;
mod output;
mod ovn;
mod selection;
mod simulate;
mod sockets;
mod yaml;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::host::Host;
use crate::output::Output;

/// Attach containers to networks by hand, check them, detach them, collect what is left over; measure, explain, simulate; join OVN to the world.
#[derive(Parser)]
#[command(name = "fastpath", version)]
struct Cli {
    #[command(flatten)]
    host: Host,
    #[command(flatten)]
    output: Output,
    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Attach(Printing<attach::Attach>),
    Detach(Printing<detach::Detach>),
    Check(Printing<check::Check>),
    Gc(Printing<gc::Gc>),
    Measure(measure::Measure),
    Explain(explain::Explain),
    Simulate(simulate::Simulate),
    Ovn(ovn::Ovn),
}

/// A command of which there is something to print. `--json` may stand before or after its name.
#[derive(Args)]
struct Printing<C: Args> {
    #[command(flatten)]
    command: C,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    let Cli { host, output, verbose, command } = Cli::parse();
    cni::logging::init(Some(if verbose { "debug" } else { "warning" }), None, "fastpath");
    let (report, own) = match command {
        Command::Attach(Printing { command, output }) => (command.run(&host), output),
        Command::Detach(Printing { command, output }) => (command.run(&host), output),
        Command::Check(Printing { command, output }) => (command.run(&host), output),
        Command::Gc(Printing { command, output }) => (command.run(&host), output),
        Command::Measure(command) => return told(command.run(&host)),
        Command::Explain(command) => return told(command.run()),
        Command::Simulate(command) => return told(command.run()),
        Command::Ovn(command) => return told(command.run()),
    };
    output.or(&own).print(&report)
}

/// Says on stderr why there is nothing to tell.
#[expect(clippy::print_stderr, reason = "this is where a command's failure is told")]
fn told(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("fastpath: {error:#}");
        ExitCode::FAILURE
    })
}
