//! `fastpath`: the operator's tool. See README.md for what each command does to the host.
//!
//! Attachments are made and taken back by CNI plugins; what was attached is remembered in the cache
//! that other CNI runtimes use too. This program itself changes nothing but that cache.
#![forbid(unsafe_code)]

mod attach;
mod check;
mod detach;
mod error_text;
mod gc;
mod host;
mod output;
mod selection;
mod sockets;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::host::Host;
use crate::output::Output;

/// Attach containers to networks by hand, check them, detach them, collect what is left over.
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
    Attach(attach::Attach),
    Detach(detach::Detach),
    Check(check::Check),
    Gc(gc::Gc),
}

fn main() -> ExitCode {
    let Cli { host, output, verbose, command } = Cli::parse();
    cni::logging::init(Some(if verbose { "debug" } else { "warning" }), None, "fastpath");
    let report = match command {
        Command::Attach(command) => command.run(&host),
        Command::Detach(command) => command.run(&host),
        Command::Check(command) => command.run(&host),
        Command::Gc(command) => command.run(&host),
    };
    output.print(&report)
}
