//! `bench-latency-scheduler`: what the extender adds to a question over HTTP, and how many pods a second the real
//! kube-scheduler places with it. `latency-scheduler.sh` builds all that is needed and starts it.

#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod client;
mod cluster;
mod nodes;
mod question;
mod replay;
mod report;
mod server;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

/// Nodes of the cluster of which the extender knows.
const NODES: usize = 15_000;
/// Names in a question. By itself kube-scheduler asks about 500 of 5,000 nodes, about 750 of 15,000; about all of
/// them when it is told to score all.
const SIZES: [usize; 3] = [500, 5_000, 15_000];

#[derive(Args)]
struct Options {
    /// The executable of latency-scheduler
    #[arg(long)]
    latency_scheduler: PathBuf,
    /// The executable of extender-floor
    #[arg(long)]
    floor: PathBuf,
    /// An empty directory for what is made up
    #[arg(long)]
    dir: PathBuf,
    /// Questions of each size to each server
    #[arg(long, default_value_t = 500)]
    rounds: usize,
    /// Bursts of pods with the extender, and as many without
    #[arg(long, default_value_t = 5)]
    bursts: usize,
}

fn main() -> Result<()> {
    bench::cli::main(run)
}

fn run(options: &Options) -> Result<String> {
    let (times, memory) = replay::measure(
        &options.latency_scheduler,
        &options.floor,
        &options.dir,
        &SIZES,
        options.rounds,
    )?;
    let rates = cluster::measure(&options.latency_scheduler, options.bursts)?;
    let text = report::text(&times, &memory, &rates)?;
    eprintln!("{text}");
    Ok(text)
}
