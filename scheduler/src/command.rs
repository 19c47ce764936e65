//! The command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Answers kube-scheduler which nodes keep a pod's latency budget
#[derive(Parser)]
#[command(name = "latency-scheduler", version)]
struct Cli {
    /// Say on stderr what is done
    #[arg(short, long)]
    verbose: bool,
}

impl Cli {
    fn run(self) -> Result<()> {
        Ok(())
    }
}

/// Runs what the command line says, and tells on stderr why it could not.
#[expect(clippy::print_stderr, reason = "this is where a command's failure is told")]
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    cni::logging::init(Some(if cli.verbose { "debug" } else { "info" }), None, "latency-scheduler");
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency-scheduler: {error:#}");
            ExitCode::FAILURE
        }
    }
}
